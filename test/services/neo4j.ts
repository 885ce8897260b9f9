import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import neo4j from 'neo4j-driver';
import { freePorts } from './free-port.ts';
import { GuardedProcess } from './guarded-process.ts';
import type { JavaTools } from './java-tools.ts';
import { fetchPackage } from './packages.ts';

const readyTimeoutMs = 120_000;

export interface Neo4jOptions {
  /** Of the user `neo4j`; without it nobody has to log in. */
  readonly password?: string;
  readonly memory?: Neo4jMemory;
  /** Such as an import, which wants the server not to have run yet. */
  readonly beforeStart?: (home: Neo4jHome) => Promise<void>;
}

/** What a tool of Neo4j's is run with: its settings are in `home`'s folder `conf`. */
export interface Neo4jHome {
  readonly home: string;
  readonly java: string;
  readonly classPath: string;
}

/** A Neo4j Community server of our own, empty at start. */
export interface Neo4jServer {
  /** Such as `bolt://127.0.0.1:23456`. */
  readonly uri: string;
  readonly pid: number;
  /** Holds its data. */
  readonly home: string;
  dispose(): Promise<void>;
}

export interface Neo4jMemory {
  readonly heapMiB: number;
  readonly pageCacheMiB: number;
}

const testMemory: Neo4jMemory = { heapMiB: 1024, pageCacheMiB: 256 };

/** @throws {ServiceError} when it cannot be downloaded or does not come up. */
export async function startNeo4jWith(
  tools: JavaTools,
  cacheDirectory: string,
  options: Neo4jOptions = {},
): Promise<Neo4jServer> {
  const lib = await fetchPackage('neo4j', tools, cacheDirectory);
  const [port = 0] = await freePorts(1);
  const home = await mkdtemp(join(tmpdir(), 'journey-graph-neo4j-'));
  await mkdir(join(home, 'conf'));
  await writeFile(join(home, 'conf', 'neo4j.conf'), settings(port, options));
  const { memory = testMemory, beforeStart } = options;
  const classPath = join(lib, '*');
  try {
    await beforeStart?.({ home, java: tools.java, classPath });
  } catch (error) {
    await rm(home, { recursive: true, force: true });
    throw error;
  }
  const process = GuardedProcess.start({
    title: 'Neo4j',
    file: tools.java,
    args: [
      `-Xmx${memory.heapMiB}m`,
      '--add-opens=java.base/java.nio=ALL-UNNAMED',
      '--add-opens=java.base/java.io=ALL-UNNAMED',
      '--add-opens=java.base/sun.nio.ch=ALL-UNNAMED',
      '-Dio.netty.tryReflectionSetAccessible=true',
      '-cp',
      classPath,
      'org.neo4j.server.CommunityEntryPoint',
      `--home-dir=${home}`,
      `--config-dir=${join(home, 'conf')}`,
      '--console-mode',
    ],
    temporaryDirectory: home,
    logFile: join(home, 'neo4j-process.log'),
  });
  const uri = `bolt://127.0.0.1:${port}`;
  const dispose = async (): Promise<void> => {
    await process.kill();
    await rm(home, { recursive: true, force: true });
  };
  try {
    const { password } = options;
    const isReady = (): Promise<boolean> =>
      password === undefined ? answersQuery(uri, null) : setsPassword(uri, password);
    await process.ready(isReady, readyTimeoutMs);
  } catch (error) {
    await dispose();
    throw error;
  }
  return {
    uri,
    get pid() {
      return process.pid;
    },
    home,
    dispose,
  };
}

function settings(port: number, { password, memory = testMemory }: Neo4jOptions): string {
  const lines = [
    `server.bolt.listen_address=127.0.0.1:${port}`,
    `server.bolt.advertised_address=127.0.0.1:${port}`,
    'server.http.enabled=false',
    'server.https.enabled=false',
    `dbms.security.auth_enabled=${password !== undefined}`,
    `server.memory.heap.max_size=${memory.heapMiB}m`,
    `server.memory.pagecache.size=${memory.pageCacheMiB}m`,
    'dbms.usage_report.enabled=false',
  ];
  return `${lines.join('\n')}\n`;
}

/** A new server wants the password that everybody knows to be changed before anything else. */
async function setsPassword(uri: string, password: string): Promise<boolean> {
  const driver = neo4j.driver(uri, neo4j.auth.basic('neo4j', 'neo4j'), { connectionTimeout: 2_000 });
  try {
    const query = "ALTER CURRENT USER SET PASSWORD FROM 'neo4j' TO $password";
    await driver.executeQuery(query, { password }, { database: 'system' });
    return true;
  } finally {
    await driver.close();
  }
}

export interface Neo4jCredentials {
  readonly user: string;
  readonly password: string;
}

/** Only a query that succeeded says that the database is there: bolt answers earlier. */
export async function answersQuery(uri: string, credentials: Neo4jCredentials | null): Promise<boolean> {
  const token = credentials === null ? undefined : neo4j.auth.basic(credentials.user, credentials.password);
  const driver = neo4j.driver(uri, token, { connectionTimeout: 2_000, maxTransactionRetryTime: 0 });
  try {
    const { records } = await driver.executeQuery('RETURN 1 AS one');
    return records.length === 1;
  } finally {
    await driver.close();
  }
}
