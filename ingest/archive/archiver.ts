import {
  Backoff,
  type BackoffLimits,
  type Clock,
  FencedError,
  type Log,
  must,
  type Random,
  StopError,
} from '../../foundation/index.ts';
import type { SourcePartition } from '../../graph-store/index.ts';
import { asJourneyGraphError, classify } from '../error-classifier.ts';
import type { EventSource, SourceBatch, SourceHandler } from '../event-source.ts';
import { Turns } from '../turns.ts';
import { archivedPositions, around, positionKey } from './archive-positions.ts';
import { ArchiveRound, type RoundLimits } from './archive-round.ts';
import type { ArchiverState, ArchiverStatus } from './archiver-status.ts';
import type { EventSchemas } from './event-schemas.ts';
import { type Partition, TopicPartitions } from './topic-partitions.ts';
import type { TopicTable } from './topic-table.ts';

export interface ArchiverParts {
  readonly source: EventSource;
  readonly table: TopicTable;
  readonly schemas: EventSchemas;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly newUuid: () => string;
}

export interface ArchiverLimits extends RoundLimits {
  /** A row is committed at the latest after so long, */
  readonly commitMs: number;
  /** or when the files of a round have so many bytes. */
  readonly commitBytesMax: number;
  readonly onGap: 'stop' | 'skip';
  readonly retry: BackoffLimits;
}

interface Pause {
  readonly why: string;
  readonly sinceMs: number;
  /** The archive failed, and only a commit proves that it does no longer; else it was the log or the registry. */
  readonly isOfArchive: boolean;
}

/** Of one commit. Each is a file more in the table's manifests, and a person's wait at a stop. */
const filesMax = 1_000;
/** Records between two turns of whatever else the process does. */
const sliceRecords = 256;
const ticksOfCommit = 10;

/**
 * One topic's way into its table of the archive. A round collects rows of all partitions and is committed as one snapshot, whose
 * summary says up to where each partition is archived; it is refused unless the table is still where the round began. So a
 * crash, a second archiver or an answer that never came leave files that nothing refers to, and never a row twice or none.
 *
 * Whatever fails, the round is given up as a whole, and each partition is assigned again where the table says.
 */
export class Archiver implements SourceHandler {
  readonly #parts: ArchiverParts;
  readonly #limits: ArchiverLimits;
  readonly #turns = new Turns();
  readonly #partitions: TopicPartitions;
  readonly #stopping = new AbortController();
  readonly #backoff: Backoff;
  #ending: AbortSignal = this.#stopping.signal;
  #round: ArchiveRound | null = null;
  #hasFailed = false;
  #isDue = false;
  #pause: Pause | null = null;
  #stopped: StopError | null = null;
  #phase: 'idle' | 'running' | 'finished' = 'idle';
  #total = { rows: 0, files: 0, bytes: 0, commits: 0 };
  #lastCommitMs: number | null = null;

  constructor(parts: ArchiverParts, limits: ArchiverLimits) {
    this.#parts = parts;
    this.#limits = limits;
    this.#partitions = new TopicPartitions(parts.log);
    this.#backoff = new Backoff(limits.retry, parts.clock, parts.random);
  }

