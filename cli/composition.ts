import { join } from 'node:path';
import type { Settings } from '../config/index.ts';
import { type Log, must } from '../foundation/index.ts';
import {
  type EmbeddedStore,
  type GraphStore,
  ObservedWrites,
  type StoreWriter,
} from '../graph-store/index.ts';
import {
  AvroRecordProcessor,
  avroRecordProcessorDefaults,
  type DeadLetterWriter,
  type EventSource,
  InFlightBudget,
  type LetterDesk,
  type LetterLog,
  LookupTables,
  MappingsInForce,
  mappingSettingsDefault,
  Pipeline,
  type RecordProcessor,
  StoreUpkeep,
  valueSubjectOf,
} from '../ingest/index.ts';
import type { BroadcastLog, SubscriptionTable } from '../live-events/index.ts';
import { AudienceStore, Audiences, journalLimitsDefault, StepJournal } from '../query-api/index.ts';
import {
  BundledRegistry,
  ConfluentRegistry,
  loadCatalog,
  RegistryCache,
  registryCacheLimitsDefault,
  registryHttpLimitsDefault,
  type SchemaRegistry,
  type WireLimits,
} from '../schemas/index.ts';
import type { CommandIo } from './command-io.ts';
import { makeDataFolder } from './data-folder.ts';
import { createDeadLetterDesk } from './dead-letter-desk.ts';
import { EmbeddedEvents } from './embedded-events.ts';
import { FreshnessMeter } from './freshness-meter.ts';
import { openStore } from './graph-store-in-use.ts';
import { KafkaEvents } from './kafka-events.ts';
import { type Live, openLive } from './live.ts';

/** Where a process's events come from and its dead letters go: Kafka or the embedded log. */
export interface Events {
  /** What a person reads, such as `embedded log, 9 topics`. */
  readonly description: string;
  readonly topics: readonly string[];
  source(topic: string): EventSource;
  /** Of all its partitions, whatever other processes read. */
  tableSource(topic: string): EventSource;
  deadLetters(topic: string): DeadLetterWriter;
  /** Dead letters of all topics, for reading. */
  letters(): LetterLog;
  /** Of live events, to every process that has gateways. */
  broadcasts(log: Log): BroadcastLog;
  /** Which gateway subscribes which live event, for routers that come later. */
  subscriptions(log: Log): SubscriptionTable;
  close(): Promise<void>;
}

/** Everything of one process, wired and not yet running. */
export interface Composition {
  readonly store: GraphStore;
  /** The store again, where it is the embedded one. */
  readonly embeddedStore: EmbeddedStore | null;
  /** Of the steps that its pipelines apply. */
  readonly journal: StepJournal;
  readonly audiences: Audiences;
  readonly live: Live;
  readonly registry: SchemaRegistry;
  /** Notices new versions while its `watch` runs. */
  readonly mappings: MappingsInForce;
  /** Those in which mappings look rows up. */
  readonly tables: LookupTables;
  readonly events: Events;
  readonly pipelines: readonly Pipeline[];
  readonly freshness: FreshnessMeter;
  readonly upkeep: StoreUpkeep;
  readonly deadLetters: LetterDesk;
  /** The embedded log's side of `events`, for the demo; null with Kafka. */
  readonly embedded: EmbeddedEvents | null;
  /** Releases files, threads and connections; the pipelines have ended before. */
  close(): Promise<void>;
}

