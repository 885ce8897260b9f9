import { afterEach, beforeEach } from 'vitest';
import { type Clock, must, systemClock } from '../foundation/index.ts';
import { pack } from './conformance-graphs.ts';
import { readPropertyEnvironment } from './conformance-property.ts';
import type {
  AdjacencyQuery,
  Advance,
  Claim,
  GraphStore,
  JourneyQuery,
  SourcePartition,
} from './graph-store.ts';
import type { EdgeMutation, EventMutations, Mutation, NodeRef, Property, StepMutation } from './model.ts';

/** How the suite gets at an adapter. */
export interface StoreHarness {
  /** An empty store. */
  open(clock: Clock): Promise<GraphStore>;
  /** Closes the store and opens what it left; null when the adapter keeps nothing. */
  readonly reopen: ((store: GraphStore, clock: Clock) => Promise<GraphStore>) | null;
  /** Closes the store and removes what it left. */
  dispose(store: GraphStore): Promise<void>;
  /** Runs of each property; a durable store is slower to open. */
  readonly propertyRuns: number;
  /** Runs of the property whose every batch and sweep is a call of its own, twice over; as many as of the others where not said. */
  readonly sweepRuns?: number;
  /** For all runs of a property; a minute where not said. */
  readonly propertyTimeoutMs?: number;
  /** What the store must say of itself; `atomic` where nothing is said. Decides which half of the suite's levels runs. */
  readonly guarantee?: GraphStore['guarantee'];
  /** Of an engine whose `journeyRows` answers rows; without it the suite takes objects as well. */
  readonly answersRows?: true;
  /**
   * Lets the next batch fail with an OutageError after so many of its mutations, as far as the adapter's guarantee lets them be there;
   * absent where that cannot be had.
   */
  readonly tearNext?: (store: GraphStore, mutations: number) => void;
}

/** As many times longer as the environment asks for more runs. */
export function propertyTimeoutOf({
  propertyTimeoutMs = 60_000,
  propertyRuns,
  sweepRuns,
}: StoreHarness): number {
  const { runs } = readPropertyEnvironment(process.env);
  const fewest = Math.min(propertyRuns, sweepRuns ?? propertyRuns);
  return propertyTimeoutMs * Math.max(1, (runs ?? 0) / fewest);
}

/** The store under test: empty before each test, with one partition claimed. */
export class Subject {
  #store: GraphStore | null = null;
  #claim: Claim | null = null;
  #applied = 0;
  /** What the store's clock says; a test sets it. */
  nowMs = 0;
  readonly #clock: Clock = { ...systemClock, now: () => this.nowMs };

  /** Registers its own hooks, so it is made inside a `describe`. */
  constructor(harness: StoreHarness) {
    beforeEach(async () => {
      this.nowMs = 0;
      this.#store = await harness.open(this.#clock);
      this.#claim = await this.#store.claim(source);
      this.#applied = 0;
    });
    afterEach(() => harness.dispose(this.store));
  }

  get store(): GraphStore {
    return must(this.#store, 'a test has begun');
  }

  get claim(): Claim {
    return must(this.#claim, 'a test has begun');
  }

  /** The offset after the last event that `apply` took. */
  get applied(): number {
    return this.#applied;
  }

  async apply(...batch: EventMutations[]): Promise<void> {
    await this.applyAsOf(0, ...batch);
  }

  /** The position says of the newest event what it is told. */
  async applyAsOf(newestEventMs: number, ...batch: EventMutations[]): Promise<void> {
    const next = this.#applied + batch.length;
    await this.store.apply(advance(this.claim, this.#applied, next, { newestEventMs }), pack(batch));
    this.#applied = next;
  }

  async restart(reopen: NonNullable<StoreHarness['reopen']>): Promise<void> {
    this.#store = await reopen(this.store, this.#clock);
  }
}

export const source: SourcePartition = { cluster: 'c1', topic: 'plays', topicId: 'life-1', partition: 0 };
export const ann: NodeRef = { type: 'Account', id: 'ann' };
export const dark: NodeRef = { type: 'Title', id: 'dark' };
export const lost: NodeRef = { type: 'Title', id: 'lost' };

export function advance(claim: Claim, from: number, next: number, changes: Partial<Advance> = {}): Advance {
  return {
    source,
    epoch: claim.epoch,
    from: BigInt(from),
    next: BigInt(next),
    fates: { consumed: next - from, applied: next - from, superseded: 0, filtered: 0, deadLettered: 0 },
    newestEventMs: 0,
    ...changes,
  };
}

let nextOccurrence = 1n;
export function event(timeMs: number, mutations: Mutation[], rank = 0): EventMutations {
  nextOccurrence += 1n;
  return { timeMs, rank, occurrence: nextOccurrence, mutations };
}

export function journeyOf(of: NodeRef, changes: Partial<JourneyQuery> = {}): JourneyQuery {
  return {
    of,
    sinceMs: 0,
    untilMs: Number.MAX_SAFE_INTEGER,
    domains: null,
    order: 'newest-first',
    after: null,
    limit: 100,
    scanMax: 1000,
    bytesMax: 2 ** 20,
    ...changes,
  };
}

export function hop(
  of: NodeRef,
  direction: 'out' | 'in',
  changes: Partial<AdjacencyQuery> = {},
): AdjacencyQuery {
  const untilMs = Number.MAX_SAFE_INTEGER;
  return { of, type: 'WATCHED', direction, sinceMs: 0, untilMs, limit: 100, scanMax: 1000, ...changes };
}

export const watched = (to: NodeRef, properties: Property[] = []): EdgeMutation => ({
  kind: 'edge',
  type: 'WATCHED',
  from: ann,
  to,
  properties,
});
export const step = (domain: string, to: NodeRef = dark): StepMutation => ({
  kind: 'step',
  owner: ann,
  domain,
  action: 'did',
  links: [{ edge: 'WATCHED', direction: 'out', node: to }],
  properties: [['n', 1]],
});
export const named = (name: string | null): Mutation => ({
  kind: 'node',
  node: ann,
  properties: [['name', name]],
});

export async function nameOf(store: GraphStore): Promise<unknown> {
  return (await store.node(ann))?.properties.map(({ value, timeMs }) => [value, timeMs]);
}
