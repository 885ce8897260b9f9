import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, must, OutageError, silentLog, systemClock } from '../../foundation/index.ts';
import { pack } from '../../graph-store/conformance-graphs.ts';
import {
  type BulkReads,
  createMemoryStore,
  type GraphReader,
  type GraphStore,
  type Mutation,
  ObservedWrites,
  type StoreWriter,
} from '../../graph-store/index.ts';
import { account, watching } from '../../query-api/audiences/audience-conditions-testing.ts';
import { openTestAudiences, type TestAudiences } from '../../query-api/audiences/audience-testing.ts';
import type { Condition } from '../../query-api/index.ts';
import { testEvent, testStartMs } from '../live-event-testing.ts';
import { FakeLiveEvents } from '../live-events.fake.ts';
import { LevelStageMaps } from './level-stage-maps.ts';
import { testContext } from './plan-testing.ts';
import { StageMaps } from './stage-maps.ts';
import { type StageMapsLimits, type StageMapsParts, stageMapsLimitsDefault } from './stage-maps-parts.ts';
import { TouchedMembers } from './touched-members.ts';

const everybody: Condition = { kind: 'all', of: [] };

export class TestClock implements Clock {
  nowMs: number;

  constructor(nowMs: number) {
    this.nowMs = nowMs;
  }

  now(): number {
    return this.nowMs;
  }

  /** What is half a minute or more never passes by itself. */
  async sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    if (delayMs < 30_000) return await systemClock.sleep(Math.min(delayMs, 1), signal);
    const ended = Promise.withResolvers<void>();
    signal?.addEventListener('abort', () => ended.resolve(), { once: true });
    if (signal?.aborted !== true) await ended.promise;
  }
}

/** The graph, where `reading` is called before each read of many nodes, which fails with what it throws. */
export function readsOf(graph: GraphStore, reading: () => void): GraphReader {
  const { bulk } = graph;
  const reads: BulkReads = {
    scan: async (query) => {
      reading();
      return await bulk.scan(query);
    },
    farEnds: async (query) => {
      reading();
      return await bulk.farEnds(query);
    },
    properties: async (query) => {
      reading();
      return await bulk.properties(query);
    },
  };
  return Object.create(graph, {
    bulk: { value: reads },
    degree: { value: graph.degree.bind(graph) },
  });
}

/** A graph that can be down. */
export function unreliable(graph: GraphStore): { isDown: boolean; readonly reader: GraphReader } {
  const made = {
    isDown: false,
    reader: readsOf(graph, () => {
      if (made.isDown) throw new OutageError('STORE_CLOSED', 'The store is down; wait.');
    }),
  };
  return made;
}

/** A graph of accounts that watched titles, a frozen audience of all of them, an event for it, and its stage maps on a real folder. */
export class TestMaps implements AsyncDisposable {
  readonly graph: GraphStore;
  readonly audiences: TestAudiences;
  readonly events: FakeLiveEvents;
  readonly touched: TouchedMembers;
  readonly clock: TestClock;
  readonly folder: string;
  readonly #writes: ObservedWrites;
  #opened: { readonly store: LevelStageMaps; readonly maps: StageMaps } | null = null;
  #offset = 0n;

  private constructor(folder: string, audiences: TestAudiences, touchedMax?: number) {
    this.folder = folder;
    this.audiences = audiences;
    this.graph = createMemoryStore(systemClock);
    this.touched = new TouchedMembers(touchedMax);
    this.#writes = new ObservedWrites(this.graph, this.touched);
    this.events = new FakeLiveEvents();
    this.clock = new TestClock(testStartMs - 7_200_000);
  }

  static async open(touchedMax?: number): Promise<TestMaps> {
    const folder = await mkdtemp(join(tmpdir(), 'stage-maps-'));
    return new TestMaps(folder, await openTestAudiences(), touchedMax);
  }

  get maps(): StageMaps {
    return must(this.#opened, 'it was opened').maps;
  }

  get store(): LevelStageMaps {
    return must(this.#opened, 'it was opened').store;
  }

  async write(...mutations: readonly Mutation[]): Promise<void> {
    await this.#write(this.#writes, mutations);
  }

  /** By another process: nobody is told. */
  async watchedElsewhere(id: string, title: string): Promise<void> {
    await this.#write(this.graph, [watching(account(id), title)]);
  }

  /** Handed over when it resolves, and durable when what it answers does: behind `gate`. */
  async watchedBehind(
    gate: Promise<void>,
    id: string,
    title: string,
  ): Promise<{ readonly durable: Promise<void> }> {
    const handedOver = Promise.withResolvers<void>();
    const slow: StoreWriter = {
      claim: (source) => this.graph.claim(source),
      apply: async (advance, mutations) => {
        handedOver.resolve();
        await gate;
        return await this.graph.apply(advance, mutations);
      },
    };
    const durable = this.#write(new ObservedWrites(slow, this.touched), [watching(account(id), title)]);
    await handedOver.promise;
    return { durable };
  }

  async #write(writes: StoreWriter, mutations: readonly Mutation[]): Promise<void> {
    const source = { cluster: 'c', topic: 't', topicId: 'i', partition: 0 };
    const { epoch } = await writes.claim(source);
    const from = this.#offset;
    this.#offset += 1n;
    const fates = { consumed: 1, applied: 1, superseded: 0, filtered: 0, deadLettered: 0 };
    const event = { timeMs: 1000 + Number(from), rank: 0, occurrence: this.#offset, mutations };
    await writes.apply({ source, epoch, from, next: this.#offset, fates, newestEventMs: 0 }, pack([event]));
  }

  async accounts(...ids: readonly string[]): Promise<void> {
    await this.write(
      ...ids.map((id): Mutation => ({ kind: 'node', node: account(id), properties: [['country', 'DE']] })),
    );
  }

  async watched(id: string, title: string): Promise<void> {
    await this.write(watching(account(id), title));
  }

  /** Freezes the audience and gives the event it and the plan. */
  async planned(plan: string, id = 'fight-1'): Promise<void> {
    const audience = await this.audiences.frozen(this.graph, everybody, `of ${id}`);
    if (audience.state !== 'READY') throw new Error(JSON.stringify(audience));
    this.events.change('plan', testEvent({ id, audience: audience.row.id, plan }));
  }

  async start(
    limits: Partial<StageMapsLimits> = {},
    parts: Partial<StageMapsParts> = {},
  ): Promise<StageMaps> {
    await this.stop();
    const store = await LevelStageMaps.open(join(this.folder, 'maps'));
    const maps = new StageMaps(
      {
        events: this.events,
        audiences: this.audiences.audiences,
        reader: this.graph,
        store,
        touched: this.touched,
        seesAllWrites: true,
        context: () => testContext,
        clock: this.clock,
        log: silentLog,
        ...parts,
      },
      { ...stageMapsLimitsDefault, ...limits },
    );
    this.#opened = { store, maps };
    await maps.open();
    return maps;
  }

  async stop(): Promise<void> {
    await this.#opened?.maps.close();
    await this.#opened?.store.close();
    this.#opened = null;
  }

  /** The key of the segment that serves each of these. */
  async segmentsOf(...ids: readonly string[]): Promise<readonly string[]> {
    const served = must(this.maps.served('fight-1'), 'something serves');
    const positions = await this.audiences.audiences.segments.positionsOf(served.version.audience, ids);
    return positions.map((position) => served.segmentOf(position).key);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.audiences[Symbol.asyncDispose]();
    await this.graph.close();
    await rm(this.folder, { recursive: true });
  }
}
