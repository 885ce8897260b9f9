import { BadDataError, type Clock, must, OutageError, silentLog, systemClock } from '../foundation/index.ts';
import {
  type Advance,
  type Applied,
  createMemoryStore,
  type EventMutations,
  type GraphStore,
  type MutationBatch,
  type SourcePartition,
} from '../graph-store/index.ts';
import type { EventSource, SourceBatch, SourceHandler, SourceRecord } from './event-source.ts';
import { Pipeline, type PipelineLimits, type PipelineParts } from './pipeline.ts';
import type { Outcome, RecordProcessor } from './record-processor.ts';

export const limits: PipelineLimits = {
  batchEventsMax: 4,
  batchBytesMax: 4_096,
  inFlightBytesMax: 1_280,
  sliceMs: 5,
  onGap: 'stop',
  retry: { baseMs: 10, maxMs: 1_000 },
};
export const source: SourcePartition = { cluster: 'c', topic: 'views', topicId: 'id', partition: 0 };
export const zeroFates = { consumed: 0, applied: 0, superseded: 0, filtered: 0, deadLettered: 0 };
export type Kind = 'good' | 'filtered' | 'dead' | 'unmappable' | 'late-schema';

/** Time moves only when somebody sleeps. */
export function fakeClock(): Clock {
  let now = 1_000_000;
  return {
    now: () => now,
    sleep: async (delayMs) => {
      now += delayMs;
    },
  };
}

export function recordOf(kind: Kind, id: number, offset: bigint): SourceRecord {
  return {
    offset,
    timestampMs: 1,
    key: null,
    value: Buffer.from(JSON.stringify({ kind, id })),
    headers: null,
  };
}

export function goodRecords(from: bigint, count: number): readonly SourceRecord[] {
  return Array.from({ length: count }, (_, i) => recordOf('good', Number(from) + i, from + BigInt(i)));
}

export function eventOf(id: number, nodeId: string): EventMutations {
  const node = { type: 'Account', id: nodeId };
  return {
    timeMs: 1_000 + id,
    rank: 0,
    occurrence: BigInt(id),
    mutations: [{ kind: 'node', node, properties: [['n', id]] }],
  };
}

/** Each life of the process has another one: the schema has to be loaded again. */
export function fakeProcessor(loadFailures: number): RecordProcessor {
  let failuresLeft = loadFailures;
  let loaded = false;
  return {
    process(record): Outcome {
      const { kind, id }: { kind: Kind; id: number } = JSON.parse(String(record.value));
      if (kind === 'filtered') return { kind };
      if (kind === 'dead') return { kind, stage: 'decode', error: new BadDataError('X', 'rubbish') };
      if (kind === 'late-schema' && !loaded) return { kind: 'needs-schema', schemaId: 7 };
      return { kind: 'mapped', event: eventOf(id, kind === 'unmappable' ? '' : `a${id % 5}`) };
    },
    async load() {
      failuresLeft -= 1;
      if (failuresLeft >= 0) throw new OutageError('REGISTRY_UNREACHABLE', 'no answer');
      loaded = true;
    },
  };
}

export function partsWith(parts: Partial<PipelineParts>): PipelineParts {
  return {
    source: new HandSource(),
    processor: fakeProcessor(0),
    deadLetters: { write: async () => undefined, close: async () => undefined },
    store: createMemoryStore(systemClock),
    clock: fakeClock(),
    random: () => 0.5,
    log: silentLog,
    freshness: null,
    ...parts,
  };
}

/** The store under another way of writing. */
export function storeOver(store: GraphStore, writes: Pick<GraphStore, 'claim' | 'apply'>): GraphStore {
  return {
    node: (ref) => store.node(ref),
    journey: (query) => store.journey(query),
    adjacency: (query) => store.adjacency(query),
    bulk: store.bulk,
    adjacencies: (queries) => store.adjacencies(queries),
    nodes: (refs) => store.nodes(refs),
    degree: (query) => store.degree(query),
    edge: (query) => store.edge(query),
    sources: () => store.sources(),
    estimate: () => store.estimate(),
    guarantee: store.guarantee,
    digest: () => store.digest(),
    setTimeToLive: (rules) => store.setTimeToLive(rules),
    timeToLive: () => store.timeToLive(),
    sweep: (after, rowsMax) => store.sweep(after, rowsMax),
    snapshot: () => store.snapshot(),
    restore: (snapshot) => store.restore(snapshot),
    close: () => store.close(),
    ...writes,
  };
}

export interface HeldApply {
  readonly advance: Advance;
  settle(): void;
  fail(error: Error): void;
}

/** Applies stay in flight until the test settles them; the memory store takes them in the order of the calls. */
export class HeldStore {
  readonly memory = createMemoryStore(systemClock);
  readonly held: HeldApply[] = [];
  readonly store: GraphStore = storeOver(this.memory, {
    claim: (one) => this.memory.claim(one),
    apply: (advance, mutations) => this.#hold(advance, mutations),
  });

  take(): HeldApply {
    return must(this.held.shift(), 'an apply is in flight');
  }

  #hold(advance: Advance, mutations: MutationBatch): Promise<Applied> {
    return new Promise((resolve, reject) => {
      this.held.push({
        advance,
        settle: () => void this.memory.apply(advance, mutations).then(resolve, reject),
        fail: reject,
      });
    });
  }
}

/** The test is the source: it calls the handler itself. */
export class HandSource implements EventSource {
  readonly topic = 'views';
  readonly reading = true;
  readonly reclaimed: SourcePartition[] = [];
  readonly reported: bigint[] = [];
  #handler: SourceHandler | null = null;
  #finish: () => void = () => undefined;

  get handler(): SourceHandler {
    return must(this.#handler, 'the pipeline runs');
  }

  run(handler: SourceHandler, signal: AbortSignal): Promise<void> {
    this.#handler = handler;
    return new Promise((resolve) => {
      this.#finish = resolve;
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  finish(): void {
    this.#finish();
  }

  async ends(): Promise<readonly []> {
    return [];
  }

  report(_: SourcePartition, next: bigint): void {
    this.reported.push(next);
  }

  reclaim(one: SourcePartition): void {
    this.reclaimed.push(one);
  }
}

/** Lets everything that waits for nothing but other promises happen. */
export async function turns(): Promise<void> {
  for (let i = 0; i < 3; i += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** A pipeline that runs, whose source and store the test moves by hand. */
export function startPipeline(parts: Partial<PipelineParts> = {}, own: Partial<PipelineLimits> = {}) {
  const hand = new HandSource();
  const held = new HeldStore();
  const ending = new AbortController();
  const pipeline = new Pipeline(partsWith({ source: hand, store: held.store, ...parts }), {
    ...limits,
    ...own,
  });
  const outcome = pipeline.run(ending.signal).then(
    () => null,
    (error: unknown) => error,
  );
  return { hand, held, ending, pipeline, outcome };
}

export function batchOf(records: readonly SourceRecord[], part: Partial<SourceBatch> = {}): SourceBatch {
  const from = records[0]?.offset ?? 0n;
  const next = (records.at(-1)?.offset ?? -1n) + 1n;
  return { source, records, from, next, end: next + 100n, ...part };
}
