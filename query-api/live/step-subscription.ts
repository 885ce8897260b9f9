import { type Clock, OutageError, type SteadyTime } from '../../foundation/index.ts';
import type { GraphReader, JourneyPage, NodeRef, StepView, TimePosition } from '../../graph-store/index.ts';
import type { QueryLimits } from '../api-context.ts';
import { isTooLarge } from '../api-error.ts';
import { tooManySubscriptions } from './live-errors.ts';
import type { StepCursor, StepCursors } from './step-cursor.ts';
import type { AppliedStep, StepFeed, StepWatch } from './step-feed.ts';

/** Why steps may be missing that came later than others of a later event time. */
export type Unrecovered = 'place-only' | 'other-process' | 'too-long-ago' | 'many-writers';

/** One message of `journeySteps`. */
export interface StepEvent {
  readonly cursor: string;
  /** Null in the first message, which says that the subscription is in place. */
  readonly step: StepView | null;
  /** In the first message after a cursor only. */
  readonly recovered: boolean | null;
  readonly reason: Unrecovered | null;
}

export interface SubscriptionParts {
  readonly feed: StepFeed;
  readonly cursors: StepCursors;
  /** What a query may spend is for one read of it: a stream has no end. */
  readonly reader: Pick<GraphReader, 'journey'>;
  readonly limits: Pick<QueryLimits, 'lookbackMs' | 'scanRowsMax'>;
  readonly live: SubscriptionLimits;
  readonly clock: Clock;
  /** For how long ago the store was looked into. */
  readonly steadyMs: SteadyTime;
  /** Called at most once: it brings nothing more, and its reader has to go on behind the last cursor. */
  readonly cut: (why: CutOff) => void;
}

/** The reader is so far behind that the feed no longer holds what comes next for it, or another graph has taken the place of the one it was read from. */
export type CutOff = 'too-slow' | 'other-graph';

export interface SubscriptionLimits {
  /** Between two looks at the store where other processes write too, milliseconds. */
  readonly pollMs: number;
  /** How long a subscription waits for batches that were on their way when it began, milliseconds. */
  readonly readyMs: number;
}

const pageSteps = 50;
/** One page is held while its steps are delivered one by one. */
const pageBytes = 65_536;

/**
 * The steps of one owner, from a cursor or from now on.
 *
 * Order of things: the owner is watched first; once that is in force, the store is read up to its end; then what was recorded
 * since goes out. So there is no gap between the two. A step that the feed has recorded since, or will, because
 * its batch is on its way, is left out while catching up: so it comes once.
 *
 * Nothing is queued here: whoever reads pulls one message at a time, and what waits are places in the feed, shared by all who listen to
 * the owner. One who falls behind what the feed holds, or whose graph is no longer the one in force, is told to the socket.
 */
export class StepSubscription implements AsyncIterableIterator<StepEvent> {
  readonly #parts: SubscriptionParts;
  readonly #owner: NodeRef;
  readonly #after: StepCursor | null;
  readonly #watch: StepWatch;
  readonly #ending = new AbortController();
  readonly #events: AsyncGenerator<StepEvent, void, undefined>;
  /** Delivered up to here; null until the subscription is in place. */
  #sequence: number | null = null;
  #place: TimePosition = { timeMs: 0, occurrence: 0n };
  /** As far as the store has been read. */
  #readTo: TimePosition = this.#place;
  /** Met in the store while they were still to come through the feed, in its order: no cursor may lie behind one of them. */
  readonly #toCome: TimePosition[] = [];
  #wake = (): void => undefined;
  #cut = false;

  /** Throws a GraphQLError `TOO_MANY_SUBSCRIPTIONS`. */
  constructor(owner: NodeRef, after: StepCursor | null, parts: SubscriptionParts) {
    this.#owner = owner;
    this.#after = after;
    this.#parts = parts;
    const watch = parts.feed.watch(owner, () => this.#changed());
    if (watch === null) throw tooManySubscriptions();
    this.#watch = watch;
    this.#events = this.#run();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<StepEvent, void>> {
    return this.#events.next();
  }

  /** Ends it, whatever it waits for. */
  async return(): Promise<IteratorResult<StepEvent, void>> {
    this.#ending.abort();
    this.#watch.close();
    this.#wake();
    return await this.#events.return();
  }

  #changed(): void {
    const why = this.#cut ? null : this.#whyCut();
    if (why !== null) {
      this.#cut = true;
      this.#parts.cut(why);
    }
    this.#wake();
  }

