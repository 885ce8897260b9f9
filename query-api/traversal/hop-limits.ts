import type { QueryLimits } from '../api-context.ts';

/** Where a limit in force comes from; each beats those before it, but a query can only lower what they allow. */
export type LimitOrigin = 'DEFAULT' | 'SETTINGS' | 'DEPTH' | 'EDGE_TYPE' | 'QUERY';

/** What an operator allows for one depth (the first hop is 1) or one edge type. Null leaves that limit as it is. */
export interface HopLimitRule {
  readonly of: number | string;
  readonly edgesMax: number | null;
  readonly lookbackMs: number | null;
}

/** Of {@link queryLimitsDefault}: what nobody had to set. */
export const hopEdgesDefault = 300;
export const lookbackDefaultMs = 100 * 86_400_000;

export interface HopAsked {
  /** Null where limits go by edge type only. */
  readonly depth: number | null;
  readonly edge: string;
  readonly limit: number | null;
  readonly sinceMs: number | null;
  readonly untilMs: number;
}

/** What holds for one hop, settled before anything is read. */
export interface HopLimits {
  readonly edgesMax: number;
  readonly edgesFrom: LimitOrigin;
  readonly sinceMs: number;
  readonly sinceFrom: LimitOrigin;
  readonly untilMs: number;
  /** How far back the hop may read at most. */
  readonly lookbackMs: number;
  /** True when the query asked for older edges than it may read. */
  readonly cutsSince: boolean;
}

interface Allowed {
  readonly value: number;
  readonly from: LimitOrigin;
}

export function resolveHopLimits(
  asked: HopAsked,
  limits: Pick<QueryLimits, 'hopEdgesMax' | 'hopRules' | 'lookbackMs'>,
  nowMs: number,
): HopLimits {
  const edges = allowed(asked, limits.hopRules, 'edgesMax', {
    value: limits.hopEdgesMax,
    from: limits.hopEdgesMax === hopEdgesDefault ? 'DEFAULT' : 'SETTINGS',
  });
  const lookback = allowed(asked, limits.hopRules, 'lookbackMs', {
    value: limits.lookbackMs,
    from: limits.lookbackMs === lookbackDefaultMs ? 'DEFAULT' : 'SETTINGS',
  });
  const oldestMs = Math.max(0, Math.min(asked.untilMs, nowMs) - lookback.value);
  const lowersEdges = asked.limit !== null && asked.limit < edges.value;
  const lowersSince = asked.sinceMs !== null && asked.sinceMs > oldestMs;
  return {
    edgesMax: lowersEdges ? asked.limit : edges.value,
    edgesFrom: lowersEdges ? 'QUERY' : edges.from,
    sinceMs: lowersSince ? asked.sinceMs : oldestMs,
    sinceFrom: lowersSince ? 'QUERY' : lookback.from,
    untilMs: asked.untilMs,
    lookbackMs: lookback.value,
    cutsSince: asked.sinceMs !== null && asked.sinceMs < oldestMs,
  };
}

function allowed(
  { depth, edge }: HopAsked,
  rules: readonly HopLimitRule[],
  limit: 'edgesMax' | 'lookbackMs',
  general: Allowed,
): Allowed {
  const said = (of: number | string | null): number | null =>
    rules.find((rule) => rule.of === of)?.[limit] ?? null;
  const ofEdge = said(edge);
  if (ofEdge !== null) return { value: ofEdge, from: 'EDGE_TYPE' };
  const ofDepth = said(depth);
  return ofDepth === null ? general : { value: ofDepth, from: 'DEPTH' };
}
