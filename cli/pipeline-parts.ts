import type { Settings } from '../config/index.ts';
import type { Log } from '../foundation/index.ts';
import type { GraphStore, StoreWriter } from '../graph-store/index.ts';
import {
  AvroRecordProcessor,
  avroRecordProcessorDefaults,
  type BackfillDesk,
  InFlightBudget,
  type LetterDesk,
  LookupTables,
  type MappingsInForce,
  Pipeline,
  type RecordProcessor,
  type StoreUpkeep,
} from '../ingest/index.ts';
import type { SchemaRegistry, WireLimits } from '../schemas/index.ts';
import { type BackfillDeskSources, createBackfillDesk } from './backfill-desk.ts';
import type { CommandIo } from './command-io.ts';
import { createDeadLetterDesk } from './dead-letter-desk.ts';
import type { Events } from './events.ts';
import type { FreshnessMeter } from './freshness-meter.ts';

/** What pipelines, and trials of dead letters, are made from. */
export interface PipelineSources {
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
export async function createPipelines(sources: PipelineSources): Promise<readonly Pipeline[]> {
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

/** Dead letters read, tried and applied again: with files of its own, so of one process. */
export async function openDeadLetters(
  sources: Omit<PipelineSources, 'freshness'>,
  store: Pick<GraphStore, 'sources'>,
): Promise<LetterDesk> {
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

export function openBackfills(
  { settings, registry, mappings, tables, events, freshness, io, log }: PipelineSources,
  graph: Pick<BackfillDeskSources, 'store' | 'embeddedStore' | 'pipelines' | 'shadows'>,
): BackfillDesk {
  const sources = {
    ...{ ...graph, registry, mappings, events, freshness },
    pipelineLimits: pipelineLimits(settings),
    processor: (schemas: SchemaRegistry) => createProcessor(settings, schemas, mappings, tables, io),
  };
  return createBackfillDesk(settings, sources, io, log);
}

export function createTables(
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

export function upkeepSettings(settings: Settings): ConstructorParameters<typeof StoreUpkeep>[1] {
  return {
    sweepIntervalMs: settings['store.sweep.interval.ms'],
    sweepRowsPerSecond: settings['store.sweep.rows.per.second'],
  };
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

export function wireLimitsOf(settings: Settings): WireLimits {
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
