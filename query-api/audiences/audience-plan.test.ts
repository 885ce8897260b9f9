import { describe, expect, it } from 'vitest';
import { german, watchedTitle } from './audience-conditions-testing.ts';
import { planAudience, type Sizes } from './audience-plan.ts';
import type { Condition, Did } from './condition.ts';

const few = watchedTitle('few');
const many = watchedTitle('many');
const anywhere: Did = { ...watchedTitle(''), to: { kind: 'any', type: 'Title' } };
const rows = new Map<Did, number>([
  [few, 10],
  [many, 1_000_000],
  [anywhere, Number.POSITIVE_INFINITY],
]);
const sizes: Sizes = { rowsOf: (one) => rows.get(one) ?? Number.POSITIVE_INFINITY, membersOf: () => 500 };
const all = (...of: Condition[]): Condition => ({ kind: 'all', of });
const any = (...of: Condition[]): Condition => ({ kind: 'any', of });
const not = (of: Condition): Condition => ({ kind: 'not', of });

describe('a plan of an audience', () => {
  it('begins where the fewest rows are, and checks the rest of each candidate', () => {
    expect(planAudience(all(german, many, few), sizes)).toEqual({
      source: { kind: 'ends', did: few },
      check: all(german, many),
      sets: [],
    });
    expect(planAudience(all(many, { kind: 'audience', id: 'a' }), sizes).source).toEqual({
      kind: 'audience',
      id: 'a',
    });
  });

  it('enumerates every branch of an any, and looks at all nodes where one has no beginning', () => {
    expect(planAudience(any(few, many), sizes)).toEqual({
      source: {
        kind: 'union',
        of: [
          { kind: 'ends', did: few },
          { kind: 'ends', did: many },
        ],
      },
      check: null,
      sets: [],
    });
    expect(planAudience(any(few, german), sizes)).toMatchObject({
      source: { kind: 'scan' },
      check: any(german, few),
    });
  });

  it('checks all of an any again where one of its branches leaves something to check', () => {
    const where = any(all(few, german), many);
    expect(planAudience(where, sizes)).toMatchObject({ source: { kind: 'union' }, check: { kind: 'any' } });
  });

  it('looks at all nodes for a not, a property and an edge to anything, and never begins at the latter', () => {
    for (const where of [not(few), german, anywhere, all(german, anywhere)])
      expect(planAudience(where, sizes)).toMatchObject({ source: { kind: 'scan' } });
    expect(planAudience(all(anywhere, german), sizes).sets).toEqual([]);
  });

  it('reads a target side once rather than each candidate’s where that is less', () => {
    expect(planAudience(all(many, not(few)), { ...sizes, rowsOf: () => 1000 }).sets).toEqual([few]);
    expect(planAudience(all(few, not(many)), sizes).sets).toEqual([]);
  });

  it('checks properties before edges', () => {
    expect(planAudience(all(few, not(many), german), sizes).check).toEqual(all(german, not(many)));
  });
});
