import { accessSettings } from './access-settings.ts';
import { archiveSettings } from './archive-settings.ts';
import { backfillSettings } from './backfill-settings.ts';
import { cassandraSettings } from './cassandra-settings.ts';
import { kafkaSettings } from './kafka-settings.ts';
import { liveSettings } from './live-settings.ts';
import { neo4jSettings } from './neo4j-settings.ts';
import { querySettings } from './query-settings.ts';
import { dayMs, GiB, MiB, type SettingSpec } from './setting-spec.ts';

/** Every setting: what makes the types, flags, environment names, validation, `jg config` and the page docs/settings.md. */
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
    description: 'Address to listen on. Anything but loopback needs `api.token` or JWTs.',
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
    description:
      'Bearer token that every API request must carry, unless it carries a JWT. Its holder has all rights.',
  },
  'api.allowed.hosts': {
    section: 'server',
    kind: 'list',
    default: [],
    description: 'Host names, besides loopback names, that requests may be addressed to.',
  },
  ...accessSettings,
  'api.introspection': {
    section: 'server',
    kind: 'choice',
    choices: ['auto', 'on', 'off'],
    default: 'auto',
    description: 'Answer what the schema is. `auto`: while listening on loopback only.',
  },
  'api.suggestions': {
    section: 'server',
    kind: 'choice',
    choices: ['auto', 'on', 'off'],
    default: 'auto',
    description: 'Say in errors what was probably meant, which names parts of the schema. `auto`: as above.',
  },
  'api.shedding': {
    section: 'server',
    kind: 'flag',
    default: true,
    description:
      'Refuse requests when there are more than can be answered: bulk ones first, then prefetches, the others last. Each may say its class in the header `x-request-class`.',
  },
  'api.operations.file': {
    section: 'server',
    kind: 'text',
    default: null,
    description: 'List of operations that callers may ask for by id: see docs/api.md.',
  },
  'api.operations.only': {
    section: 'server',
    kind: 'flag',
    default: false,
    description: 'Refuse every operation that is not in `api.operations.file`.',
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
  'ready.lag.ms.max': {
    section: 'server',
    kind: 'number',
    unit: 'ms',
    default: 365 * dayMs,
    min: 1000,
    max: 365 * dayMs,
    description:
      '`jg ingest` is not ready while a record in one of its partitions has waited for longer than this.',
  },
  demo: {
    section: 'demo',
    kind: 'choice',
    default: 'auto',
    choices: ['auto', 'on', 'off'],
    description:
      'Play demo members into the embedded log. `auto`: on while neither `bootstrap.servers` nor `topics` is set.',
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
  ...kafkaSettings,
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
    description:
      'An event whose arrays and maps hold more values in all (items times the most values that one may hold) is a dead letter.',
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
  'mapping.mutations.max': {
    section: 'ingest',
    kind: 'number',
    unit: 'items',
    default: 2000,
    min: 1,
    max: 1_000_000,
    description: 'An event that means more mutations is a dead letter.',
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
    default: 16 * MiB,
    min: 64 * 1024,
    max: 1016 * MiB,
    description: 'Mutations of all topics that wait for the store at most; then their sources wait.',
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
  'lookup.bytes.max': {
    section: 'ingest',
    kind: 'number',
    unit: 'bytes',
    default: 64 * MiB,
    min: 64 * 1024,
    max: 64 * GiB,
    description: 'Rows of all tables that mappings look up, in memory; beyond it what uses the table stops.',
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
    default: 48 * MiB,
    min: 1 * MiB,
    max: 64 * GiB,
    description: 'Node states kept by the writer, so that a merge need not read.',
  },
  'store.block.cache.bytes': {
    section: 'store',
    kind: 'number',
    unit: 'bytes',
    default: 16 * MiB,
    min: 1 * MiB,
    max: 64 * GiB,
    description: 'Table blocks that LevelDB keeps.',
  },
  'store.write.buffer.bytes': {
    section: 'store',
    kind: 'number',
    unit: 'bytes',
    default: 48 * MiB,
    min: 1 * MiB,
    max: 1024 * MiB,
    description: "LevelDB's memory table; up to two are held, and a restart replays as much.",
  },
  'store.table.bytes.max': {
    section: 'store',
    kind: 'number',
    unit: 'bytes',
    default: 8 * MiB,
    min: 1 * MiB,
    max: 1 * GiB,
    description:
      "Size of LevelDB's files. Compaction rewrites whole files; smaller ones make more of them, larger ones longer pauses of a read.",
  },
  'store.stretch.bytes': {
    section: 'store',
    kind: 'number',
    unit: 'bytes',
    default: 2 * GiB,
    min: 1 * MiB,
    max: 1024 * GiB,
    description:
      'Steps and edges lie on disk in stretches of event time; after so many bytes, uncompressed, the next one begins. Smaller ones keep writing fast in a graph that grows, larger ones keep reading far back cheap.',
  },
  'store.compression': {
    section: 'store',
    kind: 'choice',
    choices: ['snappy', 'none'],
    default: 'snappy',
    description: 'How blocks of new files are compressed. Files of both kinds may lie side by side.',
  },
  'store.window.bytes.max': {
    section: 'store',
    kind: 'number',
    unit: 'bytes',
    default: 8 * MiB,
    min: 64 * 1024,
    max: 256 * MiB,
    description: 'The coalescing window: waiting batches are merged and written together up to this size.',
  },
  'store.window.events.max': {
    section: 'store',
    kind: 'number',
    unit: 'records',
    default: 20_000,
    min: 1,
    max: 1_000_000,
    description: 'The same, in events.',
  },
  'store.window.ms': {
    section: 'store',
    kind: 'number',
    unit: 'ms',
    default: 0,
    min: 0,
    max: 60_000,
    description:
      'How long a window that is not full waits for more; in Neo4j and Cassandra a group. 0: only while the write before it lasts.',
  },
  'store.sweep.interval.ms': {
    section: 'store',
    kind: 'number',
    unit: 'ms',
    default: 600_000,
    min: 1_000,
    max: 7 * dayMs,
    description: 'Pause between two rounds in which rows beyond their time to live are removed.',
  },
  'store.sweep.rows.per.second': {
    section: 'store',
    kind: 'number',
    unit: 'rows',
    default: 20_000,
    min: 100,
    max: 1_000_000,
    description: 'How many rows such a round looks at in a second.',
  },
  'store.head.cache.bytes': {
    section: 'store',
    kind: 'number',
    unit: 'bytes',
    default: 64 * MiB,
    min: 64 * 1024,
    max: 64 * GiB,
    description:
      'The newest edges of nodes that were asked for lately, some 600 bytes a node: what hops begin with. Filled as they are read.',
  },
  'store.open.files.max': {
    section: 'store',
    kind: 'number',
    unit: 'files',
    default: 512,
    min: 64,
    max: 50_000,
    description:
      'Files that LevelDB keeps open, of some 10 MB each. With fewer than there are, reads open them anew at several times the cost; what is mapped of them counts as resident memory, which the system takes back when it needs it.',
  },
  ...neo4jSettings,
  ...cassandraSettings,
  ...querySettings,
  ...liveSettings,
  ...archiveSettings,
  ...backfillSettings,
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
