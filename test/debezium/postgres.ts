import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { freePorts } from '../services/free-port.ts';
import { GuardedProcess } from '../services/guarded-process.ts';
import { findExecutable } from '../services/java-tools.ts';
import { ServiceError } from '../services/service-error.ts';

const run = promisify(execFile);
const readyTimeoutMs = 30_000;
const programTimeoutMs = 60_000;
/** Where Debian keeps the server's programs, a folder a version. */
const debianFolder = '/usr/lib/postgresql';

/** A server of our own on the loopback interface, whose log tells changes; the user `postgres` needs no password. */
export interface Postgres {
  readonly port: number;
  readonly version: string;
  /** Runs a file of statements in psql, each its own transaction, with psql's variables. */
  runFile(file: string, variables: Readonly<Record<string, string>>): Promise<void>;
  dispose(): Promise<void>;
}

/** @throws {ServiceError} when PostgreSQL is not installed or does not come up. */
export async function startPostgres(searchPath: string): Promise<Postgres> {
  const programs = await findPrograms(searchPath);
  const [port = 0] = await freePorts(1);
  const directory = await mkdtemp(join(tmpdir(), 'journey-graph-postgres-'));
  if (isRoot()) await run('chown', ['postgres:postgres', directory]);
  const data = join(directory, 'data');
  const [initdb, initArgs] = asServerUser(programs.initdb, [
    ...['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C'],
  ]);
  await run(initdb, initArgs, { cwd: directory, timeout: programTimeoutMs });
  const settings = {
    port: String(port),
    listen_addresses: '127.0.0.1',
    unix_socket_directories: directory,
    wal_level: 'logical',
    // What is recorded need not survive the machine.
    fsync: 'off',
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const [file, args] = asServerUser(programs.postgres, ['-D', data, ...options]);
  const logFile = join(directory, 'postgres.log');
  const server = GuardedProcess.start({
    title: 'PostgreSQL',
    file,
    args,
    temporaryDirectory: directory,
    logFile,
  });
  const psql = async (given: readonly string[]): Promise<string> => {
    const connection = ['-h', '127.0.0.1', '-p', String(port), '-U', 'postgres'];
    const all = ['-X', '-q', '-v', 'ON_ERROR_STOP=1', ...connection, ...given];
    const env = { ...process.env, PGTZ: 'UTC' };
    return (await run(programs.psql, all, { env, timeout: programTimeoutMs })).stdout;
  };
  const dispose = async (): Promise<void> => {
    await server.stop();
    await rm(directory, { recursive: true, force: true });
  };
  try {
    await server.ready(async () => (await psql(['-At', '-c', 'select 1'])).trim() === '1', readyTimeoutMs);
    const version = (await psql(['-At', '-c', 'show server_version'])).trim();
    const runFile: Postgres['runFile'] = async (path, variables) => {
      const given = Object.entries(variables).flatMap(([name, value]) => ['-v', `${name}=${value}`]);
      await psql([...given, '-f', path]);
    };
    return { port, version, runFile, dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/** The server refuses to run as root. */
function asServerUser(program: string, args: readonly string[]): [string, string[]] {
  if (!isRoot()) return [program, [...args]];
  return ['setpriv', ['--reuid=postgres', '--regid=postgres', '--clear-groups', program, ...args]];
}

async function findPrograms(searchPath: string): Promise<{ initdb: string; postgres: string; psql: string }> {
  const versions = existsSync(debianFolder) ? await readdir(debianFolder) : [];
  const folders = [
    ...searchPath.split(delimiter),
    ...versions.map((version) => join(debianFolder, version, 'bin')),
  ];
  const found = (name: string): string => {
    const path = findExecutable(name, folders);
    if (path === null)
      throw new ServiceError(`PostgreSQL's ${name} is neither on PATH nor in ${debianFolder}: install it.`);
    return path;
  };
  return { initdb: found('initdb'), postgres: found('postgres'), psql: found('psql') };
}
