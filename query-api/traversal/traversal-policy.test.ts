import { describe, expect, it } from 'vitest';
import type { EventMutations, Mutation } from '../../graph-store/index.ts';
import { queryLimitsDefault } from '../api-context.ts';
import { AuthorizedReader } from '../policy/authorized-reader.ts';
import { Grant } from '../policy/grant.ts';
import { callerWith, eventAt, policyFrom, storeWith } from '../policy/policy-testing.ts';
import { edgeType, graphWith } from '../typed-edges/typed-edges-testing.ts';
import { pathsCost } from './traversal-cost.ts';
import { planTraversal } from './traversal-plan.ts';
import { runTraversal } from './traversal-run.ts';
import { edgeTypesFor } from './walk-plan.ts';
import { sessionOf } from './walk-testing.ts';

const title = { type: 'Title', id: 't' };
const policy = policyFrom(`
version: 1
scopes:
  own:
    operations: [traverse]
    nodes:
      Account: { rows: [{ property: tenant, equalsClaim: tenant }], fields: all }
      Title: { rows: all, fields: all }
    edges: { WATCHED: { fields: all } }
`);

/** Of 900 accounts that watched one title every thirtieth is ours. */
function audience(): readonly EventMutations[] {
  return Array.from({ length: 900 }, (_, at) => {
    const node = { type: 'Account', id: `a-${at}` };
    const mutations: readonly Mutation[] = [
      { kind: 'node', node, properties: [['tenant', at % 30 === 0 ? 'mine' : 'theirs']] },
      { kind: 'edge', type: 'WATCHED', from: node, to: title, properties: [] },
    ];
    return eventAt(1000 + Math.floor(at / 7), at, mutations);
  });
}

describe('A traversal by a caller who may see some of the nodes', () => {
  it('reaches those and no others, however few they are among the rest', async () => {
    const caller = callerWith(['own'], { tenant: 'mine' });
    const reader = new AuthorizedReader(await storeWith(audience()), new Grant(policy, caller));
    const hop = { edge: 'WATCHED', direction: 'in', order: 'latest' } as const;
    const plan = planTraversal({ from: [title], hops: [hop], unique: 'hop' }, queryLimitsDefault, 100_000);
    const session = sessionOf(reader);
    const [first] = await runTraversal(plan, session, 10_000);
    const mine = Array.from({ length: 30 }, (_, at) => `a-${at * 30}`);
    expect(first?.nodes.map(({ node }) => node.id)).toEqual(mine.reverse());
    expect(session.truncations.list()).toEqual([]);
  });
});

describe('A walk that names no edge type', () => {
  it('takes those that the caller may see, and its cost is planned for those', () => {
    const grant = new Grant(policy, callerWith(['own'], { tenant: 'mine' }));
    const ends = [['Account', 'Title']] as const;
    const graph = graphWith({ Account: {} }, edgeType('WATCHED', ends), edgeType('LIKED', ends));
    const status = { graphSchema: () => graph };
    expect(edgeTypesFor({ status, grant: null })()).toEqual(['WATCHED', 'LIKED']);
    const edgeTypes = edgeTypesFor({ status, grant });
    expect(edgeTypes()).toEqual(['WATCHED']);
    const input = { from: { type: 'Account', id: 'a-0' }, to: title };
    const context = { limits: queryLimitsDefault, degrees: { rowsOfHop: () => 20 }, nowMs: 0, edgeTypes };
    const named = pathsCost({ ...input, over: [{ edge: 'WATCHED', direction: 'both' }] }, context);
    expect(named.own.rows).toBeGreaterThan(0);
    expect(pathsCost(input, context)).toEqual(named);
  });
});
