import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import cassandra from 'cassandra-driver';
import {
  type CassandraPlace,
  type ClientIdentity,
  cassandraJvmFlags,
  cassandraSettings,
  logback,
  makeCertificate,
  makeTrustedClient,
} from './cassandra-configuration.ts';
import { freePorts } from './free-port.ts';
import { GuardedProcess } from './guarded-process.ts';
import type { JavaTools } from './java-tools.ts';
import { fetchPackage, outputOf } from './packages.ts';
import { ServiceError } from './service-error.ts';

const run = promisify(execFile);
const readyTimeoutMs = 180_000;
const nodetoolTimeoutMs = 600_000;
const nodetoolBytesMax = 16 * 1024 * 1024;

/** What nodes call their data center that are not told another name. */
export const cassandraDataCenter = 'datacenter1';

export interface CassandraOptions {
  /** Lets in who has a password only (`cassandra` with the password `cassandra` at first), goes by grants, and takes TLS from who shows `client`, beside plain connections. */
  readonly secured?: boolean;
  readonly heapMiB?: number;
}

/** A Cassandra node of our own, empty at start. */
export interface CassandraNode {
  /** `host:port`. */
  readonly contactPoint: string;
  readonly pid: number;
  /** Holds its data. */
  readonly home: string;
  /** The authority of its certificate, PEM; null when it has none. */
  readonly authority: string | null;
  /** What it asks of who comes over TLS; null when it takes none. */
  readonly client: ClientIdentity | null;
  /** Ends it as a power cut would (SIGKILL). */
  kill(): Promise<void>;
  /** Starts it again after `kill`, on the same data and ports; resolves when it takes queries. */
  start(): Promise<void>;
  /** What Cassandra's own `nodetool` answers; throws ServiceError when it fails. */
  nodetool(...words: readonly string[]): Promise<string>;
  /** Kills it and removes its data. */
  dispose(): Promise<void>;
}

/** @throws {ServiceError} when it cannot be downloaded or does not come up. */
export async function startCassandraWith(
  tools: JavaTools,
  cacheDirectory: string,
  options: CassandraOptions = {},
): Promise<CassandraNode> {
  const [nativePort = 0, storagePort = 0] = await freePorts(2);
  const address = '127.0.0.1';
  const place = { address, nativePort, storagePort, seeds: [address], secured: options.secured === true };
  const node = await prepareCassandra(tools, cacheDirectory, place, options.heapMiB ?? 1024);
  try {
    await node.start();
    return node;
  } catch (error) {
    await node.dispose();
    throw error;
  }
}

/** A node that is not started yet. */
export async function prepareCassandra(
  tools: JavaTools,
  cacheDirectory: string,
  where: Omit<CassandraPlace, 'home'>,
  heapMiB: number,
): Promise<CassandraNode> {
  const lib = await fetchPackage('cassandra', tools, cacheDirectory);
  const [jmxPort = 0] = await freePorts(1);
  const home = await mkdtemp(join(tmpdir(), 'journey-graph-cassandra-'));
  const place: CassandraPlace = { ...where, home };
  await mkdir(join(home, 'conf'));
  await writeFile(join(home, 'conf', 'cassandra.yaml'), cassandraSettings(place));
  await writeFile(join(home, 'conf', 'logback.xml'), logback);
  const authority = place.secured ? await makeCertificate(tools, home) : null;
  const client = place.secured ? await makeTrustedClient(tools, home) : null;
  const args = [
    ...cassandraJvmFlags(heapMiB),
    `-Dcassandra.config=file://${join(home, 'conf', 'cassandra.yaml')}`,
    `-Dcassandra.storagedir=${join(home, 'data')}`,
    `-Dcassandra.jmx.local.port=${jmxPort}`,
    '-cp',
    `${join(home, 'conf')}:${join(lib, '*')}`,
    'org.apache.cassandra.service.CassandraDaemon',
  ];
  const nodetool = nodetoolArguments(home, lib, jmxPort);
  return new JvmCassandra(tools.java, args, nodetool, place, { authority, client });
}

