import type { Cost, CostContext } from './field-cost.ts';
import {
  type PlanChange,
  type PlannedOperation,
  planQuery,
  type QueryPlan,
  type SizedPlan,
} from './query-plan.ts';

/** Plans that looking for a change may take, and what they may look at together: a query that is refused must stay cheap. */
const plansMax = 96;
const looksMax = 20_000;

export interface CheaperChange {
  readonly change: PlanChange;
  /** What the operation would cost with it. */
  readonly cost: Cost;
}

export function fits(cost: Cost, budget: Cost): boolean {
  return cost.calls <= budget.calls && cost.rows <= budget.rows;
}

/**
 * The single change that keeps most of the question and makes its cost fit: one argument lowered as little as possible or, where no
 * argument does it, one field left out, after which most is left. Each was planned with that change, so that what is proposed passes. Null where none was found.
 */
export function cheapestChange(
  asked: PlannedOperation,
  context: CostContext,
  plan: SizedPlan,
  budget: Cost,
): CheaperChange | null {
  const trial = { asked, context, budget, left: Math.min(plansMax, Math.floor(looksMax / plan.size)) };
  return lowerArgument(trial, plan) ?? leaveOut(trial, plan);
}

interface Trial {
  readonly asked: PlannedOperation;
  readonly context: CostContext;
  readonly budget: Cost;
  left: number;
}

/** Null when the change is not enough, or no more may be tried. */
function attempt(trial: Trial, change: PlanChange): CheaperChange | null {
  trial.left -= 1;
  if (trial.left < 0) return null;
  const { total } = planQuery(trial.asked, trial.context, change);
  return fits(total, trial.budget) ? { change, cost: total } : null;
}

function lowerArgument(trial: Trial, plan: QueryPlan): CheaperChange | null {
  const dearestFirst = [...plan.fields].sort((a, b) => b.total.rows - a.total.rows);
  const candidates = dearestFirst.flatMap(({ path, costs }) =>
    costs.cheaper
      .filter(({ value, least }) => least < value)
      .map(({ argument, value, least }) => ({ path, argument, from: value, least })),
  );
  let best: { readonly found: CheaperChange; readonly kept: number } | null = null;
  for (const { least, ...candidate } of candidates) {
    const changeTo = (to: number): PlanChange => ({ kind: 'argument', ...candidate, to });
    const found = greatest(trial, changeTo, least, candidate.from);
    if (found === null || found.change.kind !== 'argument') continue;
    const kept = found.change.to / candidate.from;
    if (best === null || kept > best.kept) best = { found, kept };
  }
  return best?.found ?? null;
}

/** Costs grow with their arguments; where one does not, a value that was not found is a smaller offer, never a wrong one. */
function greatest(
  trial: Trial,
  changeTo: (value: number) => PlanChange,
  least: number,
  value: number,
): CheaperChange | null {
  let found = attempt(trial, changeTo(least));
  if (found === null) return null;
  let low = least;
  let high = value;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    const passes = attempt(trial, changeTo(middle));
    if (passes === null) high = middle;
    else {
      found = passes;
      low = middle;
    }
  }
  return found;
}

/** With all that is below it. */
function leaveOut(trial: Trial, plan: QueryPlan): CheaperChange | null {
  let best: CheaperChange | null = null;
  for (const { path } of plan.fields) {
    const found = attempt(trial, { kind: 'without', path });
    // An operation of which nothing is left answers nothing.
    if (found === null || found.cost.calls === 0) continue;
    if (best === null || found.cost.rows > best.cost.rows) best = found;
  }
  return best;
}