/** The one place where rooms are wired to each other. Opens files and connections; starts nothing. */
export async function compose(settings: Settings, io: CommandIo, log: Log): Promise<Composition> {
  await makeDataFolder(settings.data);
  const cleanup = new AsyncDisposableStack();
  try {
    const { store, embeddedStore } = await openStore(settings, io);
    cleanup.defer(() => store.close());
    const audiences = await openAudiences(settings, store, io, log);
    cleanup.defer(() => audiences.close());
    const registry = await openRegistry(settings, io);
    cleanup.defer(() => registry.close());
    const mappings = createMappings(settings, registry, io, log);
    const embedded = settings['bootstrap.servers'] === null ? await EmbeddedEvents.open(settings, io) : null;
    const events = embedded ?? (await KafkaEvents.open(settings, io, log));
    cleanup.defer(() => events.close());
    if (settings['subject.name.strategy'] === 'topic') {
      for (const topic of events.topics) mappings.expect(valueSubjectOf(topic));
    }
    const tables = createTables(settings, registry, events, io, log);
    cleanup.defer(() => tables.close());
    const journal = createJournal(settings, embeddedStore !== null, io);
    const broadcasts = events.broadcasts(log);
    cleanup.defer(() => broadcasts.close());
    const live = await openLive(
      settings,
      {
        ...{ store, audiences, broadcasts },
        subscriptions: events.subscriptions(log),
        graphSchema: () => mappings.graphSchema(),
        seesAllWrites: embeddedStore !== null,
      },
      io,
      log,
    );
    cleanup.defer(() => live.close());
    const writes = live.watched(new ObservedWrites(store, journal));
    const freshness = new FreshnessMeter(io.clock);
    const made = { settings, registry, mappings, tables, events, writes, freshness, io, log, cleanup };
    const pipelines = await createPipelines(made);
    const deadLetters = await openDeadLetters(made, store);
    const owned = cleanup.move();
    return {
      store,
      embeddedStore,
      journal,
      audiences,
      live,
      registry,
      mappings,
      tables,
      events,
      embedded,
      freshness,
      pipelines,
      deadLetters,
      upkeep: new StoreUpkeep({ store, mappings, clock: io.clock, log }, upkeepSettings(settings)),
      close: () => owned.disposeAsync(),
    };
  } finally {
    await cleanup.disposeAsync();
  }
}

interface PipelineSources {
  readonly settings: Settings;
  readonly registry: SchemaRegistry;
  readonly mappings: MappingsInForce;
  readonly tables: LookupTables;
  readonly events: Events;
  readonly writes: StoreWriter;
  readonly freshness: FreshnessMeter;
  readonly io: CommandIo;
  readonly log: Log;
  readonly cleanup: AsyncDisposableStack;
}

/** One a topic. What waits for the store is bounded for all of them together. */
async function createPipelines(sources: PipelineSources): Promise<readonly Pipeline[]> {
  const {
    settings,
    registry,
    mappings,
    tables,
    events,
    writes: store,
    freshness,
    io,
    log,
    cleanup,
  } = sources;
  const { clock, random } = io;
  const budget = new InFlightBudget(settings['inflight.bytes.max']);
  return await Promise.all(
    events.topics.map(async (topic) => {
      const source = events.source(topic);
      const processor = await createProcessor(settings, registry, mappings, tables, io);
      const deadLetters = events.deadLetters(topic);
      cleanup.defer(() => deadLetters.close());
      const parts = { source, processor, deadLetters, store, log, freshness, clock, random, budget };
      return new Pipeline(parts, pipelineLimits(settings));
    }),
  );
}

async function openDeadLetters(sources: PipelineSources, store: GraphStore): Promise<LetterDesk> {
  const { settings, registry, mappings, tables, events, writes, io, cleanup } = sources;
  const processor = await createProcessor(settings, registry, mappings, tables, io);
  const letters = events.letters();
  cleanup.defer(() => letters.close());
  const { topics } = events;
  const wireLimits = wireLimitsOf(settings);
  const { clock } = io;
  return createDeadLetterDesk(settings, {
    letters,
    topics,
    store,
    writes,
    processor,
    registry,
    wireLimits,
    clock,
  });
}

function createTables(
  settings: Settings,
  registry: SchemaRegistry,
  events: Events,
  { clock }: CommandIo,
  log: Log,
): LookupTables {
  return new LookupTables(
    { source: (topic) => events.tableSource(topic), registry, clock, log },
    {
      bytesMax: settings['lookup.bytes.max'],
      wireLimits: wireLimitsOf(settings),
      negativeMs: settings['schema.negative.ttl.ms'],
    },
  );
}

