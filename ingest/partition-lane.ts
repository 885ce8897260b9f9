import {
  BadDataError,
  FencedError,
  type JourneyGraphError,
  must,
  StopError,
  unreachable,
} from '../foundation/index.ts';
import {
  type Advance,
  type Applied,
  addMutationCounts,
  countMutations,
  createMutationBatch,
  type MutationBatch,
  type MutationCounts,
  noMutations,
  type SourcePartition,
} from '../graph-store/index.ts';
import { OccurrenceWindow } from '../processors/index.ts';
import type { DeadLetter } from './dead-letters.ts';
import { asJourneyGraphError } from './error-classifier.ts';
import type { SourceBatch, SourceRecord } from './event-source.ts';
import type { InFlightBudget } from './in-flight-budget.ts';
import type { PipelineLimits, PipelineParts } from './pipeline.ts';
import type { Outcome, PackedOutcome } from './record-processor.ts';

/** Looking at the clock for each record would cost more than the rest of the loop. */
const recordsBetweenClockLooks = 32;
/** What a batch without mutations still counts against the budget. */
const advanceBytesMin = 256;
const loadsMax = 2;

/** Of a durable batch. */
export interface DurableBatch {
  readonly eventTimesMs: readonly number[];
  readonly fetchedMs: number;
  /** Of superseded records: what the store was spared. */
  readonly superseded: MutationCounts;
}

/** What a lane tells its pipeline. Called only about its own partition; never after an await without looking again. */
export interface LaneOwner {
  /** Runs `attempt` until it succeeds or fails with another reaction than `outage`; null when the lane died meanwhile. */
  retry<T>(lane: PartitionLane, what: string, attempt: () => Promise<T>): Promise<T | null>;
  durable(lane: PartitionLane, advance: Advance, applied: Applied, batch: DurableBatch): void;
  /** An apply in flight failed, and no `batch` is under way that could tell the source; or only a person can help. */
  failed(lane: PartitionLane, error: JourneyGraphError, offset: bigint): void;
  /** The source handed over a batch that begins behind what comes next: the error to answer with. */
  skipped(lane: PartitionLane, position: bigint, from: bigint): JourneyGraphError;
}

/** What one apply will carry: the records between two positions. */
class Segment {
  readonly from: bigint;
  readonly mutations: MutationBatch;
  readonly letters: DeadLetter[] = [];
  readonly eventTimesMs: number[] = [];
  letterBytes = 0;
  consumed = 0;
  superseded = 0;
  supersededMutations = noMutations;
  filtered = 0;
  newestEventMs = 0;

  constructor(from: bigint) {
    this.from = from;
    this.mutations = createMutationBatch();
  }
}

type Mapped = Extract<Outcome, { kind: 'mapped' }> | PackedOutcome;

/**
 * One assignment of one partition: a generation. A new assignment makes a new lane and the old one dies.
 *
 * Invariant: `store.apply` is called only by a live lane, in the same turn in which it was seen alive, with the lane's own
 * epoch, in offset order, and each call begins where the one before ended. A lane dies when its partition is revoked or assigned
 * again, or when one of its applies fails; it never comes back. So after a failure no later record of the partition can be
 * applied before the partition was claimed again and read from the claim's position; and what an old lane still has
 * in flight the store either took before the new claim (whose position then lies behind it) or fences.
 *
 * The window of occurrences lives as long as one segment: were it longer, an event could be counted superseded by one whose
 * own apply fails later.
 */
export class PartitionLane {
  readonly source: SourcePartition;
  readonly #parts: PipelineParts;
  readonly #limits: PipelineLimits;
  readonly #budget: InFlightBudget;
  readonly #owner: LaneOwner;
  readonly #window: OccurrenceWindow;
  readonly #death = new AbortController();
  readonly #inFlight = new Set<Promise<void>>();
  #epoch = 0;
  /** First offset not yet handed to the store; null before the first batch of a partition that never was applied. */
  #position: bigint | null = null;
  /** The record it is busy with. */
  #at: bigint | null = null;
  #revoked = false;
  #failure: JourneyGraphError | null = null;
  #busy = false;

  constructor(
    source: SourcePartition,
    parts: PipelineParts,
    limits: PipelineLimits,
    budget: InFlightBudget,
    owner: LaneOwner,
  ) {
    this.source = source;
    this.#parts = parts;
    this.#limits = limits;
    this.#budget = budget;
    this.#owner = owner;
    this.#window = new OccurrenceWindow(limits.batchEventsMax);
  }

  get alive(): boolean {
    return !this.#death.signal.aborted;
  }

  /** Aborts when the lane dies. */
  get death(): AbortSignal {
    return this.#death.signal;
  }

  /** True when nothing of it is in the store's hands. */
  get settled(): boolean {
    return this.#inFlight.size === 0;
  }

  get failure(): JourneyGraphError | null {
    return this.#failure;
  }

