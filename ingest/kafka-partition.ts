import { AssertionError } from 'node:assert';
import {
  FencedError,
  JourneyGraphError,
  type Log,
  must,
  OutageError,
  StopError,
} from '../foundation/index.ts';
import type { SourcePartition } from '../graph-store/index.ts';
import type { SourceHandler, SourceRecord } from './event-source.ts';
import type { PartitionBounds, TopicLookup } from './kafka-topic-ids.ts';

/** How a partition steers the consumer it belongs to. */
export interface PartitionControl {
  /** Read from `offset` next; what was fetched before is dropped. */
  seek(partition: number, offset: bigint): void;
  pause(partition: number): void;
  resume(partition: number): void;
  /** Ends the session with what went wrong. */
  fail(error: unknown): void;
  /** Something about offsets does not fit: rejects when the topic is no longer the one that this session reads. */
  checkIdentity(): Promise<void>;
  /** The partition is claimed and read from: what was an outage is over. */
  claimed(): void;
}

/** One fetched batch as far as a partition cares. */
export interface FetchedBatch {
  /** The offset that the fetch asked for. */
  readonly asked: bigint;
  /** One past the last offset it covers, aborted and control records included. */
  readonly next: bigint;
  readonly end: bigint;
  /** Called only when the batch is taken: a dropped batch is not converted. */
  records(): readonly SourceRecord[];
  /** Called after the handler took it, while the partition is ours. */
  taken(): void;
}

/**
 * A fetch that begins elsewhere than expected is asked for again this often before it is believed: by then no batch that
 * was fetched before a rebalance can be left in kafkajs's queue, which holds one batch a partition and broker.
 */
const mismatchesMax = 3;

/**
 * One assigned partition: claims it, hands its batches over in order, and notices everything that kafkajs would pass over.
 *
 * kafkajs answers OFFSET_OUT_OF_RANGE by starting from the earliest record and says so nowhere but in its log, and it
 * swallows batches in which nothing is visible (aborted transactions). So each batch's asked offset is compared with the
 * one we expect. Where they differ, the log's bounds decide: below its first offset, or beyond its end, is a gap; inside, it is
 * a leftover from before a rebalance or a hole, told apart by asking again.
 *
 * All work of one partition runs through one chain, so the handler's calls never overlap, not even when a rebalance comes
 * while a batch waits for backpressure.
 */
export class KafkaPartition {
  readonly source: SourcePartition;
  readonly #handler: SourceHandler;
  readonly #lookup: TopicLookup;
  readonly #control: PartitionControl;
  readonly #log: Log;
  #chain: Promise<void> = Promise.resolve();
  #busy = 0;
  /** The next offset to hand over; null until claimed. */
  #expected: bigint | null = null;
  /** True once a batch began exactly where we had asked to read. */
  #anchored = false;
  #mismatches = 0;
  /** One past the invisible records that kafkajs passed over and that the handler has not heard of. */
  #holesTo: { readonly first: bigint; readonly next: bigint; readonly end: bigint } | null = null;
  #expectedAtLastCheck: bigint | null = null;
  #owned = false;
  /** True from a claim behind which the log had records, until any of them was fetched. */
  #unfetched = false;

  constructor(
    source: SourcePartition,
    handler: SourceHandler,
    lookup: TopicLookup,
    control: PartitionControl,
    log: Log,
  ) {
    this.source = source;
    this.#handler = handler;
    this.#lookup = lookup;
    this.#control = control;
    this.#log = log;
  }

  /** Where it reads, for messages; null while it is being claimed. */
  get expected(): bigint | null {
    return this.#expected;
  }

  /** Where it reads, when there were records to read at its claim and none has been fetched since; null otherwise. */
  get stuckAt(): bigint | null {
    return this.#owned && this.#unfetched ? this.#expected : null;
  }

  get owned(): boolean {
    return this.#owned;
  }

  /** Ours (again). The consumer must have paused it: no batch may be fetched before the claim is answered. */
  assign(): void {
    this.#owned = true;
    this.#expected = null;
    void this.#queue(() => this.#claim());
  }

