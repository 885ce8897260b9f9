import { describe, expect, it } from 'vitest';
import { readHopLimits } from './hop-limits.ts';

describe('Limits of hops', () => {
  it('are said for a depth or an edge type, of edges, of the lookback or of both', () => {
    expect(readHopLimits(['3=100', 'WATCHED=500/30d', 'USED=/36h'])).toEqual([
      { of: 3, edgesMax: 100, lookbackMs: null },
      { of: 'WATCHED', edgesMax: 500, lookbackMs: 30 * 86_400_000 },
      { of: 'USED', edgesMax: null, lookbackMs: 36 * 3_600_000 },
    ]);
    expect(readHopLimits([])).toEqual([]);
  });
  it.each([
    'WATCHED',
    'WATCHED=',
    'WATCHED=/',
    'WATCHED=0',
    'WATCHED=10001',
    'WATCHED=1/1',
    'WATCHED=1/30x',
    'WATCHED=1/99999d',
    '0=1',
    '1x=1',
    '-1=1',
    'A B=1',
    '=1',
  ])('refuse %s', (item) => {
    expect(readHopLimits([item])).toBeNull();
  });
  it('are said once each', () => {
    expect(readHopLimits(['3=1', '3=2'])).toBeNull();
  });
});
