import { assert } from '../foundation/index.ts';

/** How many nodes one call may ask for: what it holds in memory is bounded by that and by the limits of each. */
export const readsAtOnceMax = 1024;

/** Callers split what they ask: more at once is a bug. */
export function assertAtOnce(asked: readonly unknown[]): void {
  assert(asked.length <= readsAtOnceMax, `at most ${readsAtOnceMax} are read at once`);
}
