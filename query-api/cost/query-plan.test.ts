import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asked, testContext } from './cost-testing.ts';
import { planQuery } from './query-plan.ts';

function totalOf(query: string, variables: Readonly<Record<string, unknown>> = {}): readonly number[] {
  const { calls, rows } = planQuery(asked(query, variables), testContext).total;
  return [calls, rows];
}

describe('The plan of a query', () => {
  it('multiplies what is selected below by the objects above it', () => {
    expect(totalOf('{ person { posts { author { id } } } }')).toEqual([1 + 1 + 7, 1 + 7 + 7]);
    expect(totalOf('{ person { posts { author { posts { author { id } } } } } }')).toEqual([
      1 + 1 + 7 + 7 + 49,
      1 + 7 + 7 + 49 + 49,
    ]);
  });

  it('counts calls once for all parents that are read together, and rows for each', () => {
    expect(totalOf('{ person { friends(first: 20) { friends(first: 3) { id } } } }')).toEqual([
      1 + 1 + 2,
      1 + 20 + 60,
    ]);
  });

  it('takes defaults and variables as the resolver does', () => {
    const query = 'query($n: Int) { person { friends(first: $n) { id } } }';
    expect(totalOf(query)).toEqual([2, 6]);
    expect(totalOf(query, { n: 11 })).toEqual([2, 12]);
  });

  it('counts fields that merge once, with all that is selected below, and those under aliases each', () => {
    const merging = '{ person { posts { author { id } } ...A } } fragment A on Person { posts { id } }';
    expect(totalOf(merging)).toEqual([9, 15]);
    expect(
      totalOf('{ person { posts { id } ...A } } fragment A on Person { posts { author { id } } }'),
    ).toEqual([9, 15]);
    expect(totalOf('{ a: person { id } b: person { id } }')).toEqual([2, 2]);
  });

  it('leaves out what is skipped or not included', () => {
    const query =
      'query($yes: Boolean!) { a: person @skip(if: $yes) { id } b: person @include(if: $yes) { id } }';
    expect(totalOf(query, { yes: true })).toEqual([1, 1]);
    expect(totalOf(query, { yes: false })).toEqual([1, 1]);
  });

  it('asks the types behind an interface that does not say what its field costs', () => {
    expect(totalOf('{ being { friends(first: 4) { ... on Person { posts { id } } } } }')).toEqual([
      1 + 1 + 4,
      1 + 4 + 28,
    ]);
  });

  it('counts nothing for a fragment that can never apply', () => {
    expect(totalOf('{ person { ... on Robot { friends { id } } } }')).toEqual([1, 1]);
  });

  it('counts nothing for introspection or a wrong argument, which never come to the store', () => {
    expect(totalOf('{ __schema { types { name } } __typename }')).toEqual([0, 0]);
    expect(totalOf('{ person { friends(first: "x") { id } } }')).toEqual([1, 1]);
  });

  it('is refused when fragments unfold without end', () => {
    const fragments = Array.from(
      { length: 12 },
      (_, i) => `fragment F${i} on Person { ...G${i} p: posts { author { ...F${i + 1} } } }
        fragment G${i} on Person { q: posts { author { ...F${i + 1} } } r: posts { author { ...F${i + 1} } } }`,
    ).join(' ');
    const query = `{ person { ...F0 } } ${fragments} fragment F12 on Person { id }`;
    expect(() => totalOf(query)).toThrow(/unfolds to more than 5000/);
  });

  it('names each field that reads by its place in the answer', () => {
    const { fields } = planQuery(asked('{ me: person { posts { writer: author { id } } } }'), testContext);
    expect(fields.map(({ path, times }) => [path, times])).toEqual([
      ['me', 1],
      ['me.posts', 1],
      ['me.posts.writer', 7],
    ]);
  });

  it('never falls when more is asked for', () => {
    const size = fc.integer({ min: 1, max: 40 });
    const property = fc.property(size, size, size, (a, b, more) => {
      const query = (n: number): string =>
        `{ person { friends(first: ${n}) { friends(first: ${b}) { id } } } }`;
      const [calls = 0, rows = 0] = totalOf(query(a));
      const [callsMore = 0, rowsMore = 0] = totalOf(query(a + more));
      expect(callsMore).toBeGreaterThanOrEqual(calls);
      expect(rowsMore).toBeGreaterThan(rows);
    });
    fc.assert(property, { numRuns: 50, seed: 20261121 });
  });
});
