import { must } from '../../foundation/index.ts';
import type { StepView } from '../../graph-store/index.ts';
import { nodesOfType } from './linked-nodes.ts';
import type { PageBounds } from './page-bounds.ts';

/** Steps with no longer pause than the gap between any two neighbours. */
export interface Session {
  readonly startMs: number;
  readonly endMs: number;
  readonly steps: number;
  /** Each once, in the order in which they came up. */
  readonly domains: readonly string[];
  /** Ids, likewise. */
  readonly devices: readonly string[];
  /** True when a step that the page does not hold may lie so near before it that it belongs to it. */
  readonly mayBeginEarlier: boolean;
  /** The same behind it; also while the session still goes on. */
  readonly mayEndLater: boolean;
}

/** `steps` oldest first; so are the sessions. */
export function sessionsOf(
  steps: readonly StepView[],
  gapMs: number,
  deviceType: string,
  bounds: PageBounds,
): readonly Session[] {
  const groups: StepView[][] = [];
  for (const step of steps) {
    const group = groups.at(-1);
    const before = group?.at(-1);
    if (group !== undefined && before !== undefined && step.timeMs - before.timeMs <= gapMs) group.push(step);
    else groups.push([step]);
  }
  return groups.map((group) => sessionOf(group, gapMs, deviceType, bounds));
}

function sessionOf(
  steps: readonly StepView[],
  gapMs: number,
  deviceType: string,
  { earlierMs, laterMs }: PageBounds,
): Session {
  const startMs = must(steps[0], 'a session has a step').timeMs;
  const endMs = must(steps.at(-1), 'a session has a step').timeMs;
  return {
    startMs,
    endMs,
    steps: steps.length,
    domains: [...new Set(steps.map(({ domain }) => domain))],
    devices: [...new Set(steps.flatMap((step) => nodesOfType(step, deviceType)))],
    mayBeginEarlier: earlierMs >= 0 && startMs - earlierMs <= gapMs,
    mayEndLater: laterMs - endMs <= gapMs,
  };
}
