import { Counter, Gauge, type Registry } from 'prom-client';
import type { Clock } from '../../foundation/index.ts';
import {
  backfillSources,
  type ClusterState,
  type Fates,
  type GraphReader,
  liveSources,
  type SourceStatus,
} from '../../graph-store/index.ts';
import { Deadline } from '../deadline.ts';
import type { StatusReader, TopicState } from '../status-reader.ts';
import { registerLagMetrics } from './lag-metrics.ts';

const fates = ['applied', 'superseded', 'filtered', 'deadLettered'] as const satisfies (keyof Fates)[];
const states = ['idle', 'running', 'paused', 'finished', 'stopped'] as const satisfies TopicState['state'][];
/** Topics come from settings, so they are few; a pattern that matches a whole cluster shall not make a series each. */
const topicsMax = 500;

/** A store that is away may take long to say so. */
const sourcesMs = 2000;

export interface PipelineMetricsParts {
  readonly status: Pick<
    StatusReader,
    'topics' | 'nodeWrites' | 'supersededMutations' | 'freshnessQuantileMs'
  >;
  readonly reader: Pick<GraphReader, 'sources' | 'cluster'>;
  readonly clock: Clock;
}

/** What `status` says, as figures that are read when they are asked for. */
export function registerPipelineMetrics(registry: Registry, parts: PipelineMetricsParts): void {
  const registers = [registry];
  const { status } = parts;
  const topics = (): readonly TopicState[] => status.topics().slice(0, topicsMax);
  registerRecords(registers, topics, parts);
  registerLagMetrics(registry, topics);
  registerTopicGauges(registers, topics);
  registerStoreNodes(registers, parts.reader);
  new Counter({
    name: 'journey_graph_node_writes_total',
    help: 'Node mutations since the start: written, left out because nothing changed (suppressed), merged in memory (coalesced).',
    labelNames: ['result'],
    registers,
    collect() {
      this.reset();
      for (const [result, count] of Object.entries(status.nodeWrites())) this.inc({ result }, count);
    },
  });
  new Counter({
    name: 'journey_graph_superseded_mutations_total',
    help: 'Mutations of superseded records since the start, by what they change: coalesced before the store, hence never written.',
    labelNames: ['kind'],
    registers,
    collect() {
      this.reset();
      for (const [kind, count] of Object.entries(status.supersededMutations())) this.inc({ kind }, count);
    },
  });
  new Gauge({
    name: 'journey_graph_freshness_quantile_seconds',
    help: 'From event time to durable, over about the last minute; missing while nothing came.',
    labelNames: ['quantile'],
    registers,
    collect() {
      this.reset();
      for (const share of [0.5, 0.99]) {
        const ms = status.freshnessQuantileMs(share);
        if (ms !== null) this.set({ quantile: String(share) }, ms / 1000);
      }
    },
  });
}

function registerRecords(
  registers: Registry[],
  topics: () => readonly TopicState[],
  parts: PipelineMetricsParts,
): void {
  let reading: Promise<readonly SourceStatus[] | null> | null = null;
  // Figures of one scrape come from one read, and so do those of scrapes at the same time.
  const sources = async (): Promise<readonly SourceStatus[] | null> => {
    reading ??= readSources(parts);
    try {
      return await reading;
    } finally {
      reading = null;
    }
  };
  new Gauge({
    name: 'journey_graph_store_up',
    help: '1 while the store answers; while it is 0, journey_graph_records_total is missing.',
    registers,
    async collect() {
      this.set((await sources()) === null ? 0 : 1);
    },
  });
  const count = async (counter: Counter<'topic' | 'fate'>, lives: typeof liveSources): Promise<void> => {
    const stored = lives((await sources()) ?? []);
    counter.reset();
    for (const { topic } of topics()) {
      const own = stored.filter(({ source }) => source.topic === topic);
      if (own.length === 0) continue;
      for (const fate of fates) {
        const sum = own.reduce((so, one) => so + one.fates[fate], 0);
        counter.inc({ topic, fate }, sum);
      }
    }
  };
  new Counter({
    name: 'journey_graph_records_total',
    help: 'Records by topic and what became of them; consumed is their sum.',
    labelNames: ['topic', 'fate'],
    registers,
    collect() {
      return count(this, liveSources);
    },
  });
  new Counter({
    name: 'journey_graph_backfill_records_total',
    help: 'Records of replays by topic and what became of them; none of them counts in journey_graph_records_total.',
    labelNames: ['topic', 'fate'],
    registers,
    collect() {
      return count(this, backfillSources);
    },
  });
}

/** What a driver knows, so they are there while the store does not answer. */
function registerStoreNodes(registers: Registry[], { cluster }: PipelineMetricsParts['reader']): void {
  if (cluster === undefined) return;
  const gauge = (name: string, help: string, read: (state: ClusterState) => number): void => {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read(cluster()));
      },
    });
  };
  gauge('journey_graph_store_nodes', 'Nodes of the database in the data center.', ({ nodes }) => nodes);
  gauge(
    'journey_graph_store_nodes_up',
    'Those of them that this process can reach.',
    (state) => state.nodesUp,
  );
  gauge(
    'journey_graph_store_copies',
    'Copies of each row, when the process started.',
    ({ copies }) => copies,
  );
}

/** Null while the store does not answer, which is a figure of its own: the others are wanted then most of all. */
async function readSources({ reader, clock }: PipelineMetricsParts): Promise<readonly SourceStatus[] | null> {
  const deadline = new Deadline(clock, sourcesMs);
  try {
    return await deadline.race(reader.sources());
  } catch {
    return null;
  } finally {
    deadline.stop();
  }
}

function registerTopicGauges(registers: Registry[], topics: () => readonly TopicState[]): void {
  new Gauge({
    name: 'journey_graph_freshness_seconds',
    help: 'Now minus the newest event time applied by topic; missing while nothing came.',
    labelNames: ['topic'],
    registers,
    collect() {
      this.reset();
      for (const { topic, freshnessMs } of topics()) {
        if (freshnessMs !== null) this.set({ topic }, freshnessMs / 1000);
      }
    },
  });
  new Gauge({
    name: 'journey_graph_pipeline_state',
    help: '1 for the state that the pipeline of the topic is in, 0 for the others.',
    labelNames: ['topic', 'state'],
    registers,
    collect() {
      this.reset();
      for (const { topic, state } of topics()) {
        // Nobody here knows what state other processes are in.
        if (state === 'elsewhere') continue;
        for (const one of states) this.set({ topic, state: one }, one === state ? 1 : 0);
      }
    },
  });
}
