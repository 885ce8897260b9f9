import {
  Backoff,
  type BackoffLimits,
  type Clock,
  FencedError,
  type JourneyGraphError,
  type Log,
  type Random,
  StopError,
} from '../foundation/index.ts';
import {
  type Advance,
  type Applied,
  addMutationCounts,
  type Fates,
  type MutationCounts,
  noMutations,
  type SourcePartition,
  type StoreWriter,
} from '../graph-store/index.ts';
import type { DeadLetterWriter } from './dead-letters.ts';
import { asJourneyGraphError, classify } from './error-classifier.ts';
import type { EventSource, SourceBatch, SourceEnd, SourceHandler } from './event-source.ts';
import { InFlightBudget } from './in-flight-budget.ts';
import { type DurableBatch, type LaneOwner, PartitionLane } from './partition-lane.ts';
import {
  addFates,
  addNodeWrites,
  type Gap,
  noFates,
  noNodeWrites,
  type PartitionStatus,
  type PipelineState,
  type PipelineStatus,
} from './pipeline-status.ts';
import type { RecordProcessor } from './record-processor.ts';

export interface PipelineLimits {
  /** Records in one apply. */
  readonly batchEventsMax: number;
  /** Bytes of packed mutations and dead letters in one apply; one record may exceed it. */
  readonly batchBytesMax: number;
  /** Bytes of packed mutations handed to the store and not durable yet, all partitions together; not looked at when a budget is given. */
  readonly inFlightBytesMax: number;
  /** How long records are processed before the rest of the process gets its turn, milliseconds. */
  readonly sliceMs: number;
  /** Whether to go on behind records that the log no longer has. */
  readonly onGap: 'stop' | 'skip';
  readonly retry: BackoffLimits;
}

/** Told about every apply once it is durable. Must not throw. */
export interface FreshnessObserver {
  recordFreshness(eventTimesMs: readonly number[], fetchedMs: number, durableMs: number): void;
}

export interface PipelineParts {
  readonly source: EventSource;
  readonly processor: RecordProcessor;
  readonly deadLetters: DeadLetterWriter;
  readonly store: StoreWriter;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly freshness: FreshnessObserver | null;
  /** Shared by the pipelines of one store; of its own, with `inFlightBytesMax`, where there is none. */
  readonly budget?: InFlightBudget;
}

interface Partition {
  readonly source: SourcePartition;
  readonly backoff: Backoff;
  lane: PartitionLane | null;
  position: bigint | null;
  end: bigint | null;
  fates: Fates;
  newestEventMs: number;
  /** Batches in a row that began behind the position. */
  skips: number;
}

/** One may be a batch of an assignment that ended; a source that does it again and again loses records. */
const skipsMax = 3;

/**
 * One topic's way from its source into the store. The source calls it as its handler; what one partition does is in
 * {@link PartitionLane}, what several share (budget, pauses, status, the end) is here.
 *
 * A partition that fails by outage or fence is claimed again: `batch` rejects with FencedError, the source calls `assigned`, and
 * there the pipeline waits with jittered backoff. A failure that needs a person stops this pipeline and no other.
 */
export class Pipeline implements SourceHandler, LaneOwner {
  readonly #parts: PipelineParts;
  readonly #limits: PipelineLimits;
  readonly #budget: InFlightBudget;
  readonly #partitions = new Map<string, Partition>();
  /** Lanes that may still have applies in flight. */
  readonly #lanes = new Set<PartitionLane>();
  readonly #pauses = new Map<unknown, { readonly why: string; readonly sinceMs: number }>();
  readonly #stopping = new AbortController();
  /** Aborts when this pipeline is to end, for whatever reason. */
  #ending: AbortSignal = this.#stopping.signal;
  /** Of topics under the same name that are no more. */
  #formerFates: Fates = noFates;
  #nodeWrites: Applied = noNodeWrites;
  #superseded: MutationCounts = noMutations;
  #phase: 'idle' | 'running' | 'finished' = 'idle';
  #stopped: StopError | null = null;
  #gap: Gap | null = null;

  constructor(parts: PipelineParts, limits: PipelineLimits) {
    this.#parts = parts;
    this.#limits = limits;
    this.#budget = parts.budget ?? new InFlightBudget(limits.inFlightBytesMax);
  }

