import type { StepView } from '../../graph-store/index.ts';

/** Steps in a row that say the same, as one. */
export interface FoldedStep {
  /** The last of them in the order of the page, so that its place is where the next page goes on. */
  readonly step: StepView;
  readonly count: number;
  /** By event time, whatever the order of the page. */
  readonly firstMs: number;
  readonly lastMs: number;
}

/** Folds neighbours of one domain, one action and the same links, in whatever order those come; properties may differ. */
export function foldRepeats(steps: readonly StepView[]): readonly FoldedStep[] {
  const folded: FoldedStep[] = [];
  let keyBefore: string | null = null;
  for (const step of steps) {
    const key = keyOf(step);
    const before = key === keyBefore ? folded.pop() : undefined;
    folded.push(before === undefined ? alone(step) : joined(before, step));
    keyBefore = key;
  }
  return folded;
}

export function alone(step: StepView): FoldedStep {
  return { step, count: 1, firstMs: step.timeMs, lastMs: step.timeMs };
}

function joined({ count, firstMs, lastMs }: FoldedStep, step: StepView): FoldedStep {
  const { timeMs } = step;
  return { step, count: count + 1, firstMs: Math.min(firstMs, timeMs), lastMs: Math.max(lastMs, timeMs) };
}

function keyOf({ domain, action, links }: StepView): string {
  const named = links.map(({ edge, direction, node }) =>
    JSON.stringify([edge, direction, node.type, node.id]),
  );
  return JSON.stringify([domain, action, ...named.sort()]);
}
