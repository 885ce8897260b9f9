import { assert } from '../../foundation/index.ts';

const none = -1;

/**
 * What is due when, for at most `items` items of which each is due once at a time: a list for each tick, linked through arrays, so that adding, moving and
 * taking out cost the same however many there are, and memory is fixed. What is due beyond the last tick is forgotten: nobody will ask.
 */
export class CalendarQueue {
  readonly #heads: Int32Array;
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  readonly #due: Int32Array;

  constructor(items: number, ticks: number) {
    this.#heads = new Int32Array(ticks).fill(none);
    this.#next = new Int32Array(items);
    this.#previous = new Int32Array(items);
    this.#due = new Int32Array(items).fill(none);
  }

  isDue(item: number): boolean {
    return this.#due[item] !== none;
  }

  /** When it was due before, it no longer is. */
  schedule(item: number, tick: number): void {
    this.cancel(item);
    if (tick >= this.#heads.length) return;
    assert(tick >= 0, 'nothing is due before the beginning');
    const head = this.#heads[tick] ?? none;
    this.#next[item] = head;
    this.#previous[item] = none;
    if (head !== none) this.#previous[head] = item;
    this.#heads[tick] = item;
    this.#due[item] = tick;
  }

  cancel(item: number): void {
    const tick = this.#due[item] ?? none;
    if (tick === none) return;
    const next = this.#next[item] ?? none;
    const previous = this.#previous[item] ?? none;
    if (previous === none) this.#heads[tick] = next;
    else this.#next[previous] = next;
    if (next !== none) this.#previous[next] = previous;
    this.#due[item] = none;
  }

  /** One that is due at that tick, which it then no longer is; -1: none. */
  take(tick: number): number {
    const item = this.#heads[tick] ?? none;
    if (item !== none) this.cancel(item);
    return item;
  }
}
