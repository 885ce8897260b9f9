import { Gauge, type Registry } from 'prom-client';
import type { TopicState } from '../status-reader.ts';

/** A series each; of more partitions the figures by topic still tell. */
const partitionsMax = 2000;

type Partition = TopicState['partitions'][number];

/** What an autoscaler goes by: records and seconds behind the log's end. */
export function registerLagMetrics(registry: Registry, topics: () => readonly TopicState[]): void {
  const sum = (known: readonly number[]): number => known.reduce((total, one) => total + one, 0);
  const greatest = (known: readonly number[]): number => Math.max(...known);
  const records = {
    what: 'records',
    help: 'Records behind the end of the log',
    of: recordsOf,
    fold: sum,
  };
  const seconds = {
    what: 'seconds',
    help: 'For at most how long the oldest record that is not applied has waited',
    of: secondsOf,
    fold: greatest,
  };
  for (const { what, help, of, fold } of [records, seconds]) {
    new Gauge({
      name: `journey_graph_lag_${what}`,
      help: `${help}, by topic; missing while unknown.`,
      labelNames: ['topic'],
      registers: [registry],
      collect() {
        this.reset();
        for (const { topic, partitions } of topics()) {
          const known = partitions.flatMap(of);
          if (known.length > 0) this.set({ topic }, fold(known));
        }
      },
    });
    new Gauge({
      name: `journey_graph_partition_lag_${what}`,
      help: `${help}, by partition; missing while unknown.`,
      labelNames: ['topic', 'partition'],
      registers: [registry],
      collect() {
        this.reset();
        const all = topics().flatMap(({ topic, partitions }) => partitions.map((one) => ({ topic, one })));
        for (const { topic, one } of all.slice(0, partitionsMax)) {
          for (const value of of(one)) this.set({ topic, partition: String(one.partition) }, value);
        }
      },
    });
  }
}

function recordsOf({ lag }: Partition): readonly number[] {
  return lag === null ? [] : [Number(lag)];
}

function secondsOf({ waitedMs }: Partition): readonly number[] {
  return waitedMs === null ? [] : [waitedMs / 1000];
}
