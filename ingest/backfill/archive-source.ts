import type { ArchivePlace, ArchiveReader, PlannedFile } from '../../archive/index.ts';
import {
  Backoff,
  type BackoffLimits,
  type Clock,
  FencedError,
  must,
  type Random,
} from '../../foundation/index.ts';
import type { SourcePartition } from '../../graph-store/index.ts';
import { asJourneyGraphError, classify } from '../error-classifier.ts';
import type { EventSource, SourceEnd, SourceHandler } from '../event-source.ts';
import type { BackfillPlan } from './backfill-plan.ts';
import { endOf, type MergedBatch, MergedRows } from './merged-rows.ts';
import type { RateBudget } from './rate-budget.ts';

/** What was counted of a partition's files up to an offset, exactly: wherever reading begins again, it goes on from one of these. */
export interface Cut {
  readonly at: bigint;
  /** Rows taken, duplicates included. */
  readonly read: number;
  readonly duplicates: number;
  /** Rows that the filter left out, as far as they were met: for progress. */
  readonly outside: number;
}

export const firstCut: Cut = { at: 0n, read: 0, duplicates: 0, outside: 0 };

/** Told of what is durable; must not throw. */
export interface CutObserver {
  durable(partition: number, cut: Cut): void;
  reading(partition: number, place: ArchivePlace): void;
}

export interface ArchiveSourceParts {
  readonly plan: BackfillPlan;
  readonly reader: ArchiveReader;
  readonly budget: RateBudget;
  readonly clock: Clock;
  readonly random: Random;
  readonly observer: CutObserver | null;
  /** By partition, of an earlier run. */
  readonly cuts: ReadonlyMap<number, Cut>;
}

export interface ArchiveSourceLimits {
  /** Partitions read at a time; each holds the files open that share an offset. */
  readonly partitionsMax: number;
  readonly batchRowsMax: number;
  readonly batchBytesMax: number;
  readonly retry: BackoffLimits;
}

export const archiveSourceLimitsDefault = {
  partitionsMax: 4,
  batchRowsMax: 5_000,
  batchBytesMax: 2 * 2 ** 20,
  retry: { baseMs: 100, maxMs: 30_000 },
} as const satisfies ArchiveSourceLimits;

interface Part {
  readonly source: SourcePartition;
  readonly files: readonly PlannedFile[];
  readonly end: bigint;
  /** One past the last offset that is durable; null before the store said anything. */
  durable: bigint | null;
  cut: Cut;
  /** Handed over and not durable yet. */
  handed: Cut[];
  assignment: AbortController | null;
  wake: () => void;
}

/**
 * A plan's files as a log that ends. Where a partition goes on is the store's answer alone; what the source remembers is how
 * many rows lie before it, which decides nothing.
 *
 * It ends when everything is durable, not when everything was handed over: an apply that fails behind the last batch
 * has to be read once more, and whoever has left by then cannot.
 */
export class ArchiveSource implements EventSource {
  readonly topic: string;
  readonly #parts: ArchiveSourceParts;
  readonly #limits: ArchiveSourceLimits;
  readonly #byPartition: ReadonlyMap<number, Part>;
  readonly #down = new Set<number>();
  #reading = false;

