import { Counter, Gauge, type Registry } from 'prom-client';
import type { Clock } from '../../foundation/index.ts';
import { type Fates, type GraphReader, isLetterLife, type SourceStatus } from '../../graph-store/index.ts';
import { Deadline } from '../deadline.ts';
import type { StatusReader, TopicState } from '../status-reader.ts';

const fates = ['applied', 'superseded', 'filtered', 'deadLettered'] as const satisfies (keyof Fates)[];
const states = ['idle', 'running', 'paused', 'finished', 'stopped'] as const satisfies TopicState['state'][];
/** Topics come from settings, so they are few; a pattern that matches a whole cluster shall not make a series each. */
const topicsMax = 500;

/** A store that is away may take long to say so. */
const sourcesMs = 2000;

interface PipelineParts {
  readonly status: StatusReader;
  readonly reader: Pick<GraphReader, 'sources'>;
  readonly clock: Clock;
}

/** What `status` says, as figures that are read when they are asked for. */
export function registerPipelineMetrics(registry: Registry, parts: PipelineParts): void {
  const registers = [registry];
  const { status } = parts;
  const topics = (): readonly TopicState[] => status.topics().slice(0, topicsMax);
  registerRecords(registers, topics, parts);
  registerTopicGauges(registers, topics);
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
  parts: PipelineParts,
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
  new Counter({
    name: 'journey_graph_records_total',
    help: 'Records by topic and what became of them; consumed is their sum.',
    labelNames: ['topic', 'fate'],
    registers,
    async collect() {
      const stored = (await sources()) ?? [];
      this.reset();
      for (const { topic } of topics()) {
        const own = stored.filter(({ source }) => source.topic === topic && !isLetterLife(source));
        if (own.length === 0) continue;
        for (const fate of fates) {
          const count = own.reduce((sum, one) => sum + one.fates[fate], 0);
          this.inc({ topic, fate }, count);
        }
      }
    },
  });
}

/** Null while the store does not answer, which is a figure of its own: the others are wanted then most of all. */
async function readSources({ reader, clock }: PipelineParts): Promise<readonly SourceStatus[] | null> {
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
    name: 'journey_graph_lag_records',
    help: 'Records behind the end of the log by topic; missing while unknown.',
    labelNames: ['topic'],
    registers,
    collect() {
      this.reset();
      for (const { topic, partitions } of topics()) {
        const known = partitions.flatMap(({ lag }) => (lag === null ? [] : [lag]));
        if (known.length > 0) this.set({ topic }, Number(known.reduce((sum, lag) => sum + lag, 0n)));
      }
    },
  });
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
        for (const one of states) this.set({ topic, state: one }, one === state ? 1 : 0);
      }
    },
  });
}