/** It keeps a history in the home of its user. */
function nodetoolArguments(home: string, lib: string, jmxPort: number): readonly string[] {
  return [
    ...cassandraJvmFlags(64),
    '-XX:TieredStopAtLevel=1',
    '-XX:+UseSerialGC',
    `-Duser.home=${home}`,
    '-cp',
    `${join(home, 'conf')}:${join(lib, '*')}`,
    'org.apache.cassandra.tools.NodeTool',
    '-p',
    String(jmxPort),
  ];
}

class JvmCassandra implements CassandraNode {
  readonly authority: string | null;
  readonly client: ClientIdentity | null;
  readonly #java: string;
  readonly #args: readonly string[];
  readonly #nodetool: readonly string[];
  readonly #place: CassandraPlace;
  #process: GuardedProcess | null = null;

  constructor(
    java: string,
    args: readonly string[],
    nodetool: readonly string[],
    place: CassandraPlace,
    { authority, client }: Pick<CassandraNode, 'authority' | 'client'>,
  ) {
    this.#java = java;
    this.#args = args;
    this.#nodetool = nodetool;
    this.#place = place;
    this.authority = authority;
    this.client = client;
  }

  get contactPoint(): string {
    return `${this.#place.address}:${this.#place.nativePort}`;
  }

  get home(): string {
    return this.#place.home;
  }

  get pid(): number {
    if (this.#process === null) throw new ServiceError('Cassandra was not started.');
    return this.#process.pid;
  }

  async start(): Promise<void> {
    if (this.#process?.running === true) return;
    const process = GuardedProcess.start({
      title: 'Cassandra',
      file: this.#java,
      args: this.#args,
      temporaryDirectory: this.home,
      logFile: join(this.home, 'cassandra-process.log'),
    });
    this.#process = process;
    const credentials = this.#place.secured ? { user: 'cassandra', password: 'cassandra' } : null;
    await process.ready(() => answersCql(this.contactPoint, credentials), readyTimeoutMs);
  }

  async kill(): Promise<void> {
    await this.#process?.kill();
  }

  async nodetool(...words: readonly string[]): Promise<string> {
    const options = { cwd: this.home, maxBuffer: nodetoolBytesMax, timeout: nodetoolTimeoutMs };
    try {
      const { stdout } = await run(this.#java, [...this.#nodetool, ...words], options);
      return stdout;
    } catch (error) {
      throw new ServiceError(`nodetool ${words.join(' ')} failed: ${outputOf(error)}.`, { cause: error });
    }
  }

  async dispose(): Promise<void> {
    await this.kill();
    await rm(this.home, { recursive: true, force: true });
  }
}

export interface CassandraCredentials {
  readonly user: string;
  readonly password: string;
}

/** Only a query that succeeded says that the node takes any. */
export async function answersCql(
  contactPoints: string,
  credentials: CassandraCredentials | null,
): Promise<boolean> {
  return await answers(contactPoints, credentials, 'SELECT release_version FROM system.local', 'one');
}

/** Whether the node sees all copies of what each of three nodes has a copy of. */
export async function seesAllCopies(contactPoint: string): Promise<boolean> {
  const query = 'SELECT * FROM system_distributed.view_build_status LIMIT 1';
  return await answers(contactPoint, null, query, 'all');
}

async function answers(
  contactPoints: string,
  credentials: CassandraCredentials | null,
  query: string,
  consistency: 'one' | 'all',
): Promise<boolean> {
  const { policies, types } = cassandra;
  const addresses = contactPoints.split(',');
  const client = new cassandra.Client({
    contactPoints: addresses,
    localDataCenter: cassandraDataCenter,
    socketOptions: { connectTimeout: 2_000 },
    // The driver finds other nodes, which may answer when this one does not yet.
    policies: {
      loadBalancing: new policies.loadBalancing.AllowListPolicy(
        new policies.loadBalancing.DCAwareRoundRobinPolicy(cassandraDataCenter),
        addresses,
      ),
    },
    ...(credentials === null
      ? {}
      : { authProvider: new cassandra.auth.PlainTextAuthProvider(credentials.user, credentials.password) }),
  });
  try {
    await client.execute(query, [], { consistency: types.consistencies[consistency] });
    return true;
  } finally {
    await client.shutdown();
  }
}
