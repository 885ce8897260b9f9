import { readFile } from 'node:fs/promises';
import type { SecureContextOptions } from 'node:tls';
import {
  type ISocketFactory,
  Kafka,
  type KafkaConfig,
  type LogEntry,
  logLevel,
  type SASLOptions,
} from 'kafkajs';
import { type Log, StopError, unreachable } from '../foundation/index.ts';

export type KafkaSecurityProtocol = 'PLAINTEXT' | 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL';
export type KafkaSaslMechanism = 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512';

/** How to reach a cluster, in librdkafka's names. The host names in certificates are always verified. */
export interface KafkaConnectionSettings {
  /** `host:port[,host:port]` */
  readonly 'bootstrap.servers': string;
  readonly 'client.id': string;
  readonly 'security.protocol': KafkaSecurityProtocol;
  readonly 'sasl.mechanism'?: KafkaSaslMechanism | undefined;
  readonly 'sasl.username'?: string | undefined;
  readonly 'sasl.password'?: string | undefined;
  /** PEM file of the certificates to trust; without it the system's. */
  readonly 'ssl.ca.location'?: string | undefined;
  /** PEM file of our own certificate, where brokers ask for one; together with `ssl.key.location`. */
  readonly 'ssl.certificate.location'?: string | undefined;
  readonly 'ssl.key.location'?: string | undefined;
  readonly 'ssl.key.password'?: string | undefined;
}

/** The same, checked and with files read: what both Kafka clients are made from. Holds secrets: never log it. */
export interface KafkaConnection {
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly tls: (SecureContextOptions & { readonly rejectUnauthorized: true }) | null;
  readonly sasl: {
    readonly mechanism: KafkaSaslMechanism;
    readonly username: string;
    readonly password: string;
  } | null;
}

/**
 * Checks the settings and reads the PEM files they name.
 *
 * @throws {StopError} when a setting is missing, or a file cannot be read; names the setting.
 */
export async function loadKafkaConnection(settings: KafkaConnectionSettings): Promise<KafkaConnection> {
  const brokers = settings['bootstrap.servers']
    .split(',')
    .map((broker) => broker.trim())
    .filter((broker) => broker !== '');
  if (brokers.length === 0) throw settingError('bootstrap.servers', 'names no broker');
  const protocol = settings['security.protocol'];
  const secure = protocol === 'SSL' || protocol === 'SASL_SSL';
  const login = protocol === 'SASL_PLAINTEXT' || protocol === 'SASL_SSL';
  return {
    brokers,
    clientId: settings['client.id'],
    tls: secure ? await readTls(settings) : null,
    sasl: login ? readSasl(settings) : null,
  };
}

async function readTls(settings: KafkaConnectionSettings): Promise<NonNullable<KafkaConnection['tls']>> {
  const [ca, cert, key] = await Promise.all([
    readPem(settings, 'ssl.ca.location'),
    readPem(settings, 'ssl.certificate.location'),
    readPem(settings, 'ssl.key.location'),
  ]);
  if ((cert === null) !== (key === null)) {
    throw settingError('ssl.certificate.location', 'and ssl.key.location must be set together');
  }
  const passphrase = settings['ssl.key.password'];
  return {
    rejectUnauthorized: true,
    ...(ca === null ? {} : { ca }),
    ...(cert === null ? {} : { cert }),
    ...(key === null ? {} : { key }),
    ...(passphrase === undefined ? {} : { passphrase }),
  };
}

async function readPem(
  settings: KafkaConnectionSettings,
  name: 'ssl.ca.location' | 'ssl.certificate.location' | 'ssl.key.location',
): Promise<Buffer | null> {
  const file = settings[name];
  if (file === undefined || file === '') return null;
  try {
    return await readFile(file);
  } catch (error) {
    throw settingError(name, `names ${file}, which cannot be read`, error);
  }
}

function readSasl(settings: KafkaConnectionSettings): NonNullable<KafkaConnection['sasl']> {
  const mechanism = settings['sasl.mechanism'];
  const username = settings['sasl.username'];
  const password = settings['sasl.password'];
  const needed = `is needed with security.protocol ${settings['security.protocol']}`;
  if (mechanism === undefined) throw settingError('sasl.mechanism', needed);
  if (username === undefined || username === '') throw settingError('sasl.username', needed);
  if (password === undefined) throw settingError('sasl.password', needed);
  return { mechanism, username, password };
}

function settingError(setting: string, problem: string, cause?: unknown): StopError {
  return new StopError('KAFKA_SETTING', `The setting ${setting} ${problem}.`, {
    cause,
    context: { setting },
  });
}

/**
 * A kafkajs client. It retries for about two seconds and then gives up: what outlasts that is an outage, which our own
 * loops tell the operator about and outlast with jittered backoff.
 *
 * @param sockets makes its connections; null: kafkajs does.
 */
export function createKafkaClient(
  connection: KafkaConnection,
  log: Log,
  sockets: ISocketFactory | null = null,
): Kafka {
  const config: KafkaConfig = {
    brokers: [...connection.brokers],
    clientId: connection.clientId,
    connectionTimeout: 5_000,
    authenticationTimeout: 10_000,
    requestTimeout: 30_000,
    retry: { initialRetryTime: 100, maxRetryTime: 1_000, retries: 4 },
    logLevel: logLevel.INFO,
    logCreator: () => (entry) => bridge(entry, log),
  };
  if (sockets !== null) config.socketFactory = sockets;
  if (connection.tls !== null) config.ssl = connection.tls;
  if (connection.sasl !== null) config.sasl = saslOptions(connection.sasl);
  return new Kafka(config);
}

function saslOptions(sasl: NonNullable<KafkaConnection['sasl']>): SASLOptions {
  const { username, password } = sasl;
  switch (sasl.mechanism) {
    case 'PLAIN':
      return { mechanism: 'plain', username, password };
    case 'SCRAM-SHA-256':
      return { mechanism: 'scram-sha-256', username, password };
    case 'SCRAM-SHA-512':
      return { mechanism: 'scram-sha-512', username, password };
    default:
      return unreachable(sasl.mechanism);
  }
}

/** What may pass from kafkajs into our log. An allowlist, because its entries can carry stacks and response payloads. */
const loggedFields = [
  'groupId',
  'memberId',
  'topic',
  'partition',
  'broker',
  'retryCount',
  'retryTime',
  'error',
  'eventName',
] as const;

/**
 * kafkajs says "error" of every attempt and every answer that it repeats by itself, such as a group without a coordinator yet, or
 * a topic that another process created first. What outlasts its repetitions it throws, and our own loops say it once, with
 * what to do; so its words are for debugging. Except one: an event that a listener of ours failed on is thrown to nobody.
 */
function bridge(entry: LogEntry, log: Log): void {
  const fields: Record<string, string | number> = { client: 'kafkajs', part: entry.namespace };
  for (const name of loggedFields) {
    const value: unknown = entry.log[name];
    if (typeof value === 'string' || typeof value === 'number') fields[name] = value;
  }
  if (entry.level === logLevel.ERROR && fields.eventName !== undefined) log.error(fields, entry.log.message);
  else log.debug(fields, entry.log.message);
}
