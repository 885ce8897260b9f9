import fc from 'fast-check';
import { graphql } from 'graphql';
import { describe, expect, it } from 'vitest';
import { silentLog, systemClock } from '../../foundation/index.ts';
import type {
  EdgeMutation,
  EventMutations,
  GraphReader,
  Mutation,
  NodeRef,
} from '../../graph-store/index.ts';
import { type ApiContext, queryLimitsDefault } from '../api-context.ts';
import { graphOf } from '../graph-schema-testing.ts';
import { ReadBudget } from '../read-budget.ts';
import { createSchema } from '../schema.ts';
import { StepBudget } from '../step-budget.ts';
import { TraversalBudget } from '../traversal/traversal-budget.ts';
import { noBudget } from '../traversal/walk-testing.ts';
import { edgeType, graphWith } from '../typed-edges/typed-edges-testing.ts';
import { emptyPlan, planTypes } from '../typed-plan.ts';
import { AuthorizedReader } from './authorized-reader.ts';
import { Grant } from './grant.ts';
import { callerWith, eventAt, policyFrom, storeWith } from './policy-testing.ts';

const types = ['Alpha', 'Beta', 'Gamma'] as const;
const edgeTypes = ['KNOWS', 'OWNS'] as const;
const domains = ['ads', 'games'] as const;
const properties = ['one', 'two'] as const;
const count = 9;
const texts = { one: 'text', two: 'text' } as const;
const pairs = types.flatMap((from) => types.map((to) => [from, to] as const));
const schema = createSchema(
  planTypes(
    graphWith(
      Object.fromEntries(types.map((type) => [type, texts])),
      ...edgeTypes.map((name) => edgeType(name, pairs, texts)),
    ),
    emptyPlan,
    {
      rootFields: new Set(),
      fields: new Set(),
    },
  ),
);

const clock = { ...systemClock, now: () => 5000 };

/** Each id and value is a text that is found nowhere else. */
function nodeAt(index: number): NodeRef {
  return { type: types[index % types.length] ?? 'Alpha', id: `<id-${index}>` };
}

interface World {
  /** By node. */
  readonly tenants: readonly string[];
  readonly edges: readonly {
    readonly type: string;
    readonly from: number;
    readonly to: number;
    readonly timeMs: number;
  }[];
  readonly steps: readonly {
    readonly owner: number;
    readonly domain: string;
    readonly links: readonly { readonly edge: string; readonly node: number }[];
    readonly timeMs: number;
  }[];
}

interface TypeRights {
  readonly rows: 'none' | 'all' | 'tenant' | 'id' | 'over';
  readonly fields: readonly string[];
  readonly lineage: boolean;
}

interface Rights {
  readonly nodes: readonly TypeRights[];
  readonly edges: readonly string[];
  readonly domains: readonly string[];
  readonly partFields: readonly string[];
  readonly ownId: number;
}

const index = fc.integer({ min: 0, max: count - 1 });
const timeMs = fc.integer({ min: 1000, max: 1010 });
const world: fc.Arbitrary<World> = fc.record({
  tenants: fc.array(fc.constantFrom('<mine>', '<theirs>'), { minLength: count, maxLength: count }),
  edges: fc.array(fc.record({ type: fc.constantFrom(...edgeTypes), from: index, to: index, timeMs }), {
    maxLength: 25,
  }),
  steps: fc.array(
    fc.record({
      owner: fc.integer({ min: 0, max: 2 }),
      domain: fc.constantFrom(...domains),
      links: fc.array(fc.record({ edge: fc.constantFrom(...edgeTypes), node: index }), { maxLength: 3 }),
      timeMs,
    }),
    { maxLength: 25 },
  ),
});
const rights: fc.Arbitrary<Rights> = fc.record({
  nodes: fc.array(
    fc.record({
      rows: fc.constantFrom('none', 'all', 'tenant', 'id', 'over'),
      fields: fc.subarray(['one', 'two', 'all']),
      lineage: fc.boolean(),
    }),
    { minLength: types.length, maxLength: types.length },
  ),
  edges: fc.subarray([...edgeTypes]),
  domains: fc.subarray([...domains]),
  partFields: fc.subarray([...properties]),
  ownId: index,
});

