import { type Clock, must, systemClock } from '../../foundation/index.ts';
import {
  type Advance,
  type Applied,
  createMemoryStore,
  createMutationBatch,
  type EventMutations,
  type GraphStore,
  type MutationBatch,
  type NodeRef,
  ObservedWrites,
} from '../../graph-store/index.ts';
import { queryLimitsDefault } from '../api-context.ts';
import { liveLimitsDefault } from './live-limits.ts';
import { cursorKeyBytes, type StepCursor, StepCursors } from './step-cursor.ts';
import type { StepFeed } from './step-feed.ts';
import { type JournalLimits, journalLimitsDefault, StepJournal } from './step-journal.ts';
import {
  type CutOff,
  type StepEvent,
  StepSubscription,
  type SubscriptionParts,
} from './step-subscription.ts';

/** As of one server; two processes share it here, and differ by their epochs. */
export const cursors = new StepCursors(Buffer.alloc(cursorKeyBytes, 7));

export const owner: NodeRef = { type: 'Account', id: 'é' };

/** Time moves only when the test moves it, and the clock may be set beside it. */
export class HandClock implements Clock {
  readonly #beganMs: number;
  #setByMs = 0;
  #steadyMs = 0;
  readonly #sleepers = new Set<{ readonly atMs: number; readonly wake: () => void }>();

  constructor(nowMs = 1_000_000) {
    this.#beganMs = nowMs;
  }

  now(): number {
    return this.#beganMs + this.#setByMs + this.#steadyMs;
  }

  readonly steadyMs = (): number => this.#steadyMs;

