import type { LiveEvent } from '../live-event.ts';
import type { CoverageKey } from './coverage-store.ts';

/** When a broadcast was made; null where nobody knows, and then its stage's `at` is all there is to count from. */
export type MadeMs = () => Promise<number | null>;

export interface UnbegunBroadcast {
  readonly event: LiveEvent;
  readonly madeMs: MadeMs;
}

/**
 * Broadcasts whose records have yet to begin, which is for a moment, or for as long as something outside cannot be read. In the order in which they were made: a record says who was connected before it,
 * so that one never begins before those in front of it.
 */
export class Unbegun {
  readonly #max: number;
  #waiting: readonly UnbegunBroadcast[] = [];

  constructor(max: number) {
    this.#max = max;
  }

  get count(): number {
    return this.#waiting.length;
  }

  /** Answers what had to go for it: the one that has waited for longest, null while there is room. */
  add(one: UnbegunBroadcast): UnbegunBroadcast | null {
    this.#waiting = [...this.#waiting, one];
    const [oldest = null] = this.#waiting;
    if (this.#waiting.length <= this.#max || oldest === null) return null;
    this.delete(oldest);
    return oldest;
  }

  delete(one: UnbegunBroadcast): void {
    this.#waiting = this.#waiting.filter((other) => other !== one);
  }

  forget(event: string): void {
    this.#waiting = this.#waiting.filter((other) => other.event.id !== event);
  }

  has({ event, epoch, sequence }: CoverageKey): boolean {
    return this.of(event).some((one) => one.event.epoch === epoch && one.event.sequence === sequence);
  }

  of(event: string): readonly UnbegunBroadcast[] {
    return this.#waiting.filter((one) => one.event.id === event);
  }

  events(): ReadonlySet<string> {
    return new Set(this.#waiting.map(({ event }) => event.id));
  }
}
