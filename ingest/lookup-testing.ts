import { type Clock, must, silentLog, systemClock } from '../foundation/index.ts';
import { createMemoryStore, type GraphStore, type SourcePartition } from '../graph-store/index.ts';
import { BundledRegistry, EventEncoder } from '../schemas/index.ts';
import { AvroRecordProcessor } from './avro-record-processor.ts';
import type { EventSource, SourceEnd, SourceHandler, SourceHeader, SourceRecord } from './event-source.ts';
import { LookupTables } from './lookup-tables.ts';
import { MappingsInForce } from './mappings-in-force.ts';
import { Pipeline } from './pipeline.ts';
import { limits, partsWith } from './pipeline-testing.ts';

/** What the tests of tables share. */

/** Whoever sleeps, sleeps until the test moves the time on. */
export class HandClock implements Clock {
  #now = 1_000_000;
  readonly #sleepers = new Set<{ untilMs: number; readonly wake: () => void }>();

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

  /** Timers do not notice. */
  setBack(ms: number): void {
    this.#now -= ms;
    for (const sleeper of this.#sleepers) sleeper.untilMs -= ms;
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
  readonly reading = true;
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
  async rows(...rows: readonly HandRow[]): Promise<void> {
    const from = this.#next;
    const records = rows.map((row, index) => rowRecord(row, from + BigInt(index)));
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

type HandRow = readonly [
  key: string | Uint8Array,
  value: Uint8Array | null,
  headers?: readonly SourceHeader[] | null,
];

function rowRecord([key, value, headers = null]: HandRow, offset: bigint): SourceRecord {
  return { offset, timestampMs: 1, key: Buffer.from(key), value, headers };
}

const titleText = JSON.stringify({
  type: 'record',
  name: 'Title',
  fields: [{ name: 'name', type: 'string' }],
});
const longWait: unknown = JSON.parse('{"waitMs": 60000, "then": "deadLetter"}');
const viewText = JSON.stringify({
  type: 'record',
  name: 'View',
  fields: ['id', 'title'].map((name) => ({ name, type: 'string' })).concat([{ name: 'at', type: 'long' }]),
  graph: {
    domain: 'd',
    time: 'at',
    lookups: [{ as: 'row', topic: tableSource.topic, key: 'title', missing: longWait }],
    nodes: [{ type: 'View', id: 'id', properties: { name: 'row.name' } }],
  },
});

/** The schemas of views and titles in a registry, and bytes of both. */
export async function viewsAndTitles() {
  const registry = BundledRegistry.of([]);
  const encoder = async (subject: string, text: string): Promise<EventEncoder> =>
    new EventEncoder((await registry.register(subject, text)).schema.id, text);
  const titles = await encoder(`${tableSource.topic}-value`, titleText);
  const views = await encoder('views-value', viewText);
  return {
    registry,
    title: (name: string): Buffer => titles.encode({ name }),
    view: (id: string, title: string): Buffer => views.encode({ at: 1_000, id, title }),
  };
}

export interface RunningViews {
  readonly store: GraphStore;
  readonly tables: LookupTables;
  /** Resolves when each view has this name. */
  named(names: Readonly<Record<string, string>>): Promise<void>;
  stop(): Promise<void>;
}

/** A process whose views get the names of their titles, each from a log of its own, by the machine's clock. */
export async function startViews(
  registry: BundledRegistry,
  views: EventSource,
  titles: (topic: string) => EventSource,
): Promise<RunningViews> {
  const clock = systemClock;
  const store = createMemoryStore(systemClock);
  const tables = new LookupTables({ source: titles, registry, clock, log: silentLog });
  const mappings = new MappingsInForce({ registry, clock, random: () => 0.5, log: silentLog });
  const processor = await AvroRecordProcessor.create({ registry, mappings, tables, clock });
  const looking = new Set<() => void>();
  const freshness = {
    recordFreshness: () => {
      for (const look of looking) look();
      looking.clear();
    },
  };
  const parts = partsWith({ source: views, processor, store, clock, freshness });
  const ending = new AbortController();
  const running = new Pipeline(parts, limits).run(ending.signal);
  const nameOf = async (id: string): Promise<unknown> =>
    (await store.node({ type: 'View', id }))?.properties.find(({ name }) => name === 'name')?.value;
  return {
    store,
    tables,
    named: async (names) => {
      for (;;) {
        const changed = new Promise<void>((resolve) => looking.add(resolve));
        const found = await Promise.all(
          Object.entries(names).map(async ([id, name]) => (await nameOf(id)) === name),
        );
        if (found.every((isThere) => isThere)) return;
        if ((await Promise.race([changed, running.then(() => 'ended')])) === 'ended')
          throw new Error('the process ended before it had all names');
      }
    },
    stop: async () => {
      ending.abort();
      await running;
      await tables.close();
    },
  };
}
