import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import cassandra from 'cassandra-driver';
import { freePorts } from './free-port.ts';
import { GuardedProcess } from './guarded-process.ts';
import type { JavaTools } from './java-tools.ts';
import { fetchPackage } from './packages.ts';

const run = promisify(execFile);
const readyTimeoutMs = 180_000;

/** What nodes call their data center that are not told another name. */
export const cassandraDataCenter = 'datacenter1';

export interface CassandraOptions {
  /** Lets in who has a password only (`cassandra` with the password `cassandra` at first), goes by grants, and takes TLS beside plain connections. */
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
  dispose(): Promise<void>;
}

/** @throws {ServiceError} when it cannot be downloaded or does not come up. */
export async function startCassandraWith(
  tools: JavaTools,
  cacheDirectory: string,
  options: CassandraOptions = {},
): Promise<CassandraNode> {
  const lib = await fetchPackage('cassandra', tools, cacheDirectory);
  const [nativePort = 0, storagePort = 0, jmxPort = 0] = await freePorts(3);
  const home = await mkdtemp(join(tmpdir(), 'journey-graph-cassandra-'));
  const { heapMiB = 1024 } = options;
  await mkdir(join(home, 'conf'));
  await writeFile(join(home, 'conf', 'cassandra.yaml'), settings(home, nativePort, storagePort, options));
  await writeFile(join(home, 'conf', 'logback.xml'), logback);
  const authority = options.secured === true ? await makeCertificate(tools, home) : null;
  const process = GuardedProcess.start({
    title: 'Cassandra',
    file: tools.java,
    args: [
      `-Xms${heapMiB}m`,
      `-Xmx${heapMiB}m`,
      '-Djdk.attach.allowAttachSelf=true',
      ...exported.flatMap((name) => ['--add-exports', `${name}=ALL-UNNAMED`]),
      ...opened.flatMap((name) => ['--add-opens', `${name}=ALL-UNNAMED`]),
      `-Dcassandra.config=file://${join(home, 'conf', 'cassandra.yaml')}`,
      `-Dcassandra.storagedir=${join(home, 'data')}`,
      '-Dcassandra.ring_delay_ms=0',
      '-Dcassandra.skip_wait_for_gossip_to_settle=0',
      `-Dcassandra.jmx.local.port=${jmxPort}`,
      '-Dcassandra-foreground=yes',
      '-cp',
      `${join(home, 'conf')}:${join(lib, '*')}`,
      'org.apache.cassandra.service.CassandraDaemon',
    ],
    temporaryDirectory: home,
    logFile: join(home, 'cassandra-process.log'),
  });
  const contactPoint = `127.0.0.1:${nativePort}`;
  const dispose = async (): Promise<void> => {
    await process.kill();
    await rm(home, { recursive: true, force: true });
  };
  const credentials = options.secured === true ? { user: 'cassandra', password: 'cassandra' } : null;
  try {
    await process.ready(() => answersCql(contactPoint, credentials), readyTimeoutMs);
  } catch (error) {
    await dispose();
    throw error;
  }
  return {
    contactPoint,
    get pid() {
      return process.pid;
    },
    home,
    authority,
    dispose,
  };
}

export interface CassandraCredentials {
  readonly user: string;
  readonly password: string;
}

/** Only a query that succeeded says that the node takes any. */
export async function answersCql(
  contactPoint: string,
  credentials: CassandraCredentials | null,
): Promise<boolean> {
  const client = new cassandra.Client({
    contactPoints: contactPoint.split(','),
    localDataCenter: cassandraDataCenter,
    socketOptions: { connectTimeout: 2_000 },
    ...(credentials === null
      ? {}
      : { authProvider: new cassandra.auth.PlainTextAuthProvider(credentials.user, credentials.password) }),
  });
  try {
    const { rows } = await client.execute('SELECT release_version FROM system.local');
    return rows.length === 1;
  } finally {
    await client.shutdown();
  }
}