  constructor(parts: ArchiveSourceParts, limits: ArchiveSourceLimits = archiveSourceLimitsDefault) {
    this.topic = parts.plan.topic;
    this.#parts = parts;
    this.#limits = limits;
    this.#byPartition = new Map(
      parts.plan.life.map((source) => [source.partition, this.#part(source)] as const),
    );
  }

  get reading(): boolean {
    return this.#reading;
  }

  async run(handler: SourceHandler, signal: AbortSignal): Promise<void> {
    this.#reading = true;
    try {
      await this.#readAll(handler, signal);
    } finally {
      this.#reading = false;
    }
  }

  async #readAll(handler: SourceHandler, signal: AbortSignal): Promise<void> {
    const failed = new AbortController();
    const ending = AbortSignal.any([signal, failed.signal]);
    const waiting = [...this.#byPartition.values()];
    const readers = Array.from({ length: this.#limits.partitionsMax }, async () => {
      try {
        for (let part = waiting.shift(); part !== undefined && !ending.aborted; part = waiting.shift())
          await this.#follow(part, handler, ending);
      } catch (error) {
        failed.abort();
        throw error;
      }
    });
    const results = await Promise.allSettled(readers);
    const failure = results.find((result) => result.status === 'rejected');
    if (failure !== undefined) throw failure.reason;
  }

  async ends(): Promise<readonly SourceEnd[]> {
    return [...this.#byPartition.values()].map(({ source, files, end }) => ({
      source,
      low: files[0]?.firstOffset ?? end,
      end,
    }));
  }

  report({ partition }: SourcePartition, next: bigint): void {
    const part = this.#byPartition.get(partition);
    if (part === undefined) return;
    part.durable = next;
    this.#settle(part);
    part.wake();
  }

  reclaim({ partition }: SourcePartition): void {
    this.#byPartition.get(partition)?.assignment?.abort();
  }

  #settle(part: Part): void {
    const { durable, handed } = part;
    while (durable !== null && handed[0] !== undefined && handed[0].at <= durable) {
      part.cut = must(handed.shift(), 'it was looked at');
      this.#parts.observer?.durable(part.source.partition, part.cut);
    }
  }

  async #follow(part: Part, handler: SourceHandler, signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#parts;
    const backoff = new Backoff(this.#limits.retry, clock, random);
    try {
      while (!signal.aborted) {
        try {
          if ((await this.#read(part, handler, signal, backoff)) === 'durable') return;
        } catch (error) {
          if (error instanceof FencedError) continue;
          if (classify(error) !== 'outage') throw error;
          this.#down.add(part.source.partition);
          handler.outage(asJourneyGraphError(error));
          await backoff.wait(signal);
        }
      }
    } finally {
      part.assignment = null;
      this.#up(part, handler);
      handler.revoked(part.source);
    }
  }

  /** One assignment. */
  async #read(
    part: Part,
    handler: SourceHandler,
    signal: AbortSignal,
    backoff: Backoff,
  ): Promise<'durable' | 'reclaimed'> {
    const { plan, reader } = this.#parts;
    const { source, files, end } = part;
    const assignment = new AbortController();
    part.assignment = assignment;
    part.handed = [];
    const ending = AbortSignal.any([signal, assignment.signal]);
    const position = await handler.assigned(source);
    part.durable = position;
    // A store that knows less than we remember was put back to an older copy.
    if (part.cut.at > (position ?? 0n)) part.cut = firstCut;
    if (part.cut.at >= end) return 'durable';
    const merged = new MergedRows(
      ...([files, part.cut.at, plan.filter, reader, ending, this.#limits.batchBytesMax] as const),
    );
    try {
      await this.#handOver(part, merged, handler, ending, backoff);
    } finally {
      await merged.close();
    }
    return (await this.#isDurable(part, ending)) ? 'durable' : 'reclaimed';
  }

  async #handOver(
    part: Part,
    merged: MergedRows,
    handler: SourceHandler,
    signal: AbortSignal,
    backoff: Backoff,
  ): Promise<void> {
    const { source, end } = part;
    await this.#recount(part, merged, signal);
    let { cut } = part;
    while (!signal.aborted) {
      const rows = await this.#parts.budget.take(this.#limits.batchRowsMax, signal);
      if (signal.aborted) return;
      const batch = await this.#next(merged, rows, signal);
      if (batch === null) return;
      this.#up(part, handler);
      backoff.reset();
      const from = cut.at;
      cut = cutAfter(cut, batch);
      part.handed.push(cut);
      if (batch.place !== null) this.#parts.observer?.reading(source.partition, batch.place);
      await handler.batch({ source, records: batch.records, from, next: batch.next, end });
    }
  }

  /** What was durable before a kill and not counted: read once more, and applied by nobody. */
  async #recount(part: Part, merged: MergedRows, signal: AbortSignal): Promise<void> {
    const { durable } = part;
    while (durable !== null && part.cut.at < durable && !signal.aborted) {
      const batch = await this.#next(merged, this.#limits.batchRowsMax, signal, durable);
      if (batch === null) return;
      part.handed.push(cutAfter(part.cut, batch));
      this.#settle(part);
    }
  }

  /** A reader that was told to end may throw for it, which is no fault. */
  async #next(
    merged: MergedRows,
    rows: number,
    signal: AbortSignal,
    until: bigint | null = null,
  ): Promise<MergedBatch | null> {
    try {
      const batch = await merged.next(rows, until);
      return signal.aborted ? null : batch;
    } catch (error) {
      if (signal.aborted) return null;
      throw error;
    }
  }

  async #isDurable(part: Part, signal: AbortSignal): Promise<boolean> {
    while (!signal.aborted) {
      if (part.durable !== null && part.durable >= part.end) return true;
      await new Promise<void>((resolve) => {
        const done = (): void => {
          signal.removeEventListener('abort', done);
          part.wake = () => undefined;
          resolve();
        };
        part.wake = done;
        signal.addEventListener('abort', done, { once: true });
      });
    }
    return false;
  }

  #up(part: Part, handler: SourceHandler): void {
    if (this.#down.delete(part.source.partition) && this.#down.size === 0) handler.outage(null);
  }

  #part(source: SourcePartition): Part {
    const { plan, cuts } = this.#parts;
    const files = plan.files.filter(({ partition }) => partition === source.partition);
    return {
      source,
      files,
      end: endOf(files),
      durable: null,
      cut: cuts.get(source.partition) ?? firstCut,
      handed: [],
      assignment: null,
      wake: () => undefined,
    };
  }
}

function cutAfter(cut: Cut, batch: MergedBatch): Cut {
  return {
    at: batch.next,
    read: cut.read + batch.read,
    duplicates: cut.duplicates + batch.duplicates,
    outside: cut.outside + batch.outside,
  };
}