  /** Offset of the record it was busy with last, to name it in messages; null before the first. */
  get at(): bigint | null {
    return this.#at;
  }

  async claim(): Promise<bigint | null> {
    const claim = await this.#owner.retry(this, 'claim the partition in the store', () =>
      this.#parts.store.claim(this.source),
    );
    if (claim === null) return null;
    this.#epoch = claim.epoch;
    this.#position = claim.next;
    return claim.next;
  }

  /** The operator allows to go on behind a gap. */
  skipTo(offset: bigint): void {
    this.#position = offset;
  }

  /** The partition went elsewhere: what is in flight may finish, nothing new begins. */
  revoke(): void {
    this.#revoked = true;
    this.#die();
  }

  /** Waits until everything handed to the store is settled; never rejects. */
  async drain(): Promise<void> {
    while (this.#inFlight.size > 0) await Promise.all(this.#inFlight);
  }

  async batch(batch: SourceBatch): Promise<void> {
    must(this.#busy ? null : this, 'a source hands over one batch of a partition at a time');
    this.#busy = true;
    try {
      await this.#take(batch);
    } finally {
      this.#busy = false;
    }
    this.#throwIfFailed();
  }

  async #take(batch: SourceBatch): Promise<void> {
    if (!this.alive) return;
    const position = this.#position ?? batch.from;
    if (batch.from > position) {
      this.#fail(this.#owner.skipped(this, position, batch.from), position);
      return;
    }
    const fetchedMs = this.#parts.clock.now();
    let sliceEndMs = fetchedMs + this.#limits.sliceMs;
    let segment = new Segment(position);
    const { records } = batch;
    for (let i = firstFrom(records, position); i < records.length; i += 1) {
      const record = must(records[i], 'the index is inside the batch');
      this.#at = record.offset;
      if (!this.#process(record, segment, fetchedMs)) {
        segment = await this.#processWhenReady(record, segment, fetchedMs);
        if (!this.alive) return;
      }
      if (this.#full(segment)) {
        await this.#close(segment, record.offset + 1n, fetchedMs);
        if (!this.alive) return;
        segment = new Segment(record.offset + 1n);
      }
      if (i % recordsBetweenClockLooks === 0 && this.#parts.clock.now() >= sliceEndMs) {
        await this.#parts.clock.sleep(0);
        if (!this.alive) return;
        sliceEndMs = this.#parts.clock.now() + this.#limits.sliceMs;
      }
    }
    if (batch.next > segment.from) await this.#close(segment, batch.next, fetchedMs);
  }

  /** False when its schema, a table or a row has to be waited for first. */
  #process(record: SourceRecord, segment: Segment, fetchedMs: number): boolean {
    const { processor } = this.#parts;
    const outcome =
      processor.pack?.(record, this.source, fetchedMs) ?? processor.process(record, this.source, fetchedMs);
    switch (outcome.kind) {
      case 'mapped':
        this.#addEvent(record, outcome, segment);
        break;
      case 'filtered':
        segment.filtered += 1;
        break;
      case 'dead':
        addLetter(segment, { source: this.source, record, error: outcome.error, stage: outcome.stage });
        break;
      case 'needs-schema':
      case 'needs-row':
        return false;
      default:
        return unreachable(outcome);
    }
    segment.consumed += 1;
    return true;
  }

  #addEvent(record: SourceRecord, { event, hasRows }: Mapped, segment: Segment): void {
    const { value } = record;
    if (value !== null && hasRows !== true && !this.#window.add(event.occurrence, value)) {
      segment.superseded += 1;
      segment.supersededMutations = addMutationCounts(segment.supersededMutations, countMutations(event));
      return;
    }
    try {
      segment.mutations.add(event);
    } catch (error) {
      // Its occurrence must not supersede its own duplicates, and the window cannot forget one alone.
      this.#window.clear();
      if (!(error instanceof BadDataError)) throw error;
      addLetter(segment, { source: this.source, record, error, stage: 'map' });
      return;
    }
    segment.eventTimesMs.push(event.timeMs);
    if (event.timeMs > segment.newestEventMs) segment.newestEventMs = event.timeMs;
  }

  /** Returns the segment in force: the one before may have been closed. */
  async #processWhenReady(record: SourceRecord, given: Segment, fetchedMs: number): Promise<Segment> {
    const { clock, processor } = this.#parts;
    let segment = given;
    let loads = 0;
    for (let seenMs = fetchedMs; ; ) {
      // A clock that was set back since must not stretch the wait for a row by as much.
      seenMs = Math.min(seenMs, clock.now());
      if (this.#process(record, segment, seenMs)) return segment;
      const outcome = processor.process(record, this.source, seenMs);
      if (outcome.kind === 'needs-row') {
        // What came before must not wait with it.
        if (segment.consumed > 0) {
          await this.#close(segment, record.offset, fetchedMs);
          if (!this.alive) return segment;
          segment = new Segment(record.offset);
          // Writing took its time, and a row that came meanwhile woke nobody: look again before waiting.
          continue;
        }
        await outcome.table.arrival(outcome.key, outcome.untilMs, this.death);
        loads = 0;
      } else if (outcome.kind === 'needs-schema') {
        // Twice: the id itself, and once more when what it loaded was pushed out of a bounded cache meanwhile.
        if (loads === loadsMax) throw this.#notLoaded(record);
        loads += 1;
        const { schemaId } = outcome;
        await this.#owner.retry(this, `load schema ${schemaId}`, () =>
          this.#parts.processor.load(schemaId, this.source, this.death),
        );
      }
      if (!this.alive) return segment;
    }
  }

  #notLoaded({ offset }: SourceRecord): StopError {
    const message = 'A schema was loaded and is still missing.';
    return new StopError('SCHEMA_NOT_LOADED', message, { context: { ...this.#context(), offset } });
  }

  #full(segment: Segment): boolean {
    const { batchEventsMax, batchBytesMax } = this.#limits;
    return (
      segment.consumed >= batchEventsMax || segment.mutations.sizeBytes + segment.letterBytes >= batchBytesMax
    );
  }

  /** Writes the dead letters, waits for room, then calls `apply` and does not wait for it. */
  async #close(segment: Segment, next: bigint, fetchedMs: number): Promise<void> {
    this.#window.clear();
    const { letters } = segment;
    if (letters.length > 0) {
      this.#at = must(letters[0], 'there is one').record.offset;
      await this.#owner.retry(this, 'write dead letters', () => this.#parts.deadLetters.write(letters));
      if (!this.alive) return;
    }
    const bytes = Math.max(segment.mutations.heldBytes, advanceBytesMin);
    if (!(await this.#budget.take(bytes, () => this.alive))) return;
    if (!this.alive) {
      this.#budget.release(bytes);
      return;
    }
    const { consumed, superseded, filtered } = segment;
    // What the store gets, not what is left over: so that the four fates can fail to add up, and a test see it.
    const applied = segment.mutations.eventCount;
    const advance: Advance = {
      source: this.source,
      epoch: this.#epoch,
      from: segment.from,
      next,
      fates: { consumed, applied, superseded, filtered, deadLettered: letters.length },
      newestEventMs: segment.newestEventMs,
    };
    this.#position = next;
    const settled = this.#apply(advance, segment, fetchedMs).finally(() => {
      this.#inFlight.delete(settled);
      this.#budget.release(bytes);
    });
    this.#inFlight.add(settled);
  }

  /** Calls the store in this very turn; never rejects. */
  async #apply(advance: Advance, segment: Segment, fetchedMs: number): Promise<void> {
    let applied: Applied;
    try {
      applied = await this.#parts.store.apply(advance, segment.mutations);
    } catch (error) {
      const failure = asJourneyGraphError(error);
      // Said also of a lane that is dead by now: an operator sees by it that nothing of a former owner was taken.
      if (failure.reaction === 'fenced') {
        const { from, next, epoch } = advance;
        this.#parts.log.info({ ...this.#context(), from, next, epoch }, 'A newer claim fenced a batch.');
      }
      this.#fail(failure, advance.from);
      return;
    }
    const { eventTimesMs, supersededMutations: superseded } = segment;
    this.#owner.durable(this, advance, applied, { eventTimesMs, fetchedMs, superseded });
  }

  #fail(error: JourneyGraphError, offset: bigint): void {
    const recoverable = error.reaction === 'outage' || error.reaction === 'fenced';
    // A dead lane's later failures are echoes of the first, or the fence that a newer claim is meant to be.
    if (recoverable && !this.alive) return;
    this.#failure ??= error;
    this.#die();
    if (!recoverable || !this.#busy) this.#owner.failed(this, error, offset);
  }

  #die(): void {
    this.#death.abort();
    this.#budget.wake();
  }

  #throwIfFailed(): void {
    // A revoked partition is answered without an error: FencedError would make the source claim what is not its own any more.
    if (this.#revoked || this.#failure === null) return;
    const failure = this.#failure;
    if (failure.reaction === 'stop') throw failure;
    throw new FencedError(
      `Partition ${this.source.partition} of topic ${this.source.topic} has to be claimed again: ${failure.message}`,
      { cause: failure, context: this.#context() },
    );
  }

  #context(): { readonly topic: string; readonly partition: number } {
    return { topic: this.source.topic, partition: this.source.partition };
  }
}

function addLetter(segment: Segment, letter: DeadLetter): void {
  segment.letters.push(letter);
  segment.letterBytes += (letter.record.value?.length ?? 0) + (letter.record.key?.length ?? 0) + 512;
}

/** Index of the first record at or behind `position`. */
function firstFrom(records: readonly SourceRecord[], position: bigint): number {
  const first = records[0];
  if (first === undefined || first.offset >= position) return 0;
  const index = records.findIndex(({ offset }) => offset >= position);
  return index < 0 ? records.length : index;
}