  #whyCut(): CutOff | null {
    if (this.#watch.epoch !== this.#parts.feed.epoch) return 'other-graph';
    return this.#sequence !== null && this.#watch.heldSince > this.#sequence ? 'too-slow' : null;
  }

  get #ended(): boolean {
    return this.#ending.signal.aborted || this.#cut;
  }

  async *#run(): AsyncGenerator<StepEvent, void, undefined> {
    try {
      await this.#beReady();
      if (this.#ended) return;
      const after = this.#after;
      if (after === null) yield await this.#begin();
      else {
        const reason = this.#whyUnrecovered(after);
        this.#place = after.place;
        this.#readTo = after.place;
        this.#sequence = reason === null ? (after.feed?.sequence ?? 0) : this.#watch.sequence;
        yield this.#event(null, reason === null, { recovered: reason === null, reason });
        if (reason !== null) yield* this.#catchUp(this.#sequence);
      }
      yield* this.#live();
    } finally {
      this.#watch.close();
    }
  }

  async #beReady(): Promise<void> {
    const { clock, live } = this.#parts;
    const limit = new AbortController();
    const giveUp = clock.sleep(live.readyMs, limit.signal).then(() => limit.abort());
    try {
      const signal = AbortSignal.any([limit.signal, this.#ending.signal]);
      if ((await this.#watch.ready(signal)) || this.#ending.signal.aborted) return;
      throw new OutageError('STORE_BEHIND', `The store has not taken a batch for ${live.readyMs} ms.`);
    } finally {
      limit.abort();
      await giveUp;
    }
  }

  /** What is there already does not come; the newest of it is where a resumption by time would begin. */
  async #begin(): Promise<StepEvent> {
    this.#sequence = this.#watch.sequence;
    const sinceMs = this.#oldestMs();
    const newest = await this.#newestStep(sinceMs);
    this.#place = newest ?? { timeMs: sinceMs, occurrence: 0n };
    this.#readTo = this.#place;
    return this.#event(null, true);
  }

  /** Null where there is none, or none to be seen among as many as may be looked at: what can be seen lies further back. */
  async #newestStep(sinceMs: number): Promise<TimePosition | null> {
    try {
      const page = await this.#read({ sinceMs, order: 'newest-first', after: null, limit: 1 });
      return page.steps[0] ?? null;
    } catch (error) {
      // Beside other writers the store is read on from this place: all that was there already would come.
      if (!isTooLarge(error) || !this.#parts.feed.complete) throw error;
      return null;
    }
  }

  #whyUnrecovered({ feed: at }: StepCursor): Unrecovered | null {
    const { feed } = this.#parts;
    if (!feed.complete) return 'many-writers';
    if (at === null) return 'place-only';
    if (at.epoch !== this.#watch.epoch) return 'other-process';
    const held = this.#watch.heldSince <= at.sequence && at.sequence <= this.#watch.sequence;
    return held ? null : 'too-long-ago';
  }

  /** From the store, in the order of event time. Their cursors have no place in the feed: it has not been reached yet. */
  async *#catchUp(since: number): AsyncGenerator<StepEvent, void, undefined> {
    this.#settle();
    for (;;) {
      const after = this.#readTo;
      const sinceMs = Math.max(after.timeMs, this.#oldestMs());
      const page = await this.#read({ sinceMs, order: 'oldest-first', after, limit: pageSteps });
      for (const step of page.steps) {
        if (this.#ended) return;
        const place = { timeMs: step.timeMs, occurrence: step.occurrence };
        if (this.#isToCome(place)) {
          this.#toCome.push(place);
          continue;
        }
        if (this.#toCome.length === 0) this.#place = place;
        // It came through the feed, unless it was there before.
        if (!this.#watch.holds(place, since)) yield this.#event(step, false);
      }
      this.#readTo = page.last ?? after;
      if (!page.more || this.#ended) return;
    }
  }

  #isToCome(step: TimePosition): boolean {
    return this.#watch.holds(step, this.#sequence ?? 0);
  }

  /** The place moves up to the first step that is still to come; where none is, as far as the store has been read. */
  #settle(): void {
    let first = this.#toCome[0];
    for (; first !== undefined && !this.#isToCome(first); first = this.#toCome[0]) {
      this.#place = first;
      this.#toCome.shift();
    }
    if (first === undefined) this.#place = this.#readTo;
  }

  async *#live(): AsyncGenerator<StepEvent, void, undefined> {
    const { feed, live, steadyMs } = this.#parts;
    const since = this.#sequence ?? 0;
    let readMs = steadyMs();
    while (!this.#ended) {
      // Before what the feed has: of a busy owner it always has something.
      if (!feed.complete && steadyMs() - readMs >= live.pollMs) {
        yield* this.#catchUp(since);
        readMs = steadyMs();
        continue;
      }
      const applied = this.#watch.next(this.#sequence ?? 0);
      if (applied !== null) {
        const event = await this.#deliver(applied);
        if (event !== null && !this.#ended) yield event;
      } else await this.#changeOr(feed.complete ? null : readMs + live.pollMs - steadyMs());
    }
  }

  async #deliver(applied: AppliedStep): Promise<StepEvent | null> {
    const { timeMs, occurrence } = applied;
    const before = occurrence === 0n ? null : { timeMs, occurrence: occurrence - 1n };
    const range = { sinceMs: timeMs, untilMs: timeMs + 1 };
    const page = await this.#read({ ...range, order: 'oldest-first', after: before, limit: 1 });
    this.#sequence = applied.sequence;
    const step = page.steps[0];
    // Deleted since, or not for this reader: then no cursor may tell where it lies.
    if (step === undefined || step.timeMs !== timeMs || step.occurrence !== occurrence) return null;
    // Where others write too, a step of theirs may lie before this one and not have been read yet.
    if (!this.#parts.feed.complete) this.#settle();
    else if (isAfter(applied, this.#place)) this.#place = { timeMs, occurrence };
    return this.#event(step, true);
  }

  #event(
    step: StepView | null,
    inFeed: boolean,
    recovery: Pick<StepEvent, 'recovered' | 'reason'> = { recovered: null, reason: null },
  ): StepEvent {
    const sequence = this.#sequence ?? 0;
    const feed = inFeed ? { epoch: this.#watch.epoch, sequence } : null;
    return { cursor: this.#parts.cursors.write({ feed, place: this.#place }), step, ...recovery };
  }

  #oldestMs(): number {
    return Math.max(0, this.#parts.clock.now() - this.#parts.limits.lookbackMs);
  }

  #read(part: {
    readonly sinceMs: number;
    readonly untilMs?: number;
    readonly order: 'oldest-first' | 'newest-first';
    readonly after: TimePosition | null;
    readonly limit: number;
  }): Promise<JourneyPage> {
    return this.#parts.reader.journey({
      of: this.#owner,
      untilMs: Number.MAX_SAFE_INTEGER,
      domains: null,
      scanMax: this.#parts.limits.scanRowsMax,
      bytesMax: pageBytes,
      ...part,
    });
  }

  /** Resolves with the next change, the end or, where one is given, a delay. No change between two calls is missed: what asks again looks first. */
  async #changeOr(delayMs: number | null): Promise<void> {
    const woken = Promise.withResolvers<void>();
    this.#wake = woken.resolve;
    if (this.#ended) return;
    if (delayMs === null) return await woken.promise;
    const timer = new AbortController();
    await Promise.race([woken.promise, this.#parts.clock.sleep(Math.max(1, delayMs), timer.signal)]);
    timer.abort();
  }
}

function isAfter(a: TimePosition, b: TimePosition): boolean {
  return a.timeMs > b.timeMs || (a.timeMs === b.timeMs && a.occurrence > b.occurrence);
}
