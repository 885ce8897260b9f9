import type { StepView } from '../../graph-store/index.ts';

/** A member going over from one device or domain to another one. */
export interface Transition {
  readonly from: string;
  readonly to: string;
  /** Of the first step at `to`. */
  readonly timeMs: number;
  /** Since the last step at `from`. */
  readonly afterMs: number;
}

/**
 * `steps` oldest first; so are the transitions. `placeOf` says where a step was; what was nowhere is passed over, and the member
 * stays where they were.
 */
export function transitionsOf(
  steps: readonly StepView[],
  placeOf: (step: StepView) => string | null,
): readonly Transition[] {
  const transitions: Transition[] = [];
  let before: { readonly place: string; readonly timeMs: number } | null = null;
  for (const step of steps) {
    const place = placeOf(step);
    if (place === null) continue;
    const { timeMs } = step;
    if (before !== null && before.place !== place) {
      transitions.push({ from: before.place, to: place, timeMs, afterMs: timeMs - before.timeMs });
    }
    before = { place, timeMs };
  }
  return transitions;
}