function rowsText(rows: TypeRights['rows']): string {
  if (rows === 'tenant') return '[{property: tenant, equalsClaim: tenant}]';
  if (rows === 'id') return '[{idEqualsClaim: sub}]';
  return rows === 'over' ? '[{over: OWNS, direction: in, node: Alpha}]' : 'all';
}

function policyText({ nodes, edges, domains: granted, partFields }: Rights): string {
  const part = `{fields: [${partFields.join(', ')}], lineage: true}`;
  const lines = nodes.flatMap(({ rows, fields, lineage }, at) => {
    if (rows === 'none') return [];
    const shown = fields.includes('all') ? 'all' : `[${fields.join(', ')}]`;
    return [`      ${types[at]}: {rows: ${rowsText(rows)}, fields: ${shown}, lineage: ${lineage}}`];
  });
  return [
    'version: 1',
    'scopes:',
    '  read:',
    '    operations: [node, edge, journey, traverse, paths, cycles, sharedNeighbours]',
    `    nodes: ${lines.length === 0 ? '{}' : ''}`,
    ...lines,
    `    edges: {${edges.map((type) => `${type}: ${part}`).join(', ')}}`,
    `    steps: {${granted.map((domain) => `${domain}: ${part}`).join(', ')}}`,
  ].join('\n');
}

/** Who is seen, by the letter of the rules. */
function seen(at: number, { tenants, edges }: World, of: Rights, alone = false): boolean {
  const { rows } = of.nodes[at % types.length] ?? { rows: 'none' };
  if (rows === 'all') return true;
  if (rows === 'tenant') return tenants[at] === '<mine>';
  if (rows === 'id') return at === of.ownId;
  if (rows === 'none' || alone) return false;
  return edges.some(
    ({ type, from, to }) =>
      type === 'OWNS' &&
      to === at &&
      from % types.length === 0 &&
      seen(from, { tenants, edges, steps: [] }, of, true),
  );
}

/** The events of the world, or of one in which nothing is that the caller may not see. Times, offsets and ids are the same. */
function eventsOf(given: World, of: Rights, hiddenToo: boolean): readonly EventMutations[] {
  const keep = (at: number): boolean => hiddenToo || seen(at, given, of);
  const events: EventMutations[] = [];
  for (const [at, tenant] of given.tenants.entries()) {
    const { fields = [] } = of.nodes[at % types.length] ?? {};
    const shown = properties.filter((name) => hiddenToo || fields.includes('all') || fields.includes(name));
    if (!keep(at)) continue;
    const node = nodeAt(at);
    events.push(eventAt(500, at, [{ kind: 'node', node, properties: [['tenant', tenant]] }]));
    // Each by an event of its own, so that lineage tells which of them came last.
    for (const name of shown) {
      const written: Mutation = { kind: 'node', node, properties: [[name, `<${name}-${at}>`]] };
      events.push(
        eventAt(501 + properties.indexOf(name), at + 10 + properties.indexOf(name) * 20, [written]),
      );
    }
  }
  for (const [at, { type, from, to, timeMs: time }] of given.edges.entries()) {
    if (!keep(from) || !keep(to)) continue;
    // A rule leads over edges of this type, granted or not.
    if (!hiddenToo && !of.edges.includes(type) && type !== 'OWNS') continue;
    const ends = { from: nodeAt(from), to: nodeAt(to) };
    const edge: EdgeMutation = {
      kind: 'edge',
      type,
      ...ends,
      properties: partValues(of, hiddenToo, `edge-${at}`),
    };
    events.push(eventAt(time, 100 + at, [edge]));
  }
  for (const [at, { owner, domain, links, timeMs: time }] of given.steps.entries()) {
    if (!keep(owner) || (!hiddenToo && !of.domains.includes(domain))) continue;
    const shown = links.filter(({ edge, node }) => hiddenToo || (of.edges.includes(edge) && keep(node)));
    const step: Mutation = {
      kind: 'step',
      owner: nodeAt(owner),
      domain,
      action: `<action-${at}>`,
      links: shown.map(({ edge, node }) => ({ edge, direction: 'out', node: nodeAt(node) })),
      properties: partValues(of, hiddenToo, `step-${at}`),
    };
    events.push(eventAt(time, 200 + at, [step]));
  }
  return events;
}

