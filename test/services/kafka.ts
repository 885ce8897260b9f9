import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Admin } from '@platformatic/kafka';
import { freePorts } from './free-port.ts';
import { GuardedProcess } from './guarded-process.ts';
import type { JavaTools } from './java-tools.ts';
import {
  type KafkaListener,
  type KafkaPlan,
  type KafkaUser,
  scramArguments,
  serverProperties,
} from './kafka-settings.ts';
import { fetchPackage, outputOf } from './packages.ts';
import { ServiceError } from './service-error.ts';

const run = promisify(execFile);
/** Several that start at once beside other work take longer than one. */
const readyTimeoutMs = 120_000;
const plainListener: KafkaListener = { name: 'PLAINTEXT', protocol: 'PLAINTEXT' };

export interface KafkaOptions {
  /** Beside the plain one on which `bootstrapServers` listens, which is always there. */
  readonly listeners?: readonly KafkaListener[];
  /** Users of the SASL listeners. */
  readonly users?: readonly KafkaUser[];
  /** Broker settings that win over ours, such as `{'log.retention.ms': '1000'}`. */
  readonly properties?: Readonly<Record<string, string>>;
  readonly heapMib?: number;
}

/** A broker of our own: one node, on the loopback interface, with data that lasts until `dispose`. */
export interface KafkaBroker {
  /** `host:port` of the listener without any security. */
  readonly bootstrapServers: string;
  /** `host:port` of the named extra listener. */
  addressOf(listener: string): string;
  /** The certificate that TLS clients have to trust, PEM; null without a TLS listener. */
  readonly caPem: string | null;
  /** And the same certificate as a file, for clients that take a path (`ssl.ca.location`). */
  readonly caFile: string | null;
  readonly pid: number;
  /** Ends it regularly; `start` continues on the same data and ports. */
  stop(): Promise<void>;
  /** Ends it as a power cut would (SIGKILL). */
  kill(): Promise<void>;
  /** Starts it again after `stop` or `kill`; resolves when it answers. */
  start(): Promise<void>;
  /** Stops it and removes its data. */
  dispose(): Promise<void>;
}

/**
 * Starts a broker and resolves when it has answered a metadata request.
 *
 * @throws {ServiceError} when it cannot be downloaded, or does not come up; the message carries the end of its log.
 */
export async function startKafkaWith(
  tools: JavaTools,
  cacheDirectory: string,
  options: KafkaOptions = {},
): Promise<KafkaBroker> {
  const lib = await fetchPackage('kafka', tools, cacheDirectory);
  const directory = await mkdtemp(join(tmpdir(), 'journey-graph-kafka-'));
  const broker = new JvmKafka(tools, lib, directory, options.heapMib ?? 512);
  try {
    await broker.prepare(options);
    await broker.start();
    return broker;
  } catch (error) {
    await broker.dispose();
    throw error;
  }
}

/** Of several brokers that are one cluster. */
interface Membership {
  readonly clusterId: string;
  readonly nodeId: number;
  /** By node, from 1. */
  readonly controllerPorts: readonly number[];
}

/** What is kept is kept by all three, and two of them are enough to go on. */
const replicated = {
  'default.replication.factor': '3',
  'min.insync.replicas': '2',
  'offsets.topic.replication.factor': '3',
  'transaction.state.log.replication.factor': '3',
  'transaction.state.log.min.isr': '2',
  'share.coordinator.state.topic.replication.factor': '3',
  'share.coordinator.state.topic.min.isr': '2',
};

/**
 * Three brokers, controllers too, of one cluster that goes on without any one of them. Each `bootstrapServers` is its own alone.
 *
 * @throws {ServiceError} as {@link startKafkaWith} does.
 */
export async function startKafkaCluster(
  tools: JavaTools,
  cacheDirectory: string,
  options: Pick<KafkaOptions, 'properties' | 'heapMib'> = {},
): Promise<readonly KafkaBroker[]> {
  const lib = await fetchPackage('kafka', tools, cacheDirectory);
  const controllerPorts = await freePorts(3);
  const clusterId = newClusterId();
  const properties = { ...replicated, ...options.properties };
  const brokers: JvmKafka[] = [];
  try {
    for (const index of controllerPorts.keys()) {
      const directory = await mkdtemp(join(tmpdir(), 'journey-graph-kafka-'));
      const broker = new JvmKafka(tools, lib, directory, options.heapMib ?? 256);
      brokers.push(broker);
      await broker.prepare({ ...options, properties }, { clusterId, nodeId: index + 1, controllerPorts });
    }
    // None answers before two of them are there.
    await Promise.all(brokers.map((broker) => broker.start()));
    return brokers;
  } catch (error) {
    await Promise.all(brokers.map((broker) => broker.dispose()));
    throw error;
  }
}

function newClusterId(): string {
  return randomBytes(16).toString('base64url');
}

class JvmKafka implements KafkaBroker {
  readonly #tools: JavaTools;
  readonly #lib: string;
  readonly #directory: string;
  readonly #heapMib: number;
  #plan: KafkaPlan | null = null;
  #process: GuardedProcess | null = null;
  caPem: string | null = null;

  constructor(tools: JavaTools, lib: string, directory: string, heapMib: number) {
    this.#tools = tools;
    this.#lib = lib;
    this.#directory = directory;
    this.#heapMib = heapMib;
  }

  get bootstrapServers(): string {
    return this.addressOf(plainListener.name);
  }

