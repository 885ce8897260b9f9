import { unreachable } from '../../foundation/index.ts';
import { type Condition, type Did, didsOf } from './condition.ts';

/** Where candidates come from; each is enumerated once, whatever leads to it. */
export type Source =
  /** The other ends of the targets' own edges. */
  | { readonly kind: 'ends'; readonly did: Did }
  | { readonly kind: 'audience'; readonly id: string }
  | { readonly kind: 'union'; readonly of: readonly Source[] }
  /** Every node of the type that has properties. */
  | { readonly kind: 'scan' };

export interface AudiencePlan {
  readonly source: Source;
  /** What is left to check of each candidate, cheapest first; null when the source says it all. */
  readonly check: Condition | null;
  /** Of the check: what is read once from the targets' side rather than from each candidate's. */
  readonly sets: readonly Did[];
}

/** What is known before anything is read; guesses are enough, they decide nothing but cost. */
export interface Sizes {
  /** Rows on the targets' side; infinite where there is no target to start from. */
  rowsOf(did: Did): number;
  membersOf(audience: string): number;
}

/** A look at one candidate's own edges costs about as much as so many rows of a target's. */
const rowsOfProbe = 30;

interface Start {
  readonly source: Source;
  readonly rows: number;
  /** What the source leaves unchecked. */
  readonly check: Condition | null;
}

/**
 * Which side to begin at. Of what has to hold together the cheapest that can be enumerated is, and the rest is checked; where any of several will do all of them
 * have to be. Where nothing can be enumerated, such as of a `not`, all nodes of the type are candidates.
 */
export function planAudience(condition: Condition, sizes: Sizes): AudiencePlan {
  const start = startOf(condition, sizes) ?? {
    source: { kind: 'scan' },
    rows: Number.POSITIVE_INFINITY,
    check: condition,
  };
  const check = start.check === null ? null : cheapestFirst(start.check);
  const isWorthReading = (did: Did): boolean =>
    Number.isFinite(sizes.rowsOf(did)) && sizes.rowsOf(did) <= start.rows * rowsOfProbe;
  const sets = check === null ? [] : didsOf(check).filter(isWorthReading);
  return { source: start.source, check, sets };
}

function startOf(condition: Condition, sizes: Sizes): Start | null {
  switch (condition.kind) {
    case 'did': {
      const rows = sizes.rowsOf(condition);
      if (!Number.isFinite(rows)) return null;
      return { source: { kind: 'ends', did: condition }, rows, check: null };
    }
    case 'audience':
      return { source: condition, rows: sizes.membersOf(condition.id), check: null };
    case 'any':
      return startOfAny(condition, sizes);
    case 'all':
      return startOfAll(condition, sizes);
    case 'member':
    case 'not':
      return null;
    default:
      return unreachable(condition);
  }
}

function startOfAny(condition: Extract<Condition, { kind: 'all' | 'any' }>, sizes: Sizes): Start | null {
  const starts = condition.of.map((one) => startOf(one, sizes));
  const sources: Source[] = [];
  let rows = 0;
  let whole = true;
  for (const start of starts) {
    if (start === null) return null;
    sources.push(start.source);
    rows += start.rows;
    whole &&= start.check === null;
  }
  // What one branch still has to check says nothing of the others' candidates, so then all of it is checked of each.
  return { source: { kind: 'union', of: sources }, rows, check: whole ? null : condition };
}

function startOfAll(condition: Extract<Condition, { kind: 'all' | 'any' }>, sizes: Sizes): Start | null {
  let best: { readonly start: Start; readonly at: number } | null = null;
  for (const [at, one] of condition.of.entries()) {
    const start = startOf(one, sizes);
    if (start !== null && (best === null || start.rows < best.start.rows)) best = { start, at };
  }
  if (best === null) return null;
  const { start, at } = best;
  const rest = condition.of.filter((_one, i) => i !== at);
  const left = start.check === null ? rest : [start.check, ...rest];
  const [only] = left;
  if (only === undefined) return { ...start, check: null };
  return { ...start, check: left.length === 1 ? only : { kind: 'all', of: left } };
}

/** Bitmaps before properties before edges: what is decided early is not asked again. */
function cheapestFirst(condition: Condition): Condition {
  switch (condition.kind) {
    case 'all':
    case 'any': {
      const of = condition.of.map(cheapestFirst);
      return { ...condition, of: of.toSorted((a, b) => costOf(a) - costOf(b)) };
    }
    case 'not':
      return { ...condition, of: cheapestFirst(condition.of) };
    default:
      return condition;
  }
}

function costOf(condition: Condition): number {
  switch (condition.kind) {
    case 'audience':
      return 0;
    case 'member':
      return 1;
    case 'did':
      return rowsOfProbe;
    case 'not':
      return costOf(condition.of);
    case 'all':
    case 'any':
      return condition.of.reduce((sum, one) => sum + costOf(one), 0);
    default:
      return unreachable(condition);
  }
}
