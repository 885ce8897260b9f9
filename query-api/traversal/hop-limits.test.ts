import { describe, expect, it } from 'vitest';
import { type HopAsked, type HopLimitRule, resolveHopLimits } from './hop-limits.ts';

const dayMs = 86_400_000;
const nowMs = 1000 * dayMs;
const asked: HopAsked = { depth: 2, edge: 'WATCHED', limit: null, sinceMs: null, untilMs: 8.64e15 };
const defaults = { hopEdgesMax: 300, lookbackMs: 100 * dayMs, hopRules: [] };
const ofDepth: HopLimitRule = { of: 2, edgesMax: 200, lookbackMs: 50 * dayMs };
const ofEdge: HopLimitRule = { of: 'WATCHED', edgesMax: 100, lookbackMs: 365 * dayMs };

describe('Limits of a hop', () => {
  it.each([
    ['defaults', {}, {}, [300, 'DEFAULT', 900, 'DEFAULT']],
    [
      'settings over defaults',
      { hopEdgesMax: 400, lookbackMs: 10 * dayMs },
      {},
      [400, 'SETTINGS', 990, 'SETTINGS'],
    ],
    ['the depth over settings', { hopEdgesMax: 400, hopRules: [ofDepth] }, {}, [200, 'DEPTH', 950, 'DEPTH']],
    [
      'the edge type over the depth',
      { hopRules: [ofDepth, ofEdge] },
      {},
      [100, 'EDGE_TYPE', 635, 'EDGE_TYPE'],
    ],
    ['no other depth', { hopRules: [ofDepth] }, { depth: 1 }, [300, 'DEFAULT', 900, 'DEFAULT']],
    ['no other edge type', { hopRules: [ofEdge] }, { edge: 'USED' }, [300, 'DEFAULT', 900, 'DEFAULT']],
    [
      'one limit by depth and the other by edge type',
      {
        hopRules: [
          { ...ofDepth, lookbackMs: null },
          { ...ofEdge, edgesMax: null },
        ],
      },
      {},
      [200, 'DEPTH', 635, 'EDGE_TYPE'],
    ],
    ['a query that lowers them', {}, { limit: 7, sinceMs: 950 * dayMs }, [7, 'QUERY', 950, 'QUERY']],
    ['a query that would raise them', {}, { limit: 301, sinceMs: 0 }, [300, 'DEFAULT', 900, 'DEFAULT']],
    [
      'a query that would raise those of the edge type',
      { hopRules: [ofEdge] },
      { limit: 101, sinceMs: 0 },
      [100, 'EDGE_TYPE', 635, 'EDGE_TYPE'],
    ],
    ['a lookback before the end of the span', {}, { untilMs: 500 * dayMs }, [300, 'DEFAULT', 400, 'DEFAULT']],
  ] as const)('are %s', (_name, limits, query, [edges, edgesFrom, sinceDay, sinceFrom]) => {
    expect(resolveHopLimits({ ...asked, ...query }, { ...defaults, ...limits }, nowMs)).toMatchObject({
      edgesMax: edges,
      edgesFrom,
      sinceMs: sinceDay * dayMs,
      sinceFrom,
    });
  });
  it('say when older edges were asked for than may be read', () => {
    expect(resolveHopLimits({ ...asked, sinceMs: 899 * dayMs }, defaults, nowMs).cutsSince).toBe(true);
    expect(resolveHopLimits({ ...asked, sinceMs: 900 * dayMs }, defaults, nowMs).cutsSince).toBe(false);
    expect(resolveHopLimits(asked, defaults, nowMs).cutsSince).toBe(false);
  });
});
