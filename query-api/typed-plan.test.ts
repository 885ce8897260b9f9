import fc from 'fast-check';
import { GraphQLObjectType, validateSchema } from 'graphql';
import { describe, expect, it } from 'vitest';
import type { PropertyKind } from '../schemas/index.ts';
import { graphNodeFields } from './graph-node-type.ts';
import { graphOf, graphOfTypes, largeGraph } from './graph-schema-testing.ts';
import { ownRootFields } from './root-fields.ts';
import { createSchema } from './schema.ts';
import { emptyPlan, planTypes, type TypedPlan } from './typed-plan.ts';

const taken = {
  rootFields: new Set(Object.keys(ownRootFields([]))),
  fields: new Set(Object.keys(graphNodeFields)),
};

function plan(graph: ReturnType<typeof graphOf>, before = emptyPlan): TypedPlan {
  return planTypes(graph, before, taken);
}

function names({ nodes }: TypedPlan): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(
    nodes.map(({ name, declared, fields }) => [
      declared ? name : `${name}?`,
      fields.map((field) => (field.declared ? field.name : `${field.name}?`)),
    ]),
  );
}

describe('The typed part', () => {
  it('names types, root fields and fields as GraphQL does', () => {
    const { nodes, warnings } = plan(graphOf({ live_show: { start_time: 'timestamp', TITLE: 'text' } }));
    expect(nodes).toMatchObject([{ name: 'LiveShow', rootField: 'liveShow', nodeType: 'live_show' }]);
    expect(nodes[0]?.fields.map(({ name, property }) => [name, property])).toEqual([
      ['startTime', 'start_time'],
      ['title', 'TITLE'],
    ]);
    expect(warnings).toEqual([]);
  });

  it('takes words that languages reserve, and names that every object has', () => {
    const words = ['on', 'fragment', 'query', 'true', 'null', 'type', 'constructor', '__proto__', 'toString'];
    const typed = plan(
      graphOfTypes([
        ['Fragment', words.map((word) => [word, 'text'] as const)],
        ['On', []],
        ['True', []],
      ]),
    );
    expect(typed.warnings).toEqual([]);
    expect(validateSchema(createSchema(typed))).toEqual([]);
    const fragment = createSchema(typed).getType('Fragment');
    expect(fragment).toBeInstanceOf(GraphQLObjectType);
    expect(names(typed).Fragment).toEqual([
      'constructor',
      'fragment',
      'null',
      'on',
      'proto',
      'query',
      'toString',
      'true',
      'type',
    ]);
  });

  it.each([
    ['a name that the API needs', { Status: {} }, 'Status', 'a name that GraphQL or the API itself needs'],
    ['a name of the interface', { graph_node: {} }, 'graph_node', '`GraphNode` is a name'],
    ['a root field of ours', { Journey: {} }, 'Journey', "`journey` is a field of the API's own"],
    ['two underscores', { __: {} }, '__', '`__` is a name that GraphQL or the API itself needs'],
    ['a property of underscores', { A: { __: 'text' } }, 'A.__', 'keeps for itself'],
    ['a property called properties', { A: { properties: 'text' } }, 'A.properties', 'every node has a field'],
    [
      'a property called journey',
      { A: { JOURNEY: 'text' } },
      'A.JOURNEY',
      'every node has a field `journey`',
    ],
    [
      'a type that is another',
      { LiveShow: {}, live_show: {} },
      'live_show',
      '`LiveShow` is `LiveShow` already',
    ],
    [
      'a property that is another',
      { A: { watchTime: 'text', watch_time: 'text' } },
      'A.watch_time',
      '`watchTime` is `watchTime` already',
    ],
    ['a name that is none', { 'no-name': {} }, 'no-name', 'is no name there'],
  ] as const)('leaves out %s, says so, and has the rest', (_what, types, path, why) => {
    const typed = plan(graphOf({ ...types, Title: { name: 'text' } }));
    expect(typed.warnings).toEqual([{ path, sentence: expect.stringContaining(why) }]);
    expect(names(typed).Title).toEqual(['name']);
    expect(validateSchema(createSchema(typed))).toEqual([]);
  });

  it('is bounded in types and fields, and says how many are left out', () => {
    const typed = plan(largeGraph(510, 30));
    expect(typed.nodes.length).toBe(500);
    expect(typed.nodes.reduce((sum, { fields }) => sum + fields.length, 0)).toBe(10_000);
    expect(typed.warnings.map(({ sentence }) => sentence)).toEqual([
      expect.stringMatching(/^has 10 node types without a type in GraphQL, which takes at most 500/),
      expect.stringMatching(/^has 5000 properties that are no fields in GraphQL, which takes at most 10000/),
    ]);
  });

  it('says fifty warnings and how many more there are', () => {
    const properties = Array.from({ length: 60 }, (_, at) => [`a${'_'.repeat(at)}`, 'text'] as const);
    const { warnings } = plan(graphOfTypes([['A', properties]]));
    expect(warnings.length).toBe(51);
    expect(warnings.at(-1)).toEqual({ path: 'graph', sentence: 'has 9 more of these' });
  });

  it('keeps what no mapping declares any more, marked so, until it is declared again', () => {
    const first = plan(graphOf({ Account: { plan: 'text', country: 'text' }, Title: { name: 'text' } }));
    const second = plan(graphOf({ Account: { plan: 'integer' } }), first);
    expect(names(second)).toEqual({ Account: ['country?', 'plan'], 'Title?': ['name?'] });
    expect(second.nodes[0]?.fields[1]?.kind).toBe('integer');
    const third = plan(
      graphOf({ Account: { plan: 'text', country: 'text' }, Title: { name: 'text' } }),
      second,
    );
    expect(third).toEqual(first);
  });

  it('gives a name to whom it is declared by now, and leaves it with whoever had it', () => {
    const first = plan(graphOf({ A: { watch_time: 'integer' } }));
    const renamed = plan(graphOf({ A: { watchTime: 'number' } }), first);
    expect(renamed.nodes[0]?.fields).toMatchObject([
      { name: 'watchTime', property: 'watchTime', kind: 'number', declared: true },
    ]);
    const joined = plan(graphOf({ A: { watchTime: 'number', watch_time: 'integer' } }), first);
    expect(joined.nodes[0]?.fields[0]?.property).toBe('watch_time');
  });

  it('keeps its place against newcomers when it is full', () => {
    const limits = { typesMax: 2, fieldsMax: 2, edgesMax: 10 };
    const first = planTypes(graphOf({ X: { b: 'text' }, Y: { b: 'text' } }), emptyPlan, taken, limits);
    const graph = graphOf({ A: { a: 'text' }, X: { a: 'text', b: 'text' }, Y: { b: 'text' } });
    expect(names(planTypes(graph, first, taken, limits))).toEqual({ X: ['b'], Y: ['b'] });
  });

  it('is a valid schema whatever the names, and types or warns of each', () => {
    const name = fc.oneof(
      fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,6}$/),
      fc.constantFrom(
        'id',
        'type',
        'journey',
        'Journey',
        'Query',
        '__',
        '_',
        '___1',
        'node',
        'Node',
        'on',
        'a-b',
      ),
    );
    const kind = fc.constantFrom<PropertyKind>('text', 'integer', 'number', 'boolean', 'timestamp', 'bytes');
    const properties = fc.uniqueArray(fc.tuple(name, kind), { selector: ([one]) => one, maxLength: 6 });
    const graph = fc
      .uniqueArray(fc.tuple(name, properties), { selector: ([one]) => one, maxLength: 6 })
      .map(graphOfTypes);
    fc.assert(
      fc.property(graph, graph, (before, now) => {
        const typed = plan(now, plan(before));
        expect(validateSchema(createSchema(typed))).toEqual([]);
        const said = new Set(typed.warnings.map(({ path }) => path));
        for (const { name: type, properties: declared } of now.nodeTypes) {
          const node = typed.nodes.find(({ nodeType }) => nodeType === type);
          expect(node?.declared === true).toBe(!said.has(type));
          if (node === undefined) continue;
          for (const { name: property } of declared) {
            const field = node.fields.find((one) => one.property === property);
            expect(field?.declared === true).toBe(!said.has(`${type}.${property}`));
          }
        }
      }),
    );
  });
});
