import fc from 'fast-check';
import type { StoreHarness } from './conformance-subject.ts';

/**
 * Runs a property as often as the harness says. A failure prints `{ seed: …, path: "…" }` and the smallest counterexample;
 * the same words as the harness's `replay` run that one case again.
 */
export async function assertProperty<Values>(
  { propertyRuns, replay }: Pick<StoreHarness, 'propertyRuns' | 'replay'>,
  property: fc.IAsyncProperty<Values>,
): Promise<void> {
  await fc.assert(property, { numRuns: propertyRuns, ...replay });
}

/** A shuffle that belongs to the case: what fast-check prints as `shuffleSeed` gives the same order again. */
export function shuffle<T>(items: readonly T[], shuffleSeed: number): T[] {
  let state = shuffleSeed;
  const keyed = items.map((item) => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return { item, key: state };
  });
  return keyed.sort((a, b) => a.key - b.key).map(({ item }) => item);
}

/** In parts of these sizes, which are taken in turn. */
export function split<T>(items: readonly T[], sizes: readonly number[]): T[][] {
  const parts: T[][] = [];
  for (let at = 0, i = 0; at < items.length; i += 1) {
    const size = sizes[i % sizes.length] ?? 1;
    parts.push(items.slice(at, at + size));
    at += size;
  }
  return parts;
}