function partValues(
  { partFields }: Rights,
  hiddenToo: boolean,
  what: string,
): readonly (readonly [string, string])[] {
  return properties
    .filter((name) => hiddenToo || partFields.includes(name))
    .map((name) => [name, `<${name}-${what}>`]);
}

/** Everything that can be asked, as text. */
async function allAnswers(reader: GraphReader): Promise<readonly string[]> {
  const answers: string[] = [];
  for (let at = 0; at < count; at += 1) {
    const { type, id } = nodeAt(at);
    const [typed, other] = [type.toLowerCase(), nodeAt((at + 4) % count)];
    const step =
      '{ time domain action owner { id } links { edge node { id } } properties lineage { offset } }';
    const journey = `{ edges { cursor node ${step} } pageInfo { hasNextPage endCursor } completeness { complete truncatedBy limit scanned } }`;
    const edges = [at, (at + 1) % count, (at + 4) % count].flatMap((to) =>
      edgeTypes.map(
        (edge) =>
          `${edge}_${to}: edge(type: "${edge}", from: {type: "${type}", id: "${id}"}, to: {type: "${nodeAt(to).type}", id: "${nodeAt(to).id}"}) { count firstSeen lastSeen properties lineage { offset } }`,
      ),
    );
    answers.push(
      await ask(
        reader,
        `{ node(type: "${type}", id: "${id}") { id properties lineage { offset } }
          ${typed}(id: "${id}") { one two properties lineage { offset } journey(first: 2, order: NEWEST_FIRST, since: "1970-01-01T00:00:00Z") ${journey} }
          some: journey(of: {type: "${type}", id: "${id}"}, first: 3, since: "1970-01-01T00:00:00Z") ${journey}
          ads: journey(of: {type: "${type}", id: "${id}"}, first: 1, domains: ["ads"], since: "1970-01-01T00:00:00Z") ${journey}
          ${edges.join('\n')} }`,
      ),
      await ask(
        reader,
        `{ ${[['KNOWS'], ['OWNS'], ['OWNS', 'KNOWS']]
          .flatMap((names) =>
            [1, 3].map(
              (
                first,
              ) => `${names.join('_')}_${first}: journey(of: {type: "${type}", id: "${id}"}, first: ${first},
                edgeTypes: ${JSON.stringify(names)}, since: "1970-01-01T00:00:00Z") ${journey}`,
            ),
          )
          .join('\n')} }`,
      ),
    );
    // Of some of each type: a walk reads much, and the others are what it leads to.
    if (at < 4) answers.push(await ask(reader, connectionsOf(at)), await ask(reader, walksOf(at)));
    const nodes = await reader.nodes([nodeAt(at), other, nodeAt(at)]);
    const bounds = { sinceMs: 0, untilMs: 2000, scanMax: 1000 };
    const queries = edgeTypes.flatMap((edge) =>
      (['in', 'out'] as const).flatMap((direction) =>
        [1, 3, 50].map((limit) => ({ of: nodeAt(at), type: edge, direction, limit, ...bounds })),
      ),
    );
    const pages = await reader.adjacencies(queries);
    const degrees = await Promise.all(queries.map((query) => reader.degree(query)));
    answers.push(textOf({ nodes, pages, degrees }));
  }
  return answers;
}

const always = 'since: "1970-01-01T00:00:00Z"';

function connectionsOf(at: number): string {
  const { type, id } = nodeAt(at);
  const page = `{ edges { cursor time one two properties nodeRef { type id } node { id properties lineage { offset } } }
    pageInfo { hasNextPage endCursor } completeness { complete truncatedBy limit scanned } }`;
  const fields = ['knows', 'knowsFrom', 'owns', 'ownsFrom'].flatMap((name) =>
    [1, 50].map((first) => `${name}_${first}: ${name}(first: ${first}, ${always}) ${page}`),
  );
  return `{ ${type.toLowerCase()}(id: "${id}") { ${fields.join('\n')} } }`;
}

