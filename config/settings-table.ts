/** What a setting is made of. The table below is the only place where one is declared. */
export type SettingSpec = {
  readonly section: 'server' | 'demo' | 'kafka' | 'registry' | 'ingest' | 'store' | 'query' | 'log';
  readonly description: string;
  /** Never printed, by no command and in no error. */
  readonly secret?: true;
  /** Names from the environment that people already use, beside the `JG_` one. */
  readonly environment?: readonly string[];
} & (
  | { readonly kind: 'text'; readonly default: string | null }
  | { readonly kind: 'list'; readonly default: readonly string[] }
  | { readonly kind: 'flag'; readonly default: boolean }
  | { readonly kind: 'choice'; readonly default: string; readonly choices: readonly string[] }
  | {
      readonly kind: 'number';
      readonly unit:
        | 'bytes'
        | 'ms'
        | 'records'
        | 'items'
        | 'rows'
        | 'per second'
        | 'levels'
        | 'tokens'
        | 'port'
        | 'files';
      readonly default: number;
      readonly min: number;
      readonly max: number;
    }
);

const MiB = 2 ** 20;
const GiB = 2 ** 30;
const dayMs = 86_400_000;

/** Kafka's settings take librdkafka's names, because operators already have them in files. */
export const settingsTable = {
  port: {
    section: 'server',
    kind: 'number',
    unit: 'port',
    default: 4000,
    min: 0,
    max: 65_535,
    description: 'Port of the API; 0 takes a free one.',
  },
  host: {
    section: 'server',
    kind: 'text',
    default: '127.0.0.1',
    description: 'Address to listen on. Anything but loopback needs `api.token`.',
  },
  data: {
    section: 'server',
    kind: 'text',
    default: './data',
    description: 'Folder of the embedded store and the embedded log.',
  },
  'api.token': {
    section: 'server',
    kind: 'text',
    default: null,
    secret: true,
    description: 'Bearer token that every API request must carry. Needed when listening beyond loopback.',
  },
  'api.allowed.hosts': {
    section: 'server',
    kind: 'list',
    default: [],
    description: 'Host names, besides loopback names, that requests may be addressed to.',
  },
  'shutdown.timeout.ms': {
    section: 'server',
    kind: 'number',
    unit: 'ms',
    default: 10_000,
    min: 100,
    max: 600_000,
    description: 'How long a stop may take before what is left is abandoned (nothing durable is lost by it).',
  },
  demo: {
    section: 'demo',
    kind: 'choice',
    default: 'auto',
    choices: ['auto', 'on', 'off'],
    description: 'Play demo members into the embedded log. `auto`: on while `bootstrap.servers` is not set.',
  },
  'demo.events.per.second': {
    section: 'demo',
    kind: 'number',
    unit: 'per second',
    default: 50,
    min: 1,
    max: 100_000,
    description: 'Events the demo members make while the process runs.',
  },
  'bootstrap.servers': {
    section: 'kafka',
    kind: 'text',
    default: null,
    environment: ['KAFKA_BOOTSTRAP_SERVERS'],
    description:
      'Kafka brokers as `host:port`, comma separated. Without it events come from the embedded log.',
  },
  topics: {
    section: 'kafka',
    kind: 'list',
    default: [],
    description:
      "Topics to read, each by a pipeline and a consumer group of its own. In the embedded log: the catalog's.",
  },
  'client.id': {
    section: 'kafka',
    kind: 'text',
    default: 'journey-graph',
    description: 'How the broker sees this client.',
  },
  'group.id': {
    section: 'kafka',
    kind: 'text',
    default: 'journey-graph',
    description: "Prefix of the consumer groups: a topic's group is `<group.id>.<topic>`.",
  },
  'security.protocol': {
    section: 'kafka',
    kind: 'choice',
    default: 'PLAINTEXT',
    choices: ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'],
    description: 'How to speak to the brokers.',
  },
  'sasl.mechanism': {
    section: 'kafka',
    kind: 'choice',
    default: 'none',
    choices: ['none', 'PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'],
    description: 'How to authenticate when the protocol says SASL.',
  },
  'sasl.username': { section: 'kafka', kind: 'text', default: null, description: 'User for SASL.' },
  'sasl.password': {
    section: 'kafka',
    kind: 'text',
    default: null,
    secret: true,
    description: 'Password for SASL.',
  },
  'ssl.ca.location': {
    section: 'kafka',
    kind: 'text',
    default: null,
    description:
      "PEM file of the authorities that may sign the brokers' certificates; the system's when not set.",
  },
  'ssl.certificate.location': {
    section: 'kafka',
    kind: 'text',
    default: null,
    description: "PEM file of this client's certificate.",
  },
  'ssl.key.location': {
    section: 'kafka',
    kind: 'text',
    default: null,
    description: "PEM file of this client's private key.",
  },
  'ssl.key.password': {
    section: 'kafka',
    kind: 'text',
    default: null,
    secret: true,
    description: 'Passphrase of the private key.',
  },
  'fetch.min.bytes': {
    section: 'kafka',
    kind: 'number',
    unit: 'bytes',
    default: 1,
    min: 1,
    max: 100 * MiB,
    description: 'The broker answers a fetch once it has so much.',
  },
  'fetch.wait.max.ms': {
    section: 'kafka',
    kind: 'number',
    unit: 'ms',
    default: 500,
    min: 1,
    max: 60_000,
    description: 'The broker answers a fetch at the latest after this long.',
  },
  'max.partition.fetch.bytes': {
    section: 'kafka',
    kind: 'number',
    unit: 'bytes',
    default: 1 * MiB,
    min: 1024,
    max: 256 * MiB,
    description:
      'One fetch takes at most so much of a partition; times the partitions of all topics is held in memory.',
  },
  'fetch.max.bytes': {
    section: 'kafka',
    kind: 'number',
    unit: 'bytes',
    default: 8 * MiB,
    min: 1024,
    max: 1024 * MiB,
    description: 'One fetch takes at most so much in all.',
  },
  'session.timeout.ms': {
    section: 'kafka',
    kind: 'number',
    unit: 'ms',
    default: 30_000,
    min: 1000,
    max: 1_800_000,
    description: 'A consumer that is silent for so long loses its partitions.',
  },
  'heartbeat.interval.ms': {
    section: 'kafka',
    kind: 'number',
    unit: 'ms',
    default: 3000,
    min: 100,
    max: 600_000,
    description: 'How often a consumer tells the group that it lives.',
  },
  'decompressed.bytes.max': {
    section: 'kafka',
    kind: 'number',
    unit: 'bytes',
    default: 128 * MiB,
    min: 1 * MiB,
    max: 2047 * MiB,
    description: 'A compressed batch that would grow beyond this stops its pipeline by name.',
  },
  'gap.policy': {
    section: 'kafka',
    kind: 'choice',
    default: 'stop',
    choices: ['stop', 'skip'],
    description:
      'Records are gone that were never applied (retention overrun): stop that pipeline, or go on after them. Both raise the alarm.',
  },
  'dlq.partitions': {
    section: 'kafka',
    kind: 'number',
    unit: 'items',
    default: 1,
    min: 1,
    max: 1000,
    description: 'Partitions of a dead-letter topic that we have to create.',
  },
  'dlq.replication.factor': {
    section: 'kafka',
    kind: 'number',
    unit: 'items',
    default: -1,
    min: -1,
    max: 100,
    description: "Replicas of a dead-letter topic that we have to create; -1 takes the broker's default.",
  },
  'schema.registry.url': {
    section: 'registry',
    kind: 'text',
    default: null,
    environment: ['SCHEMA_REGISTRY_URL'],
    description: "A registry with Confluent's API. Without it the bundled catalog is used.",
  },
  'schema.registry.basic.auth.user.info': {
    section: 'registry',
    kind: 'text',
    default: null,
    secret: true,
    environment: ['SCHEMA_REGISTRY_BASIC_AUTH_USER_INFO'],
    description: '`user:password` for the registry.',
  },
  'schema.registry.timeout.ms': {
    section: 'registry',
    kind: 'number',
    unit: 'ms',
    default: 5000,
    min: 100,
    max: 120_000,
    description: 'A request to the registry that takes longer is an outage.',
  },
  'schema.cache.entries.max': {
    section: 'registry',
    kind: 'number',
    unit: 'items',
    default: 2000,
    min: 10,
    max: 100_000,
    description: 'Schemas kept in memory, least recently used out first.',
  },
  'schema.negative.ttl.ms': {
    section: 'registry',
    kind: 'number',
    unit: 'ms',
    default: 30_000,
    min: 100,
    max: 3_600_000,
    description: 'An id that the registry does not know is not asked for again for so long.',
  },
  'subject.name.strategy': {
    section: 'registry',
    kind: 'choice',
    default: 'topic',
    choices: ['topic', 'record', 'topic-record'],
    description:
      "How a record's subject is named: `<topic>-value`, the record's full name, or `<topic>-<record>`.",
  },
  'decode.bytes.max': {
    section: 'ingest',
    kind: 'number',
    unit: 'bytes',
    default: 1 * MiB,
    min: 64,
    max: 64 * MiB,
    description: 'A longer value is a dead letter.',
  },
  'decode.items.max': {
    section: 'ingest',
    kind: 'number',
    unit: 'items',
    default: 100_000,
    min: 1,
    max: 10_000_000,
    description: 'An event with more array and map items in all is a dead letter.',
  },
  'decode.depth.max': {
    section: 'ingest',
    kind: 'number',
    unit: 'levels',
    default: 64,
    min: 1,
    max: 256,
    description: 'An event nested deeper is a dead letter.',
  },
  'event.future.ms.max': {
    section: 'ingest',
    kind: 'number',
    unit: 'ms',
    default: 300_000,
    min: 0,
    max: 365 * dayMs,
    description: 'An event further ahead of the clock is a dead letter: it would win over every true one.',
  },
  'batch.events.max': {
    section: 'ingest',
    kind: 'number',
    unit: 'records',
    default: 10_000,
    min: 1,
    max: 1_000_000,
    description:
      'Events in one batch of mutations at most; also the window in which a repeated event is noticed.',
  },
  'batch.bytes.max': {
    section: 'ingest',
    kind: 'number',
    unit: 'bytes',
    default: 1 * MiB,
    min: 64 * 1024,
    max: 256 * MiB,
    description: 'Size of one batch of mutations at most.',
  },
  'inflight.bytes.max': {
    section: 'ingest',
    kind: 'number',
    unit: 'bytes',
    default: 8 * MiB,
    min: 64 * 1024,
    max: 1024 * MiB,
    description: 'Mutations of one topic that wait for the store at most; then its source waits.',
  },
  'slice.ms': {
    section: 'ingest',
    kind: 'number',
    unit: 'ms',
    default: 8,
    min: 1,
    max: 1000,
    description: 'Decoding lets the API have a turn after so long.',
  },
  'retry.backoff.ms': {
    section: 'ingest',
    kind: 'number',
    unit: 'ms',
    default: 100,
    min: 1,
    max: 60_000,
    description: 'First pause of an outage; later ones grow with jitter.',
  },
  'retry.backoff.max.ms': {
    section: 'ingest',
    kind: 'number',
    unit: 'ms',
    default: 10_000,
    min: 1,
    max: 600_000,
    description: 'Longest pause of an outage.',
  },
  'log.retention.bytes': {
    section: 'store',
    kind: 'number',
    unit: 'bytes',
    default: 1 * GiB,
    min: 1 * MiB,
    max: 1024 * GiB,
    description: 'What one partition of the embedded log keeps; the oldest records go first.',
  },
  'store.node.cache.bytes': {
    section: 'store',
    kind: 'number',
    unit: 'bytes',
    default: 64 * MiB,
    min: 1 * MiB,
    max: 64 * GiB,
    description: 'Node states kept by the writer, so that a merge need not read.',
  },
  'store.block.cache.bytes': {
    section: 'store',
    kind: 'number',
    unit: 'bytes',
    default: 64 * MiB,
    min: 1 * MiB,
    max: 64 * GiB,
    description: 'Table blocks that LevelDB keeps.',
  },
  'store.write.buffer.bytes': {
    section: 'store',
    kind: 'number',
    unit: 'bytes',
    default: 32 * MiB,
    min: 1 * MiB,
    max: 1024 * MiB,
    description: "LevelDB's memory table; up to two are held, and a restart replays as much.",
  },
  'store.group.bytes.max': {
    section: 'store',
    kind: 'number',
    unit: 'bytes',
    default: 1 * MiB,
    min: 64 * 1024,
    max: 256 * MiB,
    description: 'Waiting batches are written together up to this size.',
  },
  'store.open.files.max': {
    section: 'store',
    kind: 'number',
    unit: 'files',
    default: 512,
    min: 64,
    max: 50_000,
    description: 'Files that LevelDB keeps open.',
  },
  'query.page.default': {
    section: 'query',
    kind: 'number',
    unit: 'items',
    default: 50,
    min: 1,
    max: 10_000,
    description: 'Steps in a page when the query does not say.',
  },
  'query.page.max': {
    section: 'query',
    kind: 'number',
    unit: 'items',
    default: 500,
    min: 1,
    max: 10_000,
    description: 'Steps in a page at most.',
  },
  'query.lookback.ms': {
    section: 'query',
    kind: 'number',
    unit: 'ms',
    default: 100 * dayMs,
    min: 1000,
    max: 36_500 * dayMs,
    description: 'How far back a query reads when it does not say.',
  },
  'query.scan.rows.max': {
    section: 'query',
    kind: 'number',
    unit: 'rows',
    default: 10_000,
    min: 1,
    max: 10_000_000,
    description: 'Rows that one query looks at, at most; an answer says when this cut it short.',
  },
  'query.depth.max': {
    section: 'query',
    kind: 'number',
    unit: 'levels',
    default: 12,
    min: 1,
    max: 100,
    description: 'A query nested deeper is refused.',
  },
  'query.tokens.max': {
    section: 'query',
    kind: 'number',
    unit: 'tokens',
    default: 1000,
    min: 10,
    max: 100_000,
    description: 'A longer query is refused.',
  },
  'query.deadline.ms': {
    section: 'query',
    kind: 'number',
    unit: 'ms',
    default: 5000,
    min: 10,
    max: 600_000,
    description: 'A query that takes longer is answered with an error.',
  },
  'query.body.bytes.max': {
    section: 'query',
    kind: 'number',
    unit: 'bytes',
    default: 256 * 1024,
    min: 1024,
    max: 16 * MiB,
    description: 'A larger request is refused before it is read.',
  },
  'log.level': {
    section: 'log',
    kind: 'choice',
    default: 'info',
    choices: ['debug', 'info', 'warn', 'error', 'silent'],
    description: 'What the log on standard error says.',
  },
  'log.format': {
    section: 'log',
    kind: 'choice',
    default: 'auto',
    choices: ['auto', 'json', 'text'],
    description: '`auto`: text on a terminal, one JSON object a line elsewhere.',
  },
} as const satisfies Readonly<Record<string, SettingSpec>>;

export type SettingName = keyof typeof settingsTable;

type ValueOf<Spec> = Spec extends { kind: 'flag' }
  ? boolean
  : Spec extends { kind: 'number' }
    ? number
    : Spec extends { kind: 'list' }
      ? readonly string[]
      : Spec extends { kind: 'choice'; choices: readonly (infer Choice)[] }
        ? Choice
        : Spec extends { kind: 'text'; default: null }
          ? string | null
          : string;

/** Every setting by its name, checked. Numbers are in the table's unit. */
export type Settings = { readonly [Name in SettingName]: ValueOf<(typeof settingsTable)[Name]> };

/** The table with its specs widened, for code that treats all settings alike. */
export const settingSpecs: ReadonlyMap<string, SettingSpec> = new Map(Object.entries(settingsTable));
