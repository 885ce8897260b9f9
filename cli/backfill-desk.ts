import { join } from 'node:path';
import { LocalObjectStore } from '../archive/index.ts';
import type { Settings } from '../config/index.ts';
import type { Log } from '../foundation/index.ts';
import { type EmbeddedStore, type GraphStore, liveSources } from '../graph-store/index.ts';
import {
  archiveSourceLimitsDefault,
  BackfillDesk,
  BackfillJournal,
  type BackfillRequest,
  type BackfillTarget,
  InFlightBudget,
  type LiveHealth,
  LiveRateBudget,
  type MappingsInForce,
  type Pipeline,
  type PipelineLimits,
  type RecordProcessor,
  rateLimitsDefault,
  type TopicFacts,
} from '../ingest/index.ts';
import type { BackfillAsk } from '../query-api/index.ts';
import type { SchemaRegistry } from '../schemas/index.ts';
import { openReplayArchive } from './backfill-archive.ts';
import { addressText } from './backfill-archive-address.ts';
import { factsOf } from './backfill-facts.ts';
import type { CommandIo } from './command-io.ts';
import type { Events } from './events.ts';
import type { FreshnessMeter } from './freshness-meter.ts';
import { openReplayTarget, type Shadows, withShadow } from './replay-target.ts';

export interface BackfillDeskSources {
  readonly store: GraphStore;
  readonly embeddedStore: EmbeddedStore | null;
  readonly shadows: Shadows;
  readonly registry: SchemaRegistry;
  readonly mappings: MappingsInForce;
  readonly events: Pick<Events, 'deadLetters'>;
  readonly pipelines: readonly Pipeline[];
  readonly freshness: FreshnessMeter;
  readonly pipelineLimits: PipelineLimits;
  processor(schemas: SchemaRegistry): Promise<RecordProcessor>;
}

const runsMax = 4;
const plannedMax = 20;
const journalMs = 1_000;

/** Replays into the graph of a data folder, their plans beside it. */
export function createBackfillDesk(
  settings: Settings,
  sources: BackfillDeskSources,
  io: CommandIo,
  log: Log,
): BackfillDesk {
  const { store, shadows, registry, events, processor } = sources;
  const { clock, random } = io;
  const rowsPerSecondMax = settings['backfill.rows.per.second'];
  const limits = {
    ...rateLimitsDefault,
    rowsPerSecondMax,
    freshnessMsMax: settings['backfill.freshness.max.ms'],
    inFlightBytesMax: settings['inflight.bytes.max'],
  };
  const { retry } = sources.pipelineLimits;
  return new BackfillDesk(
    {
      ...{ clock, random, log },
      journal: new BackfillJournal(new LocalObjectStore(join(settings.data, 'backfill'))),
      open: (request, signal) => openReplayArchive({ settings, registry, processor, io }, request, signal),
      facts: (topic, into, signal) => factsInto(settings, sources, io, topic, into, signal),
      deadLetters: (topic) => events.deadLetters(topic),
      target: (into) => openReplayTarget(into, store, shadows),
      rate: new LiveRateBudget(healthOf(sources), limits, clock),
      inFlight: new InFlightBudget(settings['backfill.inflight.bytes.max']),
    },
    {
      run: {
        source: { ...archiveSourceLimitsDefault, retry },
        pipeline: sources.pipelineLimits,
        journalMs,
      },
      ...{ runsMax, plannedMax, rowsPerSecondMax },
    },
  );
}

/** What the graph that is written to holds; what it keeps for how long, and who reads the topic, is as in the live one. */
async function factsInto(
  settings: Settings,
  { store, embeddedStore, shadows, registry, mappings }: BackfillDeskSources,
  io: CommandIo,
  topic: string,
  into: BackfillTarget,
  signal: AbortSignal,
): Promise<TopicFacts> {
  const of = { settings, store, registry, mappings, clock: io.clock };
  const sources = liveSources(await store.sources());
  const identities = sources.map(({ source }) => source).filter((source) => source.topic === topic);
  const facts =
    into === 'live'
      ? await factsOf({ ...of, embeddedStore }, topic, signal)
      : await withShadow(into.shadow, shadows, settings, io, (graph) =>
          factsOf({ ...of, embeddedStore: graph }, topic, signal),
        );
  return { ...facts, identities: identities.map(({ cluster, topicId }) => ({ cluster, topicId })) };
}

/** Of the topics that this process reads. */
function healthOf({ pipelines, freshness }: BackfillDeskSources): LiveHealth {
  return {
    freshnessP99Ms: () => freshness.quantileLately(0.99),
    // They share one budget.
    inFlightBytes: () => pipelines[0]?.status().inFlightBytes ?? 0,
    isPaused: () => pipelines.some((pipeline) => pipeline.status().state.kind === 'paused'),
  };
}

export function requestOf(ask: BackfillAsk): BackfillRequest {
  const { topic, topicId, source, path, fromMs, untilMs, partitions, repeat, skipExpired } = ask;
  return {
    ...{ topic, topicId, repeat, skipExpired },
    archive: addressText({ format: source, path }),
    into: ask.shadow === null ? 'live' : { shadow: ask.shadow },
    filter: { fromMs, untilMs, partitions },
    allow: { gaps: ask.allowGaps, rewrite: ask.rewrite },
  };
}