  /**
   * Called once. Resolves when the source has ended or `signal` has aborted, and all applies in flight are settled.
   *
   * @throws {StopError} when a person has to act; names topic, partition and offset.
   */
  async run(signal: AbortSignal): Promise<void> {
    this.#phase = 'running';
    const ending = AbortSignal.any([signal, this.#stopping.signal]);
    this.#ending = ending;
    // A claim or a load that waits with backoff inside a call of the source must not outlive the signal.
    const endLanes = (): void => this.#revokeAll();
    ending.addEventListener('abort', endLanes, { once: true });
    try {
      await this.#parts.source.run(this, ending);
    } catch (error) {
      this.#stop(error, null, null);
    } finally {
      ending.removeEventListener('abort', endLanes);
    }
    await Promise.all([...this.#lanes].map((lane) => lane.drain()));
    this.#revokeAll();
    this.#pauses.clear();
    this.#phase = 'finished';
    if (this.#stopped !== null) throw this.#stopped;
  }

  async assigned(source: SourcePartition): Promise<bigint | null> {
    this.#leaveFormerLife(source);
    const partition = this.#partition(source);
    const before = partition.lane;
    before?.revoke();
    const lane = new PartitionLane(source, this.#parts, this.#limits, this.#budget, this);
    partition.lane = lane;
    if (this.#ending.aborted) lane.revoke();
    this.#forgetSettledLanes();
    this.#lanes.add(lane);
    const failure = before?.failure ?? null;
    if (failure !== null) await this.#pause(lane, failure.message);
    try {
      const next = await lane.claim();
      if (lane.alive) {
        partition.position = next;
        // What a life before this one applied and did not come to tell: no event may come that would.
        if (next !== null) this.#parts.source.report(source, next);
      }
      return next;
    } catch (error) {
      throw this.#stop(error, source, null);
    }
  }

  revoked(source: SourcePartition): void {
    const partition = this.#partitions.get(keyOf(source));
    if (partition === undefined) return;
    partition.lane?.revoke();
    partition.lane = null;
  }

  async batch(batch: SourceBatch): Promise<void> {
    const partition = this.#partition(batch.source);
    const { lane } = partition;
    if (lane === null) return;
    partition.end = batch.end;
    try {
      await lane.batch(batch);
    } catch (error) {
      if (classify(error) === 'fenced') throw error;
      throw this.#stop(error, batch.source, lane.at ?? batch.from);
    }
  }

  gap(source: SourcePartition, expected: bigint, found: bigint): 'stop' | 'skip' {
    this.#gap = { source, expected, found, atMs: this.#parts.clock.now() };
    const { topic, partition } = source;
    if (found < expected) {
      // The store takes no position that lies before its own, so there is nothing to skip to.
      const message = `Partition ${partition} of topic ${topic} ends at offset ${found} and was applied up to ${expected}: its log was truncated.`;
      this.#parts.log.error({ topic, partition, expected, found }, message);
      const remedy = 'Restore it, or recreate the topic: a new one starts from its own beginning.';
      this.#stop(new StopError('LOG_TRUNCATED', `${message} ${remedy}`), source, expected);
      return 'stop';
    }
    const message = `Records ${expected} to ${found - 1n} of partition ${partition} of topic ${topic} are gone from the log.`;
    this.#parts.log.error({ topic, partition, expected, found, onGap: this.#limits.onGap }, message);
    if (this.#limits.onGap === 'skip') {
      this.#partition(source).lane?.skipTo(found);
      return 'skip';
    }
    const remedy = 'Restore them, backfill from an archive, or allow to skip the gap.';
    this.#stop(new StopError('LOG_GAP', `${message} ${remedy}`), source, expected);
    return 'stop';
  }

  outage(error: Error | null): void {
    if (error === null) this.#resume(this);
    else this.#say(this, error.message);
  }

  async retry<T>(lane: PartitionLane, what: string, attempt: () => Promise<T>): Promise<T | null> {
    try {
      while (lane.alive) {
        try {
          const result = await attempt();
          return lane.alive ? result : null;
        } catch (error) {
          if (!lane.alive) return null;
          if (classify(error) !== 'outage') throw error;
          await this.#pause(lane, `Could not ${what}: ${asJourneyGraphError(error).message}`);
        }
      }
      return null;
    } finally {
      this.#resume(lane);
    }
  }

  durable(lane: PartitionLane, advance: Advance, applied: Applied, batch: DurableBatch): void {
    const now = this.#parts.clock.now();
    this.#nodeWrites = addNodeWrites(this.#nodeWrites, applied);
    this.#superseded = addMutationCounts(this.#superseded, batch.superseded);
    const partition = this.#partitions.get(keyOf(lane.source));
    if (partition === undefined) {
      this.#formerFates = addFates(this.#formerFates, advance.fates);
      return;
    }
    partition.fates = addFates(partition.fates, advance.fates);
    partition.newestEventMs = Math.max(partition.newestEventMs, advance.newestEventMs);
    if (partition.position === null || advance.next > partition.position) partition.position = advance.next;
    this.#parts.freshness?.recordFreshness(batch.eventTimesMs, batch.fetchedMs, now);
    if (!lane.alive) return;
    partition.backoff.reset();
    partition.skips = 0;
    this.#parts.source.report(lane.source, advance.next);
  }

  /** How far the log reaches that it reads. */
  ends(): Promise<readonly SourceEnd[]> {
    return this.#parts.source.ends();
  }

  /** Lets all partitions be claimed anew: another graph has taken the store's place. */
  reclaim(): void {
    for (const lane of this.#lanes) if (lane.alive) this.#parts.source.reclaim(lane.source);
  }

  failed(lane: PartitionLane, error: JourneyGraphError, offset: bigint): void {
    const { reaction } = error;
    if (reaction === 'outage' || reaction === 'fenced') this.#parts.source.reclaim(lane.source);
    else this.#stop(error, lane.source, offset);
  }

  skipped(lane: PartitionLane, position: bigint, from: bigint): JourneyGraphError {
    const partition = this.#partition(lane.source);
    partition.skips += 1;
    const message = `A batch begins at offset ${from} and ${position} comes next.`;
    if (partition.skips <= skipsMax) return new FencedError(message);
    const remedy =
      'The source passes over records without saying so: this is a fault of the product, please report it.';
    return new StopError('SOURCE_SKIPPED', `${message} ${remedy}`);
  }

  status(): PipelineStatus {
    const partitions = [...this.#partitions.values()].map(partitionStatus);
    const newestEventMs = partitions.reduce((newest, one) => Math.max(newest, one.newestEventMs), 0);
    return {
      topic: this.#parts.source.topic,
      state: this.#state(),
      reading: this.#parts.source.reading,
      partitions,
      fatesSinceStart: partitions.reduce((sum, one) => addFates(sum, one.fatesSinceStart), this.#formerFates),
      freshnessMs: newestEventMs === 0 ? null : this.#parts.clock.now() - newestEventMs,
      inFlightBytes: this.#budget.bytes,
      nodeWritesSinceStart: this.#nodeWrites,
      supersededSinceStart: this.#superseded,
      gap: this.#gap,
    };
  }

  #state(): PipelineState {
    if (this.#stopped !== null)
      return { kind: 'stopped', code: this.#stopped.code, why: this.#stopped.message };
    if (this.#phase !== 'running') return { kind: this.#phase };
    const [oldest] = [...this.#pauses.values()].sort((a, b) => a.sinceMs - b.sinceMs);
    return oldest === undefined ? { kind: 'running' } : { kind: 'paused', ...oldest };
  }

  async #pause(lane: PartitionLane, why: string): Promise<void> {
    this.#say(lane, why);
    await this.#partition(lane.source).backoff.wait(lane.death);
  }

  #say(who: unknown, why: string): void {
    const before = this.#pauses.get(who);
    this.#pauses.set(who, { why, sinceMs: before?.sinceMs ?? this.#parts.clock.now() });
    if (before === undefined) this.#parts.log.warn({ topic: this.#parts.source.topic }, `Paused: ${why}`);
  }

  #resume(who: unknown): void {
    if (this.#pauses.delete(who)) this.#parts.log.info({ topic: this.#parts.source.topic }, 'Resumed.');
  }

  /** The first reason stays. */
  #stop(error: unknown, source: SourcePartition | null, offset: bigint | null): StopError {
    if (this.#stopped !== null) return this.#stopped;
    const { code, message, context } = asJourneyGraphError(error);
    const { topic } = this.#parts.source;
    const where =
      source === null ? '' : `, partition ${source.partition}, offset ${context.offset ?? offset}`;
    this.#stopped = new StopError(code, `The pipeline of topic ${topic}${where} stopped: ${message}`, {
      cause: error,
      context: {
        topic,
        ...(source === null ? {} : { partition: source.partition }),
        ...(offset === null ? {} : { offset }),
        ...context,
      },
    });
    this.#parts.log.error({ topic, code, error }, this.#stopped.message);
    this.#stopping.abort();
    return this.#stopped;
  }

  #revokeAll(): void {
    for (const { lane } of this.#partitions.values()) lane?.revoke();
  }

  /** A recreated topic is another one under the same name: its positions are its own. */
  #leaveFormerLife({ topic, topicId, partition }: SourcePartition): void {
    for (const [key, former] of this.#partitions) {
      if (former.source.topicId === topicId) continue;
      former.lane?.revoke();
      if (former.source.partition !== partition) continue;
      this.#partitions.delete(key);
      this.#formerFates = addFates(this.#formerFates, former.fates);
      const fields = { topic, partition, was: former.source.topicId, is: topicId };
      const message = `Topic ${topic} was recreated: partition ${partition} is read from the new topic's own position.`;
      this.#parts.log.warn(fields, message);
    }
  }

  #forgetSettledLanes(): void {
    for (const lane of this.#lanes) if (!lane.alive && lane.settled) this.#lanes.delete(lane);
  }

  #partition(source: SourcePartition): Partition {
    const key = keyOf(source);
    const known = this.#partitions.get(key);
    if (known !== undefined) return known;
    const { clock, random } = this.#parts;
    const partition: Partition = {
      source,
      backoff: new Backoff(this.#limits.retry, clock, random),
      lane: null,
      position: null,
      end: null,
      fates: noFates,
      newestEventMs: 0,
      skips: 0,
    };
    this.#partitions.set(key, partition);
    return partition;
  }
}

function keyOf({ topicId, partition }: SourcePartition): string {
  return `${topicId}/${partition}`;
}

function partitionStatus(partition: Partition): PartitionStatus {
  const { source, lane, position, end, fates, newestEventMs } = partition;
  const lag = position === null || end === null ? null : end > position ? end - position : 0n;
  return {
    source,
    assigned: lane?.alive ?? false,
    position,
    end,
    lag,
    fatesSinceStart: fates,
    newestEventMs,
  };
}