  /**
   * Called once. Resolves when the source has ended or `signal` has aborted, and what was collected is committed.
   *
   * @throws {StopError} when a person has to act.
   */
  async run(signal: AbortSignal): Promise<void> {
    this.#phase = 'running';
    this.#ending = AbortSignal.any([signal, this.#stopping.signal]);
    const committing = this.#commitOnTime();
    try {
      await this.#parts.source.run(this, this.#ending);
    } catch (error) {
      this.#stop(error);
    }
    this.#stopping.abort();
    await committing;
    await this.flush();
    this.#phase = 'finished';
    if (this.#stopped !== null) throw this.#stopped;
  }

  /** Commits what was collected. False: it could not, and that is a pause or the archiver's end; what was collected is read again. */
  async flush(): Promise<boolean> {
    return await this.#flushIf(() => true);
  }

  async #flushIf(isWanted: () => boolean): Promise<boolean> {
    return await this.#turns.run(async () => {
      try {
        if (isWanted()) await this.#commit();
        return true;
      } catch (error) {
        this.#recover(await this.#giveUp(error), null);
        return false;
      }
    });
  }

  async assigned(source: SourcePartition): Promise<bigint | null> {
    const partition = this.#partitions.of(source);
    if (this.#hasFailed) await this.#backoff.wait(this.#ending);
    return await this.#turns.run(async () => {
      try {
        if (this.#round?.has(source) === true) await this.#commitOrGiveUp();
        const metadata = await this.#parts.table.load();
        const position = archivedPositions(metadata, this.#parts.table.name).get(positionKey(source)) ?? null;
        partition.isOurs = true;
        partition.isLost = false;
        partition.archived = position;
        partition.read = position;
        partition.skipped = null;
        if (position !== null) this.#parts.source.report(source, position);
        return position;
      } catch (error) {
        throw this.#recover(error, partition);
      }
    });
  }

  revoked(source: SourcePartition): void {
    const partition = this.#partitions.known(source);
    if (partition === undefined) return;
    partition.isOurs = false;
    // Whoever has it next reads from the last commit: the sooner it comes the less is read twice.
    this.#isDue = true;
  }

  async batch(batch: SourceBatch): Promise<void> {
    const partition = this.#partitions.of(batch.source);
    partition.end = batch.end;
    partition.isBusy = true;
    try {
      await this.#loadSchemas(batch);
      await this.#turns.run(async () => {
        if (partition.isLost) throw lost(batch.source);
        if (!partition.isOurs) return;
        try {
          await this.#take(partition, batch);
          if (this.#isFull()) await this.#commit();
        } catch (error) {
          throw await this.#giveUp(error);
        }
      });
    } catch (error) {
      throw this.#recover(error, partition);
    } finally {
      partition.isBusy = false;
    }
  }

  gap(source: SourcePartition, expected: bigint, found: bigint): 'stop' | 'skip' {
    const { topic, partition } = source;
    const { onGap } = this.#limits;
    if (found < expected) {
      const message = `Partition ${partition} of topic ${topic} ends at offset ${found} and was archived up to ${expected}: its log was truncated. Restore it, or recreate the topic: a new one is archived from its own beginning.`;
      this.#stop(
        new StopError('LOG_TRUNCATED', message, { context: { topic, partition, offset: expected } }),
      );
      return 'stop';
    }
    const message = `Records ${expected} to ${found - 1n} of partition ${partition} of topic ${topic} left the log before they were archived.`;
    this.#parts.log.error({ topic, partition, expected, found, onGap }, message);
    if (onGap === 'skip') {
      const skipping = this.#partitions.of(source);
      skipping.read = found;
      skipping.skipped = around(skipping.skipped, { from: expected, until: found });
      return 'skip';
    }
    const remedy = 'Let the topic keep its records for longer, and allow to skip the gap (gap.policy).';
    this.#stop(
      new StopError('ARCHIVE_GAP', `${message} ${remedy}`, {
        context: { topic, partition, offset: expected },
      }),
    );
    return 'stop';
  }

  outage(error: Error | null): void {
    if (error === null) this.#resume(false);
    else this.#say(error.message, false);
  }

  status(): ArchiverStatus {
    return {
      topic: this.#parts.source.topic,
      table: this.#parts.table.name,
      state: this.#state(),
      partitions: this.#partitions.status(),
      ...this.#total,
      undecoded: this.#parts.schemas.undecoded,
      lastCommitMs: this.#lastCommitMs,
    };
  }

  #state(): ArchiverState {
    if (this.#stopped !== null)
      return { kind: 'stopped', code: this.#stopped.code, why: this.#stopped.message };
    if (this.#phase !== 'running' || this.#pause === null) return { kind: this.#phase };
    const { why, sinceMs } = this.#pause;
    return { kind: 'paused', why, sinceMs };
  }

  /** Before the records' turn comes: a registry that does not answer must not keep others from committing. */
  async #loadSchemas({ records, source }: SourceBatch): Promise<void> {
    await this.#parts.schemas.prepare(records, source.cluster);
  }

  async #take(partition: Partition, batch: SourceBatch): Promise<void> {
    const { source, records, next } = batch;
    const expected = partition.read;
    if (expected !== null && batch.from > expected)
      throw new FencedError(`A batch begins at offset ${batch.from} and ${expected} comes next.`);
    const { clock, newUuid, schemas, table } = this.#parts;
    const round = this.#round ?? new ArchiveRound(table, this.#limits, newUuid, clock);
    this.#round = round;
    let newestMs = -1;
    let taken = 0;
    for (const record of records) {
      if (expected !== null && record.offset < expected) continue;
      let work = round.add(source, record, schemas.read(record));
      while (work !== null) {
        await work();
        // Read again: meanwhile another partition's schema may have made a column wider.
        work = round.add(source, record, schemas.read(record));
      }
      newestMs = Math.max(newestMs, record.timestampMs);
      taken += 1;
      if (taken % sliceRecords === 0) await clock.sleep(0);
    }
    const { archived: from, skipped } = partition;
    round.advance({ source, from, next, newestMs, skipped });
    partition.read = next;
    this.#resume(false);
  }

  #isFull(): boolean {
    const round = this.#round;
    return round !== null && (round.bytes >= this.#limits.commitBytesMax || round.files >= filesMax);
  }

  async #commitOnTime(): Promise<void> {
    const { clock } = this.#parts;
    const { commitMs } = this.#limits;
    while (!this.#ending.aborted) {
      await clock.sleep(Math.max(1, Math.min(1_000, commitMs / ticksOfCommit)), this.#ending);
      // Looked at again in its turn: another commit may have come before it. After a failure nobody waits to hear that it is over.
      const isDue = (): boolean => {
        if (this.#round === null) return false;
        const { startedMs } = this.#round;
        const isLate = startedMs !== null && clock.now() - startedMs >= commitMs;
        return this.#isDue || this.#hasFailed || isLate;
      };
      if (isDue() && !this.#ending.aborted) await this.#flushIf(isDue);
    }
  }

  /** In its turn. What holds no row is kept for later: a snapshot for an empty stretch of the log is worth nothing. */
  async #commit(): Promise<void> {
    const round = this.#round;
    this.#isDue = false;
    if (round === null || round.rows === 0) return;
    const files = await round.finish();
    const { progress, rows } = round;
    const startedMs = must(round.startedMs, 'a row lies in a file that was opened');
    await this.#parts.table.commit(files, progress, startedMs);
    this.#round = null;
    this.#hasFailed = false;
    this.#backoff.reset();
    this.#resume(true);
    this.#lastCommitMs = this.#parts.clock.now();
    const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
    this.#total = {
      rows: this.#total.rows + rows,
      files: this.#total.files + files.length,
      bytes: this.#total.bytes + bytes,
      commits: this.#total.commits + 1,
    };
    for (const { source, next } of progress) {
      const partition = this.#partitions.known(source);
      if (partition === undefined) continue;
      partition.archived = next;
      if (partition.isOurs) this.#parts.source.report(source, next);
    }
    const { topic } = this.#parts.source;
    this.#parts.log.debug({ topic, rows, files: files.length, bytes }, 'Archived.');
  }

  async #commitOrGiveUp(): Promise<void> {
    try {
      await this.#commit();
    } catch (error) {
      const failure = await this.#giveUp(error);
      if (classify(failure) !== 'fenced') throw failure;
    }
  }

  /** In its turn: the round is void, and with it what every partition collected. */
  async #giveUp(error: unknown): Promise<unknown> {
    const round = this.#round;
    this.#round = null;
    this.#hasFailed = true;
    if (classify(error) === 'outage') this.#say(asJourneyGraphError(error).message, true);
    await round?.abort();
    for (const source of this.#partitions.giveUp()) this.#parts.source.reclaim(source);
    return error;
  }

  /** What the source is told, in its own terms. */
  #recover(error: unknown, partition: Partition | null): Error {
    const failure = asJourneyGraphError(error);
    if (failure.reaction === 'fenced') {
      this.#parts.log.warn({ topic: this.#parts.source.topic }, failure.message);
      return failure;
    }
    if (failure.reaction !== 'outage') return this.#stop(error);
    this.#hasFailed = true;
    this.#say(failure.message, false);
    if (partition !== null) partition.isLost = true;
    return failure;
  }

  #say(why: string, isOfArchive: boolean): void {
    const before = this.#pause;
    if (before === null)
      this.#parts.log.warn({ topic: this.#parts.source.topic }, `Archiving paused: ${why}`);
    this.#pause = {
      why,
      sinceMs: before?.sinceMs ?? this.#parts.clock.now(),
      isOfArchive: isOfArchive || before?.isOfArchive === true,
    };
  }

  #resume(hasCommitted: boolean): void {
    if (this.#pause === null || (this.#pause.isOfArchive && !hasCommitted)) return;
    this.#pause = null;
    this.#parts.log.info({ topic: this.#parts.source.topic }, 'Archiving resumed.');
  }

  /** The first reason stays. */
  #stop(error: unknown): StopError {
    if (this.#stopped !== null) return this.#stopped;
    const { topic } = this.#parts.source;
    const { code, message, context } = asJourneyGraphError(error);
    this.#stopped = new StopError(code, `Archiving topic ${topic} stopped: ${message}`, {
      cause: error,
      context: { topic, ...context },
    });
    this.#parts.log.error({ topic, code, error }, this.#stopped.message);
    this.#stopping.abort();
    return this.#stopped;
  }
}

function lost({ topic, partition }: SourcePartition): FencedError {
  return new FencedError(
    `Partition ${partition} of topic ${topic} is archived again from the last commit: what was collected of it could not be committed.`,
  );
}