/** Complete where no other process writes the store. */
function createJournal(settings: Settings, complete: boolean, io: CommandIo): StepJournal {
  return new StepJournal(
    { clock: io.clock, epoch: epochOf(io), complete },
    { ...journalLimitsDefault, graceMs: settings['subscription.grace.ms'] },
  );
}

/** 64 bits: no two lives of any process have the same one. */
function epochOf({ random }: CommandIo): bigint {
  const word = (): bigint => BigInt(Math.floor(random() * 2 ** 32));
  return (word() << 32n) | word();
}

async function openAudiences(
  settings: Settings,
  graph: Pick<GraphStore, 'sources'>,
  io: CommandIo,
  log: Log,
): Promise<Audiences> {
  const limits = { countMax: settings['audience.count.max'], bytesMax: settings['audience.bytes.max'] };
  const store = await AudienceStore.open(join(settings.data, 'audiences'), limits);
  return new Audiences({
    store,
    sources: () => graph.sources(),
    clock: io.clock,
    log,
    newId: io.newId,
    membersMax: settings['audience.members.max'],
  });
}

function upkeepSettings(settings: Settings): ConstructorParameters<typeof StoreUpkeep>[1] {
  return {
    sweepIntervalMs: settings['store.sweep.interval.ms'],
    sweepRowsPerSecond: settings['store.sweep.rows.per.second'],
  };
}

async function openRegistry(settings: Settings, io: CommandIo): Promise<SchemaRegistry> {
  const url = settings['schema.registry.url'];
  if (url === null) return BundledRegistry.of(await loadCatalog());
  const auth = settings['schema.registry.basic.auth.user.info'];
  const registry = new ConfluentRegistry({
    url,
    ...(auth === null ? {} : { auth }),
    limits: { ...registryHttpLimitsDefault, timeoutMs: settings['schema.registry.timeout.ms'] },
    clock: io.clock,
  });
  return new RegistryCache(registry, io.clock, {
    ...registryCacheLimitsDefault,
    schemasMax: settings['schema.cache.entries.max'],
    unknownMs: settings['schema.negative.ttl.ms'],
  });
}

function createMappings(
  settings: Settings,
  registry: SchemaRegistry,
  io: CommandIo,
  log: Log,
): MappingsInForce {
  return new MappingsInForce(
    { registry, clock: io.clock, random: io.random, log },
    {
      ...mappingSettingsDefault,
      pollIntervalMs: settings['schema.poll.interval.ms'],
      futureMsMax: settings['event.future.ms.max'],
      mutationsMax: settings['mapping.mutations.max'],
    },
  );
}

function createProcessor(
  settings: Settings,
  registry: SchemaRegistry,
  mappings: MappingsInForce,
  tables: LookupTables,
  io: CommandIo,
): Promise<RecordProcessor> {
  return AvroRecordProcessor.create(
    { registry, mappings, tables, clock: io.clock },
    {
      ...avroRecordProcessorDefaults,
      subjectStrategy: settings['subject.name.strategy'],
      preparedMax: settings['schema.cache.entries.max'],
      negativeMs: settings['schema.negative.ttl.ms'],
      wireLimits: wireLimitsOf(settings),
    },
  );
}

function wireLimitsOf(settings: Settings): WireLimits {
  return {
    bytesMax: settings['decode.bytes.max'],
    valuesMax: settings['decode.items.max'],
    depthMax: settings['decode.depth.max'],
  };
}

function pipelineLimits(settings: Settings): ConstructorParameters<typeof Pipeline>[1] {
  return {
    batchEventsMax: settings['batch.events.max'],
    batchBytesMax: settings['batch.bytes.max'],
    inFlightBytesMax: settings['inflight.bytes.max'],
    sliceMs: settings['slice.ms'],
    onGap: settings['gap.policy'],
    retry: { baseMs: settings['retry.backoff.ms'], maxMs: settings['retry.backoff.max.ms'] },
  };
}

/** The embedded side of a composition that was made without brokers. */
export function embeddedOf(composition: Composition): EmbeddedEvents {
  return must(composition.embedded, 'the demo plays into the embedded log');
}
