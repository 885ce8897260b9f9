import type { Clock } from '../foundation/index.ts';

/** Committed offsets serve lag tools only: more often than this they tell nobody anything new. */
const intervalMs = 1_000;

/**
 * Tells lag tools how far the store is: one report at a time and one a partition in each interval; a newer one replaces what has
 * not been told. What could not be told is tried again, since a partition that falls quiet has no next report, and its lag would
 * stand there for ever.
 */
export class PositionReports {
  readonly #commit: (partition: number, next: bigint) => Promise<void>;
  readonly #clock: Clock;
  readonly #onFailure: (error: unknown, partition: number) => void;
  /** The newest report a partition that is not told yet. */
  readonly #untold = new Map<number, bigint>();
  #telling = false;
  /** Counts `clear`, so that a report that failed is not brought back behind it. */
  #clears = 0;
  #failures = 0;

  constructor(
    commit: (partition: number, next: bigint) => Promise<void>,
    clock: Clock,
    onFailure: (error: unknown, partition: number) => void,
  ) {
    this.#commit = commit;
    this.#clock = clock;
    this.#onFailure = onFailure;
  }

  /** How often it failed since the start. */
  get failures(): number {
    return this.#failures;
  }

  report(partition: number, next: bigint): void {
    this.#untold.set(partition, next);
    if (!this.#telling) void this.#tell();
  }

  /** Forgets what is not told: whoever could be told is gone. */
  clear(): void {
    this.#untold.clear();
    this.#clears += 1;
  }

  /** Never rejects. */
  async #tell(): Promise<void> {
    this.#telling = true;
    while (this.#untold.size > 0) {
      const reports = [...this.#untold];
      const clears = this.#clears;
      this.#untold.clear();
      for (const [partition, next] of reports) {
        if (clears !== this.#clears) break;
        try {
          await this.#commit(partition, next);
        } catch (error) {
          this.#failures += 1;
          this.#onFailure(error, partition);
          if (clears === this.#clears && !this.#untold.has(partition)) this.#untold.set(partition, next);
        }
      }
      await this.#clock.sleep(intervalMs);
    }
    this.#telling = false;
  }
}
