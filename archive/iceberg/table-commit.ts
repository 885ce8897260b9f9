import {
  Backoff,
  type BackoffLimits,
  type Clock,
  OutageError,
  type Random,
  StopError,
} from '../../foundation/index.ts';
import type { Catalog, TableVersion } from './catalog.ts';
import type { TableMetadata } from './table-metadata.ts';

export interface CommitLimits {
  readonly attemptsMax: number;
  readonly backoff: BackoffLimits;
}

export const commitLimitsDefault: CommitLimits = {
  attemptsMax: 40,
  backoff: { baseMs: 20, maxMs: 2_000 },
};

export interface CommitParts {
  readonly catalog: Catalog;
  readonly table: string;
  readonly clock: Clock;
  readonly random: Random;
}

/** One change of a table, tried on one base after the other. */
export interface TableChange {
  /** Of the base's next version; null: nothing is to be done. */
  on(base: TableVersion): Promise<TableMetadata | null>;
  /** The change is in this version already: an earlier try had an answer that never came. */
  isIn(metadata: TableMetadata): boolean;
  /** What `on` wrote for the try that was lost is not needed. */
  lost(): Promise<void>;
}

/** Optimistic commits: each try is a compare-and-set on the version it was made from, so that no writer's change can be lost. */
export class TableCommit {
  readonly #parts: CommitParts;
  readonly #limits: CommitLimits;

  constructor(parts: CommitParts, limits: CommitLimits) {
    this.#parts = parts;
    this.#limits = limits;
  }

  async load(signal?: AbortSignal): Promise<TableVersion> {
    const { catalog, table } = this.#parts;
    const version = await catalog.load(table, signal);
    if (version !== null) return version;
    throw new StopError(
      'TABLE_MISSING',
      `There is no table ${table} in the archive: check the setting, or archive first.`,
    );
  }

  /** The version that has the change. */
  async run(change: TableChange, signal?: AbortSignal): Promise<TableMetadata> {
    const { catalog, table, clock, random } = this.#parts;
    const backoff = new Backoff(this.#limits.backoff, clock, random);
    let unanswered: OutageError | null = null;
    for (let attempt = 0; attempt < this.#limits.attemptsMax; attempt += 1) {
      signal?.throwIfAborted();
      const base = await this.load(signal);
      if (change.isIn(base.metadata)) return base.metadata;
      const next = await change.on(base);
      if (next === null) return base.metadata;
      unanswered = null;
      try {
        if (await catalog.swap(table, base, next, signal)) return next;
        await change.lost();
      } catch (error) {
        // Whether it happened is seen in the next version; what the try wrote may be part of it.
        if (!(error instanceof OutageError)) throw error;
        unanswered = error;
      }
      await backoff.wait(signal);
    }
    throw unanswered ?? contended(table, this.#limits.attemptsMax);
  }
}

function contended(table: string, attempts: number): OutageError {
  return new OutageError(
    'COMMIT_CONTENDED',
    `Others were first in each of ${attempts} tries to commit to the table ${table}; tried again later.`,
  );
}
