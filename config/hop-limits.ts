import { parseSetting } from './setting-value.ts';

/** What beats the general limits of hops at a depth (a number, the first is 1) or for an edge type. */
export interface HopLimit {
  readonly of: number | string;
  /** Null where it is left as it is. */
  readonly edgesMax: number | null;
  readonly lookbackMs: number | null;
}

const form = /^(?:([1-9]\d?)|([A-Za-z_][A-Za-z0-9_]{0,127}))=(\d{1,6})?(?:\/(\w+))?$/;
const edgesMost = 10_000;
const lookback = {
  section: 'query',
  kind: 'number',
  unit: 'ms',
  default: 1000,
  min: 1000,
  max: 36_500 * 86_400_000,
  description: '',
} as const;

/** Null when an item says something else, says nothing, or says again what another says. */
export function readHopLimits(items: readonly string[]): readonly HopLimit[] | null {
  const limits: HopLimit[] = [];
  for (const item of items) {
    const [matched, depth, type, edges, span] = form.exec(item) ?? [];
    if (matched === undefined || (edges === undefined && span === undefined)) return null;
    const of = type ?? Number(depth);
    const edgesMax = edges === undefined ? null : Number(edges);
    const lookbackMs = span === undefined ? null : milliseconds(span);
    if (edgesMax !== null && (edgesMax < 1 || edgesMax > edgesMost)) return null;
    if (lookbackMs === 'unreadable' || limits.some((limit) => limit.of === of)) return null;
    limits.push({ of, edgesMax, lookbackMs });
  }
  return limits;
}

function milliseconds(text: string): number | 'unreadable' {
  const parsed = parseSetting(lookback, text);
  return parsed.ok && typeof parsed.value === 'number' ? parsed.value : 'unreadable';
}