function walksOf(at: number): string {
  const ref = ({ type, id }: NodeRef): string => `{type: "${type}", id: "${id}"}`;
  const [of, other] = [ref(nodeAt(at)), ref(nodeAt((at + 4) % count))];
  const edge = '{ edge direction from { type id } to { type id } key time properties }';
  const whole =
    'completeness { complete limit edgesScanned truncatedAt { hop kind limit edge node { type id } nodes } limitsInForce { edges since } }';
  const hops = (more: string): string =>
    `[{edge: "KNOWS", direction: BOTH, ${always} ${more}}, {edge: "OWNS", direction: BOTH, ${always} ${more}}, {edge: "KNOWS", ${always} ${more}}]`;
  const traversals = ['', ', limit: 1', ', nodeWhere: {property: "one", prefix: "<one"}'].map(
    (more, i) =>
      `t${i}: traverse(from: [${of}, ${other}], hops: ${hops(more)}, unique: HOP) { hops { depth nodes { type id time via ${edge} node { id properties } } } ${whole} }`,
  );
  const over = (limit: string): string =>
    `over: [{edge: "KNOWS", direction: BOTH, ${always} ${limit}}, {edge: "OWNS", direction: BOTH, ${always} ${limit}}]`;
  return `{ ${traversals.join('\n')}
    paths(from: ${of}, to: ${other}, ${over('')}) { paths { length edges ${edge} } ${whole} }
    few: paths(from: ${of}, to: ${other}, ${over(', limit: 1')}) { paths { length edges ${edge} } ${whole} }
    cycles(through: ${of}, ${over('')}) { cycles { length edges ${edge} } ${whole} }
    sharedNeighbours(of: ${of}, over: {edge: "KNOWS", direction: BOTH, ${always}}) {
      nodes { type id shared time through { type id } node { id properties } } ${whole} } }`;
}

async function ask(reader: GraphReader, source: string): Promise<string> {
  const contextValue: Partial<ApiContext> = {
    reader,
    status: { topics: () => [], graphSchema: () => graphOf({}) } as never,
    limits: queryLimitsDefault,
    // Close behind the events: nothing is older than a walk may look back.
    clock,
    log: silentLog,
    steps: new StepBudget(1000),
    reads: new ReadBudget(1000),
    traversals: new TraversalBudget(noBudget, clock, new AbortController().signal),
  };
  const answer = await graphql({ schema, source, contextValue });
  expect(answer.errors ?? []).toEqual([]);
  return textOf(answer.data);
}

function textOf(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => (typeof part === 'bigint' ? `${part}n` : part));
}

function grantOf(of: Rights): Grant {
  const claims = { tenant: '<mine>', sub: nodeAt(of.ownId).id };
  return new Grant(policyFrom(policyText(of)), callerWith(['read'], claims));
}

describe('What a caller may not see', () => {
  it('changes no byte of any answer: it might as well not be there', async () => {
    const property = fc.asyncProperty(world, rights, async (given, of) => {
      const whole = new AuthorizedReader(await storeWith(eventsOf(given, of, true)), grantOf(of));
      const pruned = new AuthorizedReader(await storeWith(eventsOf(given, of, false)), grantOf(of));
      expect(await allAnswers(whole)).toEqual(await allAnswers(pruned));
    });
    await fc.assert(property, { numRuns: 60 });
  }, 120_000);

  it('is in no answer by its id or value', async () => {
    const property = fc.asyncProperty(world, rights, async (given, of) => {
      const reader = new AuthorizedReader(await storeWith(eventsOf(given, of, true)), grantOf(of));
      const text = (await allAnswers(reader)).join('\n');
      for (let at = 0; at < count; at += 1) {
        const { fields = [] } = of.nodes[at % types.length] ?? {};
        const visible = seen(at, given, of);
        if (!visible) expect(text).not.toContain(nodeAt(at).id);
        for (const name of properties) {
          const shown = visible && (fields.includes('all') || fields.includes(name));
          expect([name, at, text.includes(`<${name}-${at}>`)]).toEqual([name, at, shown]);
        }
      }
      if (of.nodes.every(({ fields }) => !fields.includes('all')))
        expect(text).not.toMatch(/<(mine|theirs)>/);
    });
    await fc.assert(property, { numRuns: 60 });
  }, 120_000);
});
