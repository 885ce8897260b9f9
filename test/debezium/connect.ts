import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from '../services/free-port.ts';
import { GuardedProcess } from '../services/guarded-process.ts';
import type { JavaTools } from '../services/java-tools.ts';
import { fetchPackage } from '../services/packages.ts';
import { ServiceError } from '../services/service-error.ts';

const readyTimeoutMs = 60_000;
const requestTimeoutMs = 5_000;

interface ConnectParts {
  readonly tools: JavaTools;
  readonly cacheDirectory: string;
  readonly bootstrapServers: string;
  readonly registryUrl: string;
  readonly postgresPort: number;
}

export type Settings = Readonly<Record<string, string>>;

/** How values and keys are written: what Confluent's own converter writes, byte for byte of framing, ids and attributes. */
function converterSettings(prefix: string, registryUrl: string): Settings {
  const settings = {
    converter: 'io.apicurio.registry.utils.converter.AvroConverter',
    'converter.apicurio.registry.url': registryUrl.replace('/apis/ccompat/v7', '/apis/registry/v2'),
    'converter.apicurio.registry.id-handler': 'io.apicurio.registry.serde.Legacy4ByteIdHandler',
    'converter.apicurio.registry.headers.enabled': 'false',
    'converter.apicurio.registry.auto-register': 'true',
    'converter.apicurio.registry.use-id': 'contentId',
  };
  return Object.fromEntries(Object.entries(settings).map(([name, value]) => [`${prefix}.${name}`, value]));
}

/** The connector under test; all else is its default. */
export const connectorSettings: Settings = {
  name: 'catalog',
  'connector.class': 'io.debezium.connector.postgresql.PostgresConnector',
  'plugin.name': 'pgoutput',
  'topic.prefix': 'catalog',
  'table.include.list': 'public.titles,public.titles_full',
  'provide.transaction.metadata': 'true',
  'skipped.operations': 'none',
  'tasks.max': '1',
  'topic.creation.default.replication.factor': '1',
  'topic.creation.default.partitions': '1',
};

interface Connect {
  /** @throws {ServiceError} when the connector has failed. */
  check(): Promise<void>;
  dispose(): Promise<void>;
}

/** Kafka Connect, standalone, with Debezium's connector for the tables. */
export async function startConnect(parts: ConnectParts): Promise<Connect> {
  const lib = await fetchPackage('debezium', parts.tools, parts.cacheDirectory);
  const directory = await mkdtemp(join(tmpdir(), 'journey-graph-connect-'));
  const [restPort = 0] = await freePorts(1);
  const worker = join(directory, 'worker.properties');
  const connector = join(directory, 'connector.properties');
  await writeFile(
    worker,
    properties({
      'bootstrap.servers': parts.bootstrapServers,
      listeners: `http://127.0.0.1:${restPort}`,
      'offset.storage.file.filename': join(directory, 'offsets'),
      'offset.flush.interval.ms': '1000',
      ...converterSettings('key', parts.registryUrl),
      ...converterSettings('value', parts.registryUrl),
    }),
  );
  const database = {
    'database.hostname': '127.0.0.1',
    'database.port': String(parts.postgresPort),
    'database.user': 'postgres',
    'database.password': 'postgres',
    'database.dbname': 'postgres',
  };
  await writeFile(connector, properties({ ...connectorSettings, ...database }));
  const log = join(import.meta.dirname, '..', 'services', 'log4j2.xml');
  const server = GuardedProcess.start({
    title: 'Kafka Connect',
    file: parts.tools.java,
    args: [
      '-Xmx512m',
      '-Duser.timezone=UTC',
      `-Dlog4j2.configurationFile=${log}`,
      '-cp',
      join(lib, '*'),
      'org.apache.kafka.connect.cli.ConnectStandalone',
      worker,
      connector,
    ],
    temporaryDirectory: directory,
    logFile: join(directory, 'connect.log'),
  });
  const dispose = async (): Promise<void> => {
    await server.kill();
    await rm(directory, { recursive: true, force: true });
  };
  try {
    await server.ready(() => isRunning(restPort), readyTimeoutMs);
  } catch (error) {
    await dispose();
    throw error;
  }
  const check = async (): Promise<void> => {
    const status = await statusOf(restPort);
    if (status.includes('FAILED')) throw new ServiceError(`The connector has failed: ${status}`);
  };
  return { check, dispose };
}

async function isRunning(port: number): Promise<boolean> {
  return (await statusOf(port)).includes('"tasks":[{');
}

async function statusOf(port: number): Promise<string> {
  const url = `http://127.0.0.1:${port}/connectors/catalog/status`;
  const response = await fetch(url, { signal: AbortSignal.timeout(requestTimeoutMs) });
  return response.text();
}

function properties(settings: Settings): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}
