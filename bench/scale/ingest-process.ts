import { join } from 'node:path';
import { must } from '../../foundation/index.ts';
import { RunningCommand } from '../../test/pack/running-command.ts';
import { processCpuMs } from '../broadcast/machine-meter.ts';
import type { KafkaTarget } from '../ingest/fill.ts';

const main = join(import.meta.dirname, '..', '..', 'cli', 'main.ts');
const timeoutMs = 120_000;
const pollMs = 100;

export interface FleetPlace {
  readonly kafka: Omit<KafkaTarget, 'topic'>;
  /** Where the graph is, as far away as it is to be. */
  readonly contactPoint: string;
  readonly dataCenter: string;
  readonly seed: number;
  /** How long its groups wait to grow. */
  readonly windowMs: number;
}

/** `jg ingest`, as its users run it. */
export class IngestProcess {
  readonly #command: RunningCommand;
  readonly #topic: string;

  constructor(target: KafkaTarget, { contactPoint, dataCenter, windowMs }: FleetPlace) {
    this.#topic = target.topic;
    const words = [
      ...['--store', 'cassandra', '--cassandra.contact.points', contactPoint],
      ...['--cassandra.datacenter', dataCenter, '--cassandra.replication', '1'],
      ...['--cassandra.keyspace', 'processes', '--log.level', 'error'],
      ...['--store.window.ms', String(windowMs)],
      ...['--bootstrap.servers', target.bootstrapServers, '--schema.registry.url', target.registryUrl],
      ...['--topics', target.topic, '--group.id', target.topic],
    ];
    const args = ['--max-semi-space-size=8', main, 'ingest', '--port', '0', ...words];
    this.#command = new RunningCommand(process.execPath, args, import.meta.dirname);
  }

  get cpuMs(): number {
    return processCpuMs(must(this.#command.pid, 'it was started'));
  }

  async untilAssigned(partitions: number): Promise<void> {
    await until('partitions are given out', async () => {
      const begins = `journey_graph_assigned_partitions{topic="${this.#topic}"}`;
      return valuesOf(await this.#metrics(), begins)[0] === partitions;
    });
  }

  /** By all processes: that is in the store which they share. */
  async consumed(): Promise<number> {
    const text = await this.#metrics();
    const begins = `journey_graph_records_total{topic="${this.#topic}",fate=`;
    return valuesOf(text, begins).reduce((sum, value) => sum + value, 0);
  }

  async #metrics(): Promise<string> {
    const [, url = ''] = await this.#command.printed(/(http:\/\/127\.0\.0\.1:\d+)\//);
    return await (await fetch(`${url}/metrics`)).text();
  }

  async stop(): Promise<void> {
    this.#command.kill('SIGTERM');
    await this.#command.exited;
  }
}

/** Of the lines that begin so. */
function valuesOf(metrics: string, begins: string): readonly number[] {
  const lines = metrics.split('\n').filter((line) => line.startsWith(begins));
  return lines.map((line) => Number(line.slice(line.lastIndexOf(' ') + 1)));
}

export async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`${what}: not within ${timeoutMs / 1000} s`);
    await sleep(pollMs);
  }
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
