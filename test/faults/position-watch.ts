import { type Clock, OutageError } from '../../foundation/index.ts';
import type { GraphStore, SourceStatus } from '../../graph-store/index.ts';

const lookEveryMs = 500;

/**
 * Looks at the stored positions all the time. Every offset of these topics is a record, from 0 on, so at any moment a partition has consumed as many records as its
 * position says, no epoch goes back, and within an epoch no position does. Where all epochs share a row, a write of a process that was fenced would show as one of these. In
 * Cassandra each epoch has its own and the greatest one's is shown: there a fenced process may still write its own row, after a freeze at any time, so neither this nor a look at
 * all rows could tell right from wrong; the comparison with the oracle does.
 */
export class PositionWatch {
  readonly #store: Pick<GraphStore, 'sources'>;
  readonly #clock: Clock;
  readonly #before = new Map<string, SourceStatus>();
  readonly #stale: string[] = [];
  readonly #over = new AbortController();
  #looking: Promise<void> | null = null;
  looks = 0;
  /** Too few of the store's nodes answered in time. */
  unanswered = 0;
  /**
   * A new epoch began before where the one before it was seen last: its owner had been asked for its epoch just before the claim and wrote its position just after it was
   * read. In a store that promises idempotent writes that is allowed: the records come again, change nothing, and count in the new epoch alone.
   */
  readAgain = 0;

  constructor(store: Pick<GraphStore, 'sources'>, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  start(): void {
    this.#looking ??= this.#run();
  }

  /** What no correct run shows, in words. */
  get stale(): readonly string[] {
    return this.#stale;
  }

  get consumed(): number {
    return [...this.#before.values()].reduce((sum, { fates }) => sum + fates.consumed, 0);
  }

  get claims(): number {
    return [...this.#before.values()].reduce((sum, { epoch }) => sum + epoch, 0);
  }

  async stop(): Promise<void> {
    this.#over.abort();
    await this.#looking;
  }

  async #run(): Promise<void> {
    while (!this.#over.signal.aborted) {
      try {
        this.#compare(await this.#store.sources());
        this.looks += 1;
      } catch (error) {
        if (!(error instanceof OutageError)) {
          this.#stale.push(String(error));
          return;
        }
        this.unanswered += 1;
      }
      await this.#clock.sleep(lookEveryMs, this.#over.signal);
    }
  }

  #compare(sources: readonly SourceStatus[]): void {
    for (const status of sources) {
      const { source, epoch, next, fates } = status;
      const place = `${source.topic}/${source.partition}`;
      const before = this.#before.get(place);
      const { consumed, applied, superseded, filtered, deadLettered } = fates;
      if (BigInt(consumed) !== next)
        this.#stale.push(`${place} is at ${next} and has consumed ${consumed} records, in epoch ${epoch}`);
      if (consumed !== applied + superseded + filtered + deadLettered)
        this.#stale.push(`${place} has consumed ${consumed} records and tells the fate of others`);
      const isBack = before !== undefined && next < before.next;
      if (before !== undefined && (epoch < before.epoch || (isBack && epoch === before.epoch)))
        this.#stale.push(
          `${place} went back from ${before.next} in epoch ${before.epoch} to ${next} in ${epoch}`,
        );
      else if (isBack) this.readAgain += 1;
      this.#before.set(place, status);
    }
  }
}
