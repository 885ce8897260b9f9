import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { JavaTools } from './java-tools.ts';

const run = promisify(execFile);

/** Where a node listens, and whom it asks for the others. */
export interface CassandraPlace {
  readonly home: string;
  readonly address: string;
  readonly nativePort: number;
  readonly storagePort: number;
  /** Addresses of nodes, its own may be among them; all listen on its own `storagePort`. */
  readonly seeds: readonly string[];
  /** Lets in who has a password only, goes by grants, and takes TLS, for which it asks a certificate of clients, beside plain connections. */
  readonly secured: boolean;
}

/**
 * Emptying a table keeps no copy of it, and nothing is synced before it is answered: the data of a test are gone with it. A node joins before there are data, so
 * there is nothing to be streamed to it.
 */
export function cassandraSettings(place: CassandraPlace): string {
  const { home, address, nativePort, storagePort, seeds, secured } = place;
  const folder = (name: string): string => JSON.stringify(join(home, 'data', name));
  return `cluster_name: journey-graph-tests
num_tokens: 4
partitioner: org.apache.cassandra.dht.Murmur3Partitioner
endpoint_snitch: SimpleSnitch
seed_provider:
  - class_name: org.apache.cassandra.locator.SimpleSeedProvider
    parameters:
      - seeds: "${seeds.map((seed) => `${seed}:${storagePort}`).join(',')}"
listen_address: ${address}
rpc_address: ${address}
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
${seeds.length > 1 ? 'auto_bootstrap: false\n' : ''}${secured ? encryption(home) : ''}`;
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
  require_client_auth: true
  truststore: ${JSON.stringify(join(home, 'conf', trustStore))}
  truststore_password: ${storePassword}
`;
}

const keyStore = 'node.p12';
const trustStore = 'clients.p12';
const storePassword = 'journey-graph';

/** Signed by itself, for the loopback address; answers it as PEM. */
export async function makeCertificate(tools: JavaTools, home: string): Promise<string> {
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

export interface ClientIdentity {
  readonly certificate: string;
  readonly key: string;
}

/** PEM, signed by itself. */
export async function makeClientIdentity(folder: string, name: string): Promise<ClientIdentity> {
  const [certificate, key] = [join(folder, `${name}.pem`), join(folder, `${name}.key`)];
  await run('openssl', [
    ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', `/CN=${name}`],
    ...['-keyout', key, '-out', certificate],
  ]);
  return { certificate: await readFile(certificate, 'utf8'), key: await readFile(key, 'utf8') };
}

/** Whom the node takes for a client over TLS. */
export async function makeTrustedClient(tools: JavaTools, home: string): Promise<ClientIdentity> {
  const folder = join(home, 'conf');
  const identity = await makeClientIdentity(folder, 'client');
  await run(tools.keytool, [
    ...['-importcert', '-noprompt', '-alias', 'client', '-file', join(folder, 'client.pem')],
    ...['-keystore', join(folder, trustStore), '-storetype', 'PKCS12', '-storepass', storePassword],
  ]);
  return identity;
}

export const logback = `<configuration>
  <appender name="OUT" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%-5level %date{ISO8601} %logger{20} - %msg%n</pattern></encoder>
  </appender>
  <root level="WARN"><appender-ref ref="OUT" /></root>
</configuration>
`;

/** Of every node: as Cassandra's own start script says for Java 17, and no pause for a ring whose nodes are started one after the other. */
export function cassandraJvmFlags(heapMiB: number): readonly string[] {
  return [
    `-Xms${heapMiB}m`,
    `-Xmx${heapMiB}m`,
    '-Djdk.attach.allowAttachSelf=true',
    ...exported.flatMap((name) => ['--add-exports', `${name}=ALL-UNNAMED`]),
    ...opened.flatMap((name) => ['--add-opens', `${name}=ALL-UNNAMED`]),
    '-Dcassandra.ring_delay_ms=0',
    '-Dcassandra.skip_wait_for_gossip_to_settle=0',
    '-Dcassandra-foreground=yes',
  ];
}

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