  set(byMs: number): void {
    this.#setByMs += byMs;
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const sleeper = { atMs: this.#steadyMs + delayMs, wake: () => this.#wake(sleeper, resolve) };
      this.#sleepers.add(sleeper);
      if (signal?.aborted === true) sleeper.wake();
      else signal?.addEventListener('abort', sleeper.wake, { once: true });
    });
  }

  async advance(ms: number): Promise<void> {
    this.#steadyMs += ms;
    for (const sleeper of [...this.#sleepers]) if (sleeper.atMs <= this.#steadyMs) sleeper.wake();
    await turns();
  }

  #wake(sleeper: { readonly atMs: number; readonly wake: () => void }, resolve: () => void): void {
    if (this.#sleepers.delete(sleeper)) resolve();
  }
}

/** Until nothing is left to do but wait for the test: the memory store answers without leaving the process. */
export async function turns(count = 4): Promise<void> {
  for (let i = 0; i < count; i += 1) await new Promise((resolve) => setImmediate(resolve));
}

export function stepOf(timeMs: number, id: number, of: NodeRef = owner): EventMutations {
  const other = { type: 'Title', id: 't' };
  const step = {
    kind: 'step',
    owner: of,
    domain: 'streaming',
    action: 'watched',
    links: [{ edge: 'WATCHED', direction: 'out', node: other }],
    properties: [['n', id]],
  } as const;
  const edge = {
    kind: 'edge',
    type: 'WATCHED',
    from: of,
    to: other,
    key: 'k',
    properties: [['n', 1]],
  } as const;
  const node = { kind: 'node', node: other, properties: [['name', 'T']] } as const;
  return { timeMs, rank: 0, occurrence: BigInt(id), mutations: [node, edge, step] };
}

/** A process: a journal over a store whose batches become visible at once and durable when the test says so. */
export class TestProcess {
  #memory: GraphStore;
  readonly clock: HandClock;
  readonly journal: StepJournal;
  readonly writes: ObservedWrites;
  readonly #held: (() => void)[] = [];
  #holding = false;
  #position = 0n;
  #epoch: number | null = null;

  constructor({
    memory = createMemoryStore(systemClock),
    clock = new HandClock(),
    epoch = 1n,
    complete = true,
    limits = {},
  }: {
    readonly memory?: GraphStore;
    readonly clock?: HandClock;
    readonly epoch?: bigint;
    readonly complete?: boolean;
    readonly limits?: Partial<JournalLimits>;
  } = {}) {
    this.#memory = memory;
    this.clock = clock;
    this.journal = new StepJournal({ clock, epoch, complete }, { ...journalLimitsDefault, ...limits });
    this.writes = new ObservedWrites(
      {
        claim: (source) => this.#memory.claim(source),
        apply: (advance, batch) => this.#apply(advance, batch),
      },
      this.journal,
    );
  }

  get memory(): GraphStore {
    return this.#memory;
  }

  get inFlight(): number {
    return this.#held.length;
  }

  /** Resolves when it is durable. */
  async write(events: readonly EventMutations[], partition = 0): Promise<void> {
    const source = { cluster: 'c', topic: 't', topicId: 'i', partition };
    this.#epoch ??= (await this.writes.claim(source)).epoch;
    const batch = createMutationBatch();
    for (const event of events) batch.add(event);
    const from = this.#position;
    this.#position += BigInt(events.length);
    const fates = {
      consumed: events.length,
      applied: events.length,
      superseded: 0,
      filtered: 0,
      deadLettered: 0,
    };
    const advance = { source, epoch: this.#epoch, from, next: this.#position, fates, newestEventMs: 0 };
    await this.writes.apply(advance, batch);
  }

  /** From here on batches wait for {@link settle}. */
  hold(): void {
    this.#holding = true;
  }

  /** The oldest batch becomes durable. */
  settle(): void {
    must(this.#held.shift(), 'a batch is in flight')();
  }

  /** Goes on where another process of the same store was. */
  startAt(position: bigint): void {
    this.#position = position;
  }

  get position(): bigint {
    return this.#position;
  }

  /** Another graph takes the place of this one, and is read on from where it stands. */
  switchTo({ memory, position }: Pick<TestProcess, 'memory' | 'position'>): void {
    this.#memory = memory;
    this.#epoch = null;
    this.#position = position;
    this.journal.beginAnew();
  }

  async #apply(advance: Advance, batch: MutationBatch): Promise<Applied> {
    const applied = await this.#memory.apply(advance, batch);
    if (this.#holding) await new Promise<void>((resolve) => void this.#held.push(resolve));
    return applied;
  }

  subscribe(
    after: StepCursor | null,
    feed: StepFeed = this.journal,
    parts: Partial<Pick<SubscriptionParts, 'reader' | 'limits'>> = {},
  ): Reader {
    return new Reader(
      (cut) =>
        new StepSubscription(owner, after, {
          feed,
          cursors,
          reader: { journey: (query) => this.memory.journey(query) },
          limits: { ...queryLimitsDefault, lookbackMs: Number.MAX_SAFE_INTEGER },
          live: liveLimitsDefault,
          clock: this.clock,
          steadyMs: this.clock.steadyMs,
          cut,
          ...parts,
        }),
    );
  }
}

/** A graph in which nothing but these was applied. */
export async function graphOf(events: readonly EventMutations[]): Promise<TestProcess> {
  const process = new TestProcess();
  if (events.length > 0) await process.write(events);
  return process;
}

/** Takes as many messages as the test lets it. */
export class Reader {
  readonly events: StepEvent[] = [];
  readonly #subscription: StepSubscription;
  readonly cuts: CutOff[] = [];
  error: unknown = null;
  ended = false;
  #wanted = 0;
  #pulling = false;

  constructor(make: (cut: (why: CutOff) => void) => StepSubscription) {
    this.#subscription = make((why) => this.cuts.push(why));
  }

  /** The numbers of the steps that came. */
  get steps(): readonly number[] {
    return this.events.flatMap(({ step }) => (step === null ? [] : [Number(step.occurrence)]));
  }

  get cursor(): StepCursor | null {
    const last = this.events.at(-1);
    return last === undefined ? null : cursors.read('after', last.cursor);
  }

  async pull(count = Number.POSITIVE_INFINITY): Promise<this> {
    this.#wanted = count;
    void this.#pull();
    await turns();
    return this;
  }

  async stop(): Promise<void> {
    await this.#subscription.return();
    await turns();
  }

  async #pull(): Promise<void> {
    if (this.#pulling) return;
    this.#pulling = true;
    try {
      while (this.#wanted > 0 && !this.ended) {
        const { value, done } = await this.#subscription.next();
        if (done === true || value === undefined) this.ended = true;
        else this.events.push(value);
        this.#wanted -= 1;
      }
    } catch (error) {
      this.error = error;
    } finally {
      this.#pulling = false;
    }
  }
}
