import fc from 'fast-check';
import { validateSchema } from 'graphql';
import { describe, expect, it } from 'vitest';
import type { GraphSchema } from '../../schemas/index.ts';
import { graphNodeFields } from '../graph-node-type.ts';
import { ownRootFields } from '../root-fields.ts';
import { createSchema } from '../schema.ts';
import { emptyPlan, planTypes, type TypedPlan, typedLimitsDefault } from '../typed-plan.ts';
import { edgeType, graphWith } from './typed-edges-testing.ts';

const taken = {
  rootFields: new Set(Object.keys(ownRootFields([]))),
  fields: new Set(Object.keys(graphNodeFields)),
};

function plan(graph: GraphSchema, before = emptyPlan, limits = typedLimitsDefault): TypedPlan {
  return planTypes(graph, before, taken, limits);
}

/** `Account.watched` for each connection, with `?` where it is not declared any more. */
function connections({ nodes }: TypedPlan): readonly string[] {
  return nodes.flatMap(({ name, edges }) =>
    edges.map((edge) => `${name}.${edge.name}${edge.declared ? '' : '?'}`),
  );
}

const watched = edgeType('WATCHED', [['Account', 'Title']]);

describe('The connections of a plan', () => {
  it('are one at each end of each edge type, named by it', () => {
    const { nodes, warnings } = plan(
      graphWith({ Account: {}, Title: {}, Genre: {} }, watched, edgeType('HAS_GENRE', [['Title', 'Genre']])),
    );
    expect(connections({ nodes, warnings })).toEqual(['Account.watched', 'Genre.hasGenreFrom', 'Title.hasGenre', 'Title.watchedFrom']); // biome-ignore format: one row
    expect(warnings).toEqual([]);
  });

  it('are two at a node type that leads to itself', () => {
    expect(
      connections(plan(graphWith({ Account: {} }, edgeType('FOLLOWS', [['Account', 'Account']])))),
    ).toEqual(['Account.follows', 'Account.followsFrom']);
  });

  it.each([
    [
      'a property',
      graphWith({ Account: { watched: 'text' }, Title: {} }, watched),
      'Account-[WATCHED]->',
      '`watched` is `watched` already',
    ],
    [
      'a field of every node',
      graphWith({ Account: {} }, edgeType('LINEAGE', [['Account', 'Account']])),
      'Account-[LINEAGE]->',
      'every node has a field `lineage`',
    ],
    [
      'a forward edge, of a reverse one',
      graphWith({ Account: {}, Title: {} }, watched, edgeType('WATCHED_FROM', [['Title', 'Account']])),
      'Title<-[WATCHED]-',
      '`watchedFrom` is `-[WATCHED_FROM]->` already',
    ],
    [
      'a node type, of a type of their own',
      graphWith({ Account: {}, Title: {}, AccountWatchedEdge: {} }, watched),
      'Account-[WATCHED]->',
      '`AccountWatchedEdge` is another type already',
    ],
    [
      'another connection, of a type of their own',
      graphWith(
        { Live: {}, LiveAct: {} },
        edgeType('ACT_SEEN', [['Live', 'Live']]),
        edgeType('SEEN', [['LiveAct', 'Live']]),
      ),
      'LiveAct-[SEEN]->',
      '`LiveActSeenConnection` is another type already',
    ],
  ])('give way to the name of %s, and say so', (_what, graph, path, reason) => {
    const planned = plan(graph);
    expect(planned.warnings).toEqual([{ path, sentence: expect.stringContaining(reason) }]);
    expect(validateSchema(createSchema(planned))).toEqual([]);
  });

  it('leave out properties of the edge that are called as what every edge has', () => {
    const planned = plan(graphWith({ Account: {} }, edgeType('MET', [['Account', 'Account']], { time: 'text', cursor: 'text', seat: 'text' }))); // biome-ignore format: one row
    expect(planned.nodes[0]?.edges[0]?.fields.map(({ name }) => name)).toEqual(['seat']);
    expect(planned.warnings.map(({ path }) => path)).toEqual(['MET.cursor', 'MET.time']);
  });

  it('keep their names against whatever is registered later', () => {
    const before = plan(graphWith({ Account: {}, Title: {} }, watched));
    const later = plan(graphWith({ Account: { watched: 'text' }, Title: {}, AccountWatchedEdge: {}, TitleWhere: {} }, watched), before); // biome-ignore format: one row
    expect(connections(later)).toEqual(connections(before));
    expect(later.warnings.map(({ path }) => path)).toEqual([
      'Account.watched',
      'AccountWatchedEdge',
      'TitleWhere',
    ]);
  });

  it('stay, marked, when no mapping declares them any more, with all types that were at their far end', () => {
    const before = plan(graphWith({ Account: {}, Guest: {}, Title: {} }, edgeType('WATCHED', [['Account', 'Title'], ['Guest', 'Title']], { seconds: 'integer' }))); // biome-ignore format: one row
    const later = plan(
      graphWith({ Account: {}, Title: {} }, edgeType('WATCHED', [['Account', 'Title']])),
      before,
    );
    expect(connections(later)).toEqual(['Account.watched', 'Guest.watched?', 'Title.watchedFrom']);
    expect(later.nodes.at(-1)?.edges[0]).toMatchObject({ far: ['Account', 'Guest'], fields: [{ name: 'seconds', declared: false }] }); // biome-ignore format: one row
    const none = plan(graphWith({}), later);
    expect(connections(none)).toEqual(['Account.watched?', 'Guest.watched?', 'Title.watchedFrom?']);
    expect(plan(graphWith({}), none).nodes.every((node, i) => node === none.nodes[i])).toBe(true);
  });

  it('are as many as may be, and the rest is counted', () => {
    const graph = graphWith({ A: {} }, ...Array.from({ length: 9 }, (_, i) => edgeType(`E${i}`, [['A', 'A']], { x: 'text' }))); // biome-ignore format: one row
    const few = plan(graph, emptyPlan, { ...typedLimitsDefault, edgesMax: 5 });
    expect(connections(few)).toHaveLength(5);
    expect(few.warnings).toMatchObject([{ path: 'graph', sentence: expect.stringContaining('has 13 sides of edge types') }]); // biome-ignore format: one row
    expect(connections(plan(graph, emptyPlan, { ...typedLimitsDefault, fieldsMax: 3 * 22 }))).toHaveLength(3);
  });

  it('make a valid schema of whatever is registered in whatever order, and take nothing away that is declared', () => {
    let kept = 0;
    const nodeNames = ['A', 'AB', 'B', 'AbEdge', 'AWhere', 'BAConnection'];
    const edgeNames = ['AB', 'B', 'B_FROM', 'WHERE', 'EDGE', 'A'];
    const graph = fc.record({
      nodes: fc.uniqueArray(fc.constantFrom(...nodeNames), { minLength: 4, maxLength: 6 }),
      edges: fc.uniqueArray(fc.tuple(fc.constantFrom(...edgeNames), fc.constantFrom(...nodeNames), fc.constantFrom(...nodeNames)), { selector: ([name]) => name, minLength: 4, maxLength: 6 }),
      properties: fc.uniqueArray(fc.constantFrom('a', 'ab', 'b', 'node', 'all', 'b_from'), { maxLength: 3 }),
    }); // biome-ignore format: one field a row
    const property = fc.property(fc.array(graph, { minLength: 2, maxLength: 4 }), (steps) => {
      let before = emptyPlan;
      for (const { nodes, edges, properties } of steps) {
        const own = Object.fromEntries(properties.map((name) => [name, 'text' as const]));
        const schema = graphWith(Object.fromEntries(nodes.map((name) => [name, own])), ...edges.map(([name, from, to]) => edgeType(name, [[from, to]], own))); // biome-ignore format: one row
        const now = plan(schema, before);
        expect(validateSchema(createSchema(now))).toEqual([]);
        const has = connections(now);
        for (const { name, nodeType, edges: placed } of before.nodes) {
          for (const { name: field, edgeType: edge, direction, declared } of placed) {
            const isAt = ([type, from, to]: readonly [string, string, string]): boolean =>
              type === edge && nodeType === (direction === 'out' ? from : to);
            if (declared && nodes.includes(nodeType) && edges.some(isAt)) {
              expect(has).toContain(`${name}.${field}`);
              kept += 1;
            }
          }
        }
        before = now;
      }
    });
    fc.assert(property, { numRuns: 120 });
    expect(kept).toBeGreaterThan(50);
  });
});
