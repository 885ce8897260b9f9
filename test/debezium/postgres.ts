import { execFile } from 'node:child_process';
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
  // The server refuses to run as root.
  const asUser =
    process.getuid?.() === 0 ? ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups'] : [];
  const commandOf = (program: string, args: readonly string[]): readonly [string, readonly string[]] => {
    const [file = '', ...rest] = [...asUser, program, ...args];
    return [file, rest];
  };
  const execute = async (program: string, args: readonly string[]): Promise<string> => {
    const [file, rest] = commandOf(program, args);
    return (await run(file, [...rest], { cwd: directory, timeout: 60_000 })).stdout;
  };
  if (asUser.length > 0) await run('chown', ['postgres:postgres', directory]);
  const data = join(directory, 'data');
  await execute(programs.initdb, ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C']);
  const settings = {
    port: String(port),
    listen_addresses: '127.0.0.1',
    unix_socket_directories: directory,
    wal_level: 'logical',
    fsync: 'off',
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const [file, args] = commandOf(programs.postgres, ['-D', data, ...options]);
  const server = GuardedProcess.start({
    title: 'PostgreSQL',
    file,
    args,
    temporaryDirectory: directory,
    logFile: join(directory, 'postgres.log'),
    env: { TZ: 'UTC' },
  });
  const psql = (args: readonly string[]): Promise<string> =>
    execute(programs.psql, [
      '-X',
      '-q',
      '-v',
      'ON_ERROR_STOP=1',
      '-h',
      '127.0.0.1',
      '-p',
      String(port),
      '-U',
      'postgres',
      ...args,
    ]);
  const dispose = async (): Promise<void> => {
    await server.stop();
    await rm(directory, { recursive: true, force: true });
  };
  try {
    await server.ready(async () => (await psql(['-At', '-c', 'select 1'])).trim() === '1', readyTimeoutMs);
    const version = (await psql(['-At', '-c', 'show server_version'])).trim();
    return {
      port,
      version,
      runFile: async (path, variables) => {
        const given = Object.entries(variables).flatMap(([name, value]) => ['-v', `${name}=${value}`]);
        await run(
          programs.psql,
          [
            '-X',
            '-q',
            '-v',
            'ON_ERROR_STOP=1',
            '-h',
            '127.0.0.1',
            '-p',
            String(port),
            '-U',
            'postgres',
            ...given,
            '-f',
            path,
          ],
          {
            env: { ...process.env, PGTZ: 'UTC' },
          },
        );
      },
      dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}

async function findPrograms(searchPath: string): Promise<{ initdb: string; postgres: string; psql: string }> {
  const versions = await readdir(debianFolder).catch(() => []);
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