  get caFile(): string | null {
    return this.caPem === null ? null : join(this.#directory, 'ca.pem');
  }

  get pid(): number {
    if (this.#process === null) throw new ServiceError('Kafka was not started.');
    return this.#process.pid;
  }

  addressOf(listener: string): string {
    const port = this.#plan?.ports.get(listener);
    if (port === undefined) throw new ServiceError(`This broker has no listener "${listener}".`);
    return `127.0.0.1:${port}`;
  }

  /** Chooses ports, makes the key store and formats the data folder. */
  async prepare(options: KafkaOptions, membership: Membership | null = null): Promise<void> {
    const listeners = [plainListener, ...(options.listeners ?? [])];
    const names = listeners.map(({ name }) => name);
    const [ownPort = 0, ...ports] = await freePorts(names.length + 1);
    const { clusterId, nodeId, controllerPorts } = membership ?? {
      clusterId: newClusterId(),
      nodeId: 1,
      controllerPorts: [ownPort],
    };
    const dataDirectory = join(this.#directory, 'data');
    await mkdir(dataDirectory);
    const plan: KafkaPlan = {
      listeners,
      users: options.users ?? [],
      properties: options.properties ?? {},
      dataDirectory,
      nodeId,
      controllers: controllerPorts.map((port, index) => `${index + 1}@127.0.0.1:${port}`),
      ports: new Map([
        ...names.map((name, index) => [name, ports[index] ?? 0] as const),
        ['CONTROLLER', controllerPorts[nodeId - 1] ?? 0],
      ]),
      keyStore: listeners.some(({ protocol }) => protocol.endsWith('SSL'))
        ? await this.#makeKeyStore()
        : null,
    };
    this.#plan = plan;
    await writeFile(this.#settingsFile, serverProperties(plan));
    await this.#format(plan, clusterId);
  }

  get #settingsFile(): string {
    return join(this.#directory, 'server.properties');
  }

  async #makeKeyStore(): Promise<{ file: string; password: string }> {
    const store = { file: join(this.#directory, 'broker.p12'), password: randomBytes(12).toString('hex') };
    const access = [
      '-alias',
      'broker',
      '-keystore',
      store.file,
      '-storetype',
      'PKCS12',
      '-storepass',
      store.password,
    ];
    const identity = [
      '-dname',
      'CN=localhost',
      '-ext',
      'SAN=dns:localhost,ip:127.0.0.1',
      '-ext',
      'bc:c=ca:true',
    ];
    await this.#tool(this.#tools.keytool, [
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
    const exported = await this.#tool(this.#tools.keytool, ['-exportcert', '-rfc', ...access]);
    this.caPem = exported.slice(exported.indexOf('-----BEGIN'));
    await writeFile(join(this.#directory, 'ca.pem'), this.caPem);
    return store;
  }

  async #format(plan: KafkaPlan, clusterId: string): Promise<void> {
    // One id in 64 begins with a hyphen: as an argument of its own it would be taken for an option.
    const arguments_ = [
      'format',
      `--cluster-id=${clusterId}`,
      '-c',
      this.#settingsFile,
      ...scramArguments(plan),
    ];
    await this.#tool(this.#tools.java, [...this.#javaOptions(64), 'kafka.tools.StorageTool', ...arguments_]);
  }

  async #tool(file: string, args: readonly string[]): Promise<string> {
    try {
      const { stdout } = await run(file, args, { cwd: this.#directory, timeout: readyTimeoutMs });
      return stdout;
    } catch (error) {
      throw new ServiceError(`Could not prepare Kafka's data folder: ${outputOf(error)}.`, { cause: error });
    }
  }

  #javaOptions(heapMib: number): readonly string[] {
    const logging = join(import.meta.dirname, 'log4j2.xml');
    return [`-Xmx${heapMib}m`, `-Dlog4j2.configurationFile=${logging}`, '-cp', join(this.#lib, '*')];
  }

  async start(): Promise<void> {
    if (this.#process?.running === true) return;
    const process = GuardedProcess.start({
      title: 'Kafka',
      file: this.#tools.java,
      args: [...this.#javaOptions(this.#heapMib), 'kafka.Kafka', this.#settingsFile],
      temporaryDirectory: this.#directory,
      logFile: join(this.#directory, 'kafka.log'),
    });
    this.#process = process;
    try {
      await process.ready(() => answersMetadata(this.bootstrapServers), readyTimeoutMs);
    } catch (error) {
      await process.kill();
      throw error;
    }
  }

  async stop(): Promise<void> {
    await this.#process?.stop();
  }

  async kill(): Promise<void> {
    await this.#process?.kill();
  }

  async dispose(): Promise<void> {
    await this.kill();
    await rm(this.#directory, { recursive: true, force: true });
  }

  /** What the broker has logged so far. */
  async log(): Promise<string> {
    return readFile(join(this.#directory, 'kafka.log'), 'utf8');
  }
}

/** A port that answers is not yet a broker: it must name itself as a member of the cluster. */
export async function answersMetadata(bootstrapServers: string): Promise<boolean> {
  const admin = new Admin({
    clientId: 'journey-graph-services',
    bootstrapBrokers: bootstrapServers.split(','),
    connectTimeout: 1_000,
    timeout: 5_000,
    retries: 0,
  });
  try {
    const { brokers } = await admin.metadata({ topics: [] });
    return brokers.size > 0;
  } finally {
    await admin.close();
  }
}
