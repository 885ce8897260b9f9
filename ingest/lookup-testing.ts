import { type Clock, must } from '../foundation/index.ts';
import type { SourcePartition } from '../graph-store/index.ts';
import type { EventSource, SourceEnd, SourceHandler, SourceRecord } from './event-source.ts';

/** What the tests of tables share. */

/** Whoever sleeps, sleeps until the test moves the time on. */
export class HandClock implements Clock {
  #now = 1_000_000;
  readonly #sleepers = new Set<{ readonly untilMs: number; readonly wake: () => void }>();

  now(): number {
    return this.#now;
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    if (delayMs === 0 || signal?.aborted === true) return Promise.resolve();
    return new Promise((resolve) => {
      const sleeper = {
        untilMs: this.#now + delayMs,
        wake: () => {
          this.#sleepers.delete(sleeper);
          resolve();
        },
      };
      this.#sleepers.add(sleeper);
      signal?.addEventListener('abort', sleeper.wake, { once: true });
    });
  }

  /** How many sleep. */
  get sleeping(): number {
    return this.#sleepers.size;
  }

  async advance(ms: number): Promise<void> {
    this.#now += ms;
    for (const sleeper of [...this.#sleepers]) if (sleeper.untilMs <= this.#now) sleeper.wake();
    await settle();
  }
}

/** Lets everything that waits for nothing but other promises happen. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 5; i += 1) await new Promise((resolve) => setImmediate(resolve));
}

export const tableSource: SourcePartition = {
  cluster: 'c',
  topic: 'titles.catalog',
  topicId: 'first',
  partition: 0,
};

/** A table's topic in the hand of the test. */
export class HandTableSource implements EventSource {
  readonly topic: string;
  readonly #ends = new Map<number, SourceEnd>();
  #handler: SourceHandler | null = null;
  #fail: (error: Error) => void = () => undefined;
  #next = 0n;

  constructor(topic = tableSource.topic) {
    this.topic = topic;
  }

  get handler(): SourceHandler {
    return must(this.#handler, 'the table is read');
  }

  get isRead(): boolean {
    return this.#handler !== null;
  }

  reaches(end: bigint, low = 0n, source: SourcePartition = tableSource): void {
    this.#ends.set(source.partition, { source, low, end });
  }

  /** Hands rows over, and has the log end behind them unless that was said before. */
  async rows(
    ...rows: readonly (readonly [key: string | Uint8Array, value: Uint8Array | null])[]
  ): Promise<void> {
    const from = this.#next;
    const records = rows.map(([key, value], index) => rowRecord(key, value, from + BigInt(index)));
    this.#next += BigInt(records.length);
    await this.handler.batch({ source: tableSource, records, from, next: this.#next, end: this.#next });
    await settle();
  }

  run(handler: SourceHandler, signal: AbortSignal): Promise<void> {
    this.#handler = handler;
    return new Promise((resolve, reject) => {
      this.#fail = reject;
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  /** The source ends with an error. */
  fail(error: Error): void {
    this.#fail(error);
  }

  async ends(): Promise<readonly SourceEnd[]> {
    return [...this.#ends.values()];
  }

  report(): void {
    return;
  }

  reclaim(): void {
    return;
  }
}

function rowRecord(key: string | Uint8Array, value: Uint8Array | null, offset: bigint): SourceRecord {
  return { offset, timestampMs: 1, key: Buffer.from(key), value, headers: null };
}
