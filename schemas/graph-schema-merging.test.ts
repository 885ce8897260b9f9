import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { describeGraph } from './graph-schema.ts';
import { mergeDeclarations } from './graph-schema-declarations.ts';
import { conflictsOf, declared } from './graph-schema-testing.ts';

const usual = { text: 'text', names: ['Account', 'Title', 'Game'], properties: ['plan', 'watchTime'] };
/** Mostly what agrees, so that there is something to merge beside conflicts. */
function mostly(usually: readonly string[], seldom: readonly string[]): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 30, arbitrary: fc.constantFrom(...usually) },
    { weight: 1, arbitrary: fc.constantFrom(...seldom) },
  );
}
const node = fc.record({
  type: mostly(usual.names, ['title', 'Query', 'Live_Show', 'LiveShow']),
  id: mostly([usual.text], ['small', 'big', 'date']),
  properties: fc.dictionary(
    mostly(usual.properties, ['watch_time', 'id']),
    mostly([usual.text, 'enum', 'uuid'], ['small', 'big', 'double', 'flag', 'at']),
    { maxKeys: 2 },
  ),
});
const ends = fc.constantFrom([0, 1], [0, 1], [0, 0], [1, 0], [0, 2]);
const arbitrary = fc
  .record({
    subject: fc.constantFrom('a', 'b', 'c'),
    nodes: fc.uniqueArray(node, { minLength: 1, maxLength: 3, selector: ({ type }) => type }),
    edges: fc.array(fc.record({ type: mostly(['SAW', 'KNOWS', 'USED', 'HAS', 'PLAYED'], ['saw']), ends }), {
      maxLength: 1,
    }),
    action: fc.option(fc.constantFrom('watched', 'played')),
  })
  .map(({ subject, nodes, edges, action }) => {
    const typeAt = (index: number) => nodes[index % nodes.length]?.type;
    return declared(subject, {
      nodes,
      edges: edges.map(({ type, ends: [from = 0, to = 0] }) => ({
        type,
        from: typeAt(from),
        to: typeAt(to),
      })),
      ...(action === null ? {} : { journey: { owner: typeAt(0), action } }),
    });
  });

describe('merging', () => {
  test('is commutative, associative and idempotent, for the schema as for the conflicts', () => {
    let conflicting = 0;
    fc.assert(
      fc.property(arbitrary, arbitrary, arbitrary, (a, b, c) => {
        const left = describeGraph(mergeDeclarations([mergeDeclarations([a, b]), c]));
        const right = describeGraph(
          mergeDeclarations([mergeDeclarations([c, b]), mergeDeclarations([b, a, a])]),
        );
        expect(right).toEqual(left);
        if (left.conflicts.length > 0) conflicting += 1;
      }),
      { numRuns: 300, seed: 11 },
    );
    expect(conflicting).toBeGreaterThan(60);
    expect(conflicting).toBeLessThan(200);
  });

  test('never takes a conflict away', () => {
    fc.assert(
      fc.property(arbitrary, arbitrary, (a, b) => {
        const merged = new Set(conflictsOf(a, b).map(({ path }) => path.toLowerCase().replaceAll('_', '')));
        for (const { path } of conflictsOf(a))
          expect(merged).toContain(path.toLowerCase().replaceAll('_', ''));
      }),
      { numRuns: 300, seed: 12 },
    );
  });
});
