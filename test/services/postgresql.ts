import { execFile } from 'node:child_process';
import { chown, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import type { TestEnvironment } from './environment.ts';
import { freePorts } from './free-port.ts';
import { GuardedProcess } from './guarded-process.ts';
import { findExecutable } from './java-tools.ts';
import { ServiceError } from './service-error.ts';

const readyTimeoutMs = 60_000;
const debianFolder = '/usr/lib/postgresql';

/** A PostgreSQL server of our own on the loopback interface, without passwords, empty at start. */
export interface PostgresqlServer {
  /** Such as `postgresql://journey@127.0.0.1:23456/postgres`. */
  readonly url: string;
  readonly pid: number;
  /** Holds its data. */
  readonly home: string;
  dispose(): Promise<void>;
}

/**
 * `settings` are lines of `postgresql.conf`, by name.
 *
 * @throws {ServiceError} when PostgreSQL is not installed or does not come up.
 */
export async function startPostgresql(
  environment: TestEnvironment,
  settings: Readonly<Record<string, string>> = {},
): Promise<PostgresqlServer> {
  const bin = await findPrograms(environment);
  const user = await someoneButRoot();
  const home = await mkdtemp(join(tmpdir(), 'journey-graph-postgresql-'));
  if (user !== null) await chown(home, user.uid, user.gid);
  const remove = (): Promise<void> => rm(home, { recursive: true, force: true });
  try {
    const data = join(home, 'data');
    const initdb = ['-D', data, '-U', 'journey', '-A', 'trust', '-E', 'UTF8', '--locale=C'];
    await promisify(execFile)(bin.initdb, initdb, { cwd: home, ...user });
    const [port = 0] = await freePorts(1);
    await writeFile(join(data, 'postgresql.conf'), settingsFile(port, home, settings));
    const server = GuardedProcess.start({
      title: 'PostgreSQL',
      file: bin.postgres,
      args: ['-D', data],
      temporaryDirectory: home,
      logFile: join(home, 'process.log'),
      ...(user === null ? {} : { user }),
    });
    const url = `postgresql://journey@127.0.0.1:${port}/postgres`;
    const dispose = async (): Promise<void> => {
      await server.stop();
      await remove();
    };
    try {
      await server.ready(() => answersSql(url), readyTimeoutMs);
    } catch (error) {
      await dispose();
      throw error;
    }
    return {
      url,
      get pid() {
        return server.pid;
      },
      home,
      dispose,
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

function settingsFile(port: number, home: string, settings: Readonly<Record<string, string>>): string {
  const all = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: home,
    ...settings,
  };
  return Object.entries(all)
    .map(([name, value]) => `${name} = '${value}'\n`)
    .join('');
}

/** On the PATH, or where Debian puts them, the newest version first. */
async function findPrograms({
  searchPath,
}: TestEnvironment): Promise<{ readonly initdb: string; readonly postgres: string }> {
  const folders = searchPath.split(delimiter).filter((folder) => folder !== '');
  const versions = await readdir(debianFolder).catch((): string[] => []);
  versions.sort((a, b) => Number(b) - Number(a));
  folders.push(...versions.map((version) => join(debianFolder, version, 'bin')));
  const initdb = findExecutable('initdb', folders);
  const postgres = findExecutable('postgres', folders);
  if (initdb === null || postgres === null) {
    throw new ServiceError(
      'Cannot start PostgreSQL: there are no initdb and postgres on PATH; install the package postgresql.',
    );
  }
  return { initdb, postgres };
}

/** PostgreSQL refuses to run as root. Null when we are not root. Its own account is made by Debian's package. */
async function someoneButRoot(): Promise<{ readonly uid: number; readonly gid: number } | null> {
  if (process.getuid?.() !== 0) return null;
  const accounts = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  const account =
    accounts.find(([name]) => name === 'postgres') ?? accounts.find(([name]) => name === 'nobody');
  if (account === undefined) {
    throw new ServiceError(
      'Cannot start PostgreSQL as root: there is no account "postgres" or "nobody" to run it as.',
    );
  }
  return { uid: Number(account[2]), gid: Number(account[3]) };
}

async function answersSql(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2000 });
  try {
    await client.connect();
    const { rowCount } = await client.query('SELECT 1');
    return rowCount === 1;
  } finally {
    await client.end();
  }
}
