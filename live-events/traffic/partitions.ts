import { assert } from '../../foundation/index.ts';
import type { RequestClass } from './request-class.ts';

export interface PartitionLimits {
  /** Of the limit, 0 to 1: what a class may always have, however much the others use. */
  readonly guaranteed: Readonly<Record<RequestClass, number>>;
}

/** Users 1.0 and prefetch 0.0 as Netflix reported it in 2024. */
export const partitionLimitsDefault: PartitionLimits = {
  guaranteed: { 'live-critical': 0.25, user: 1, prefetch: 0, bulk: 0 },
};

/** Who takes a place: a class, in the server's own pool or in one that is set apart for events. */
export interface Place {
  readonly requestClass: RequestClass;
  /** Null: the server's own. */
  readonly pool: { readonly name: string; readonly share: number } | null;
}

/**
 * Places in one limit. A class may take what others leave, and up to what it is guaranteed whatever they use. So a guarantee costs nothing while
 * it is not needed, and when it is, there are for a moment more in flight than the limit: at most the limit and all guarantees together, until
 * those who had borrowed are done. The alternative, places that wait empty, gives capacity away all the time.
 *
 * A pool of events is guaranteed its share of the limit and never has more, so neither side can starve the other.
 */
export class Partitions {
  readonly #limits: PartitionLimits;
  readonly #held = new Map<string, number>();
  #total = 0;

  constructor(limits: PartitionLimits) {
    this.#limits = limits;
  }

  get total(): number {
    return this.#total;
  }

  held(place: Place): number {
    return this.#held.get(keyOf(place)) ?? 0;
  }

  /** True: the place is taken, and has to be given back once. */
  take(place: Place, limit: number): boolean {
    const { pool, requestClass } = place;
    const held = this.held(place);
    const own =
      pool === null
        ? Math.ceil(limit * this.#limits.guaranteed[requestClass])
        : Math.max(1, Math.ceil(limit * pool.share));
    const borrows = pool === null && this.#total < limit;
    if (!borrows && held >= own) return false;
    this.#held.set(keyOf(place), held + 1);
    this.#total += 1;
    return true;
  }

  giveBack(place: Place): void {
    const held = this.held(place);
    assert(held > 0, 'a place is given back by who took it');
    this.#held.set(keyOf(place), held - 1);
    this.#total -= 1;
  }
}

function keyOf({ pool, requestClass }: Place): string {
  return pool === null ? requestClass : `pool:${pool.name}`;
}