  /** No longer ours, until it is assigned again. A batch that the handler holds stays with it. */
  revoke(): void {
    if (!this.#owned) return;
    this.#owned = false;
    this.#handler.revoked(this.source);
  }

  /** An apply failed after its batch had been taken: what was fetched since is void. */
  reclaim(): void {
    void this.#queue(() => this.#claimAnew());
  }

  /** Resolves when the handler holds nothing of this partition any more; never rejects. */
  idle(): Promise<void> {
    return this.#chain;
  }

  /** Resolves when the batch was taken or dropped; never rejects. */
  take(batch: FetchedBatch): Promise<void> {
    return this.#queue(() => this.#take(batch));
  }

  /** kafkajs passed over a batch without any visible record. Calls that come before the last one is dealt with coalesce. */
  passedOver(first: bigint, next: bigint, end: bigint): void {
    const waiting = this.#holesTo !== null;
    this.#holesTo = { first: this.#holesTo?.first ?? first, next, end };
    if (!waiting) void this.#queue(() => this.#settleHoles());
  }

  /**
   * Called with fresh bounds now and then, for the trouble that no batch will ever show: a log that was emptied or truncated
   * and gets no new record. Only a position that stood still since the last call, with nothing under way, is judged.
   */
  inspect(bounds: PartitionBounds): void {
    const still = this.#busy === 0 && this.#expected !== null && this.#expected === this.#expectedAtLastCheck;
    this.#expectedAtLastCheck = this.#expected;
    if (still) void this.#queue(async () => this.#closeGap(bounds));
  }

  #queue(work: () => Promise<unknown>): Promise<void> {
    this.#busy += 1;
    this.#chain = this.#chain.then(async () => {
      try {
        if (this.#owned) await work();
      } catch (error) {
        this.#control.fail(error);
      } finally {
        this.#busy -= 1;
      }
    });
    return this.#chain;
  }

  async #claimAnew(): Promise<void> {
    this.#control.pause(this.source.partition);
    this.#expected = null;
    await this.#claim();
  }

  async #claim(): Promise<void> {
    const answer = await this.#handler.assigned(this.source).catch(handlerFailed);
    if (!this.#owned) return;
    const bounds = await this.#bounds();
    this.#expected = answer ?? bounds.low;
    this.#holesTo = null;
    if (!this.#closeGap(bounds)) this.#read();
    this.#unfetched = this.#expected < bounds.end;
    this.#control.claimed();
    this.#control.resume(this.source.partition);
  }

  /** Reads from the expected offset, whatever the consumer was about to do. */
  #read(): void {
    this.#anchored = false;
    this.#control.seek(this.source.partition, must(this.#expected, 'read before the claim'));
  }

  async #take(batch: FetchedBatch): Promise<void> {
    const expected = this.#expected;
    // Fetched before the claim: the seek that follows the claim fetches it again.
    if (expected === null) return;
    if (batch.asked !== expected && !(await this.#believe(batch.asked, batch.next))) return;
    this.#anchored = true;
    this.#mismatches = 0;
    const isTaken = await this.#hand(batch.records(), batch.next, batch.end);
    // Lost meanwhile: kafkajs keeps no offsets of a topic that it has no partition of, and would throw.
    if (isTaken && this.#owned) batch.taken();
  }

  /** Hands a batch over from the expected offset on. False when the position was lost to another owner. */
  async #hand(records: readonly SourceRecord[], next: bigint, end: bigint): Promise<boolean> {
    const from = must(this.#expected, 'handed over before the claim');
    // What may be held for hours has been fetched, and so could be.
    this.#unfetched = false;
    try {
      await this.#handler.batch({ source: this.source, records, from, next, end });
    } catch (error) {
      if (!(error instanceof FencedError)) return handlerFailed(error);
      if (!this.#owned) return false;
      this.#log.debug({ ...this.#where(), from }, 'fenced: claiming the partition anew');
      await this.#claimAnew();
      return false;
    }
    // A claim may have begun while the handler held the batch; then its answer counts, not this.
    if (this.#expected === from) this.#expected = next;
    return true;
  }

  async #settleHoles(): Promise<void> {
    const holes = this.#holesTo;
    this.#holesTo = null;
    const expected = this.#expected;
    if (holes === null || expected === null || holes.next <= expected) return;
    const begins = holes.first === expected || this.#anchored;
    if (begins) {
      // kafkajs may have been thrown back to the earliest record just before: then these are no holes.
      if (this.#closeGap(await this.#bounds())) return;
    } else if (!(await this.#believe(holes.first, holes.next))) {
      return;
    }
    this.#anchored = true;
    this.#mismatches = 0;
    await this.#hand([], holes.next, holes.end);
  }

  /** Decides about a batch that does not begin at the expected offset. False: it is dropped, and asked for again. */
  async #believe(asked: bigint, next: bigint): Promise<boolean> {
    await this.#control.checkIdentity();
    if (this.#closeGap(await this.#bounds())) return false;
    const expected = must(this.#expected, 'claimed');
    this.#mismatches += 1;
    // Nothing at or above `expected` is lost (the log begins below it), so what lies between was invisible.
    if (asked > expected && this.#mismatches >= mismatchesMax) return true;
    this.#log.debug({ ...this.#where(), expected, asked, next }, 'fetched from elsewhere: asking again');
    this.#read();
    return false;
  }

  /** True when there was a gap and the handler chose to go on behind it: what was fetched is void. */
  #closeGap({ low, end }: PartitionBounds): boolean {
    const expected = this.#expected;
    if (expected === null || (expected >= low && expected <= end)) return false;
    const found = expected < low ? low : end;
    const answer = this.#handler.gap(this.source, expected, found);
    const where = this.#where();
    if (expected > end) {
      // Positions never move back, so records below ours would be taken for applied ones: there is nothing to skip to.
      throw new StopError(
        'KAFKA_LOG_TRUNCATED',
        `Topic "${where.topic}", partition ${where.partition}, ends at offset ${end}, but was applied up to ${expected}: the log was truncated. Recreate the topic (a new topic starts from its own beginning), or restore the log.`,
        { context: { ...where, offset: expected } },
      );
    }
    if (answer === 'stop') {
      throw new StopError(
        'KAFKA_GAP',
        `Topic "${where.topic}", partition ${where.partition}: records from offset ${expected} up to ${found} were deleted before they were applied. Allow the gap to go on at ${found}, or backfill them.`,
        { context: { ...where, offset: expected } },
      );
    }
    this.#expected = low;
    this.#read();
    return true;
  }

  async #bounds(): Promise<PartitionBounds> {
    const { topic, partition } = this.source;
    const bounds = (await this.#lookup.bounds(topic, [partition])).get(partition);
    if (bounds === undefined) {
      throw new OutageError('KAFKA_UNAVAILABLE', `Kafka does not tell how far topic "${topic}" reaches.`, {
        context: { topic, partition },
      });
    }
    return bounds;
  }

  #where(): { readonly topic: string; readonly partition: number } {
    return { topic: this.source.topic, partition: this.source.partition };
  }
}

/** A handler's own errors say what to do about them. Anything else it throws is nothing that waiting would mend. */
function handlerFailed(error: unknown): never {
  if (error instanceof JourneyGraphError || error instanceof AssertionError) throw error;
  throw new StopError(
    'SOURCE_HANDLER_FAILED',
    'What takes the records failed in a way that it does not explain.',
    {
      cause: error,
    },
  );
}