/** Emptying a table keeps no copy of it, and nothing is synced before it is answered: the data of a test are gone with it. */
function settings(
  home: string,
  nativePort: number,
  storagePort: number,
  { secured = false }: CassandraOptions,
): string {
  const folder = (name: string): string => JSON.stringify(join(home, 'data', name));
  return `cluster_name: journey-graph-tests
num_tokens: 4
partitioner: org.apache.cassandra.dht.Murmur3Partitioner
endpoint_snitch: SimpleSnitch
seed_provider:
  - class_name: org.apache.cassandra.locator.SimpleSeedProvider
    parameters:
      - seeds: "127.0.0.1:${storagePort}"
listen_address: 127.0.0.1
rpc_address: 127.0.0.1
storage_port: ${storagePort}
native_transport_port: ${nativePort}
start_native_transport: true
data_file_directories: [${folder('data')}]
commitlog_directory: ${folder('commitlog')}
hints_directory: ${folder('hints')}
saved_caches_directory: ${folder('saved_caches')}
cdc_raw_directory: ${folder('cdc_raw')}
commitlog_sync: periodic
commitlog_sync_period: 10000ms
disk_failure_policy: stop
commit_failure_policy: stop
auto_snapshot: false
authenticator: ${secured ? 'PasswordAuthenticator' : 'AllowAllAuthenticator'}
authorizer: ${secured ? 'CassandraAuthorizer' : 'AllowAllAuthorizer'}
role_manager: CassandraRoleManager
${secured ? encryption(home) : ''}`;
}

function encryption(home: string): string {
  // Otherwise a grant takes seconds to be seen.
  return `permissions_validity: 0ms
roles_validity: 0ms
credentials_validity: 0ms
client_encryption_options:
  enabled: true
  optional: true
  keystore: ${JSON.stringify(join(home, 'conf', keyStore))}
  keystore_password: ${storePassword}
`;
}

const keyStore = 'node.p12';
const storePassword = 'journey-graph';

/** Signed by itself, for the loopback address; answers it as PEM. */
async function makeCertificate(tools: JavaTools, home: string): Promise<string> {
  const access = [
    '-keystore',
    join(home, 'conf', keyStore),
    '-storetype',
    'PKCS12',
    '-storepass',
    storePassword,
    '-alias',
    'node',
  ];
  const identity = [
    '-dname',
    'CN=localhost',
    '-ext',
    'san=ip:127.0.0.1,dns:localhost',
    '-ext',
    'bc:c=ca:true',
  ];
  await run(tools.keytool, [
    '-genkeypair',
    '-keyalg',
    'RSA',
    '-keysize',
    '2048',
    '-validity',
    '30',
    ...identity,
    ...access,
  ]);
  const { stdout } = await run(tools.keytool, ['-exportcert', '-rfc', ...access]);
  return stdout.slice(stdout.indexOf('-----BEGIN'));
}

const logback = `<configuration>
  <appender name="OUT" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%-5level %date{ISO8601} %logger{20} - %msg%n</pattern></encoder>
  </appender>
  <root level="WARN"><appender-ref ref="OUT" /></root>
</configuration>
`;

/** As Cassandra's own start script says for Java 17. */
const exported = [
  'java.base/jdk.internal.misc',
  'java.base/jdk.internal.ref',
  'java.base/sun.nio.ch',
  'java.management.rmi/com.sun.jmx.remote.internal.rmi',
  'java.rmi/sun.rmi.registry',
  'java.rmi/sun.rmi.server',
  'java.sql/java.sql',
  'java.base/java.lang.ref',
];
const opened = [
  'java.base/java.lang',
  'java.base/java.lang.module',
  'java.base/java.lang.reflect',
  'java.base/java.io',
  'java.base/java.net',
  'java.base/java.nio',
  'java.base/java.util',
  'java.base/java.util.concurrent',
  'java.base/java.util.concurrent.atomic',
  'java.base/jdk.internal.loader',
  'java.base/jdk.internal.math',
  'java.base/jdk.internal.module',
  'java.base/jdk.internal.ref',
  'java.base/jdk.internal.reflect',
  'java.base/jdk.internal.util.jar',
  'java.base/sun.nio.ch',
  'jdk.management/com.sun.management.internal',
];
