import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silentLog, steadyTime, systemClock } from '../../foundation/index.ts';
import type { Mutation, NodeRef } from '../../graph-store/index.ts';
import { trespasses } from '../../test/hostile/trespasses.ts';
import { startTestApi } from '../api-testing.ts';
import { audience, type FakeIssuer, issuer, startIssuer } from '../auth/issuer.fake.ts';
import { JwksKeys } from '../auth/jwks-keys.ts';
import { TokenVerifier } from '../auth/token-verifier.ts';
import type { ApiServer } from '../server.ts';
import { edgeType, graphWith } from '../typed-edges/typed-edges-testing.ts';
import { eventAt, policyFrom, storeWith } from './policy-testing.ts';

/** Of two exchanges, on a machine that others use. */
const refusedWithinMs = 2000;
const policy = policyFrom(`
version: 1
scopes:
  members:
    operations: [node, journey, edge, traverse, paths, cycles, sharedNeighbours]
    nodes:
      Account: { rows: [{ property: tenant, equalsClaim: tenant }], fields: all }
      Title: { rows: all, fields: all }
      Device: { rows: [{ over: USED, direction: in, node: Account }], fields: all }
    edges: { "*": { fields: all } }
    steps: { "*": { fields: all } }
  titles:
    operations: [node]
    nodes: { Title: { rows: all, fields: all } }
`);
const graph = graphWith(
  { Account: { plan: 'text', tenant: 'text' }, Title: {}, Device: {} },
  edgeType('WATCHED', [['Account', 'Title']]),
  edgeType('USED', [['Account', 'Device']]),
  edgeType('KNOWS', [['Account', 'Account']]),
);
const [ours, theirs] = [account('ours'), account('theirs')];

function account(tenant: string): NodeRef {
  return { type: 'Account', id: `acc-${tenant}` };
}

/** What one tenant wrote: both watched one title, and know each other. Every text of theirs says so. */
function written(tenant: string, by: NodeRef, friend: NodeRef): readonly Mutation[] {
  const device = { type: 'Device', id: `dev-${tenant}` };
  const properties = [['by', tenant]] as const;
  const edge = (type: string, to: NodeRef): Mutation => ({ kind: 'edge', type, from: by, to, properties });
  const links = [{ edge: 'KNOWS', direction: 'out', node: friend } as const];
  return [
    { kind: 'node', node: by, properties: [['tenant', tenant], ['plan', `plan-${tenant}`]] }, // biome-ignore format: one row
    { kind: 'node', node: device, properties },
    edge('WATCHED', { type: 'Title', id: 'ti' }),
    edge('USED', device),
    edge('KNOWS', friend),
    { kind: 'step', owner: by, domain: 'social', action: `met-${tenant}`, links, properties },
  ];
}

let fake: FakeIssuer;
let server: ApiServer;
let cursors: { readonly edge: string; readonly step: string };

beforeAll(async () => {
  const nowMs = Date.now();
  const store = await storeWith([
    eventAt(nowMs - 3000, 0, written('theirs', theirs, ours)),
    eventAt(nowMs - 2000, 1, written('ours', ours, theirs)),
    eventAt(nowMs - 1000, 2, written('theirs', theirs, ours)),
    eventAt(nowMs - 500, 3, [{ kind: 'node', node: { type: 'Title', id: 'ti' }, properties: [] }]),
  ]);
  fake = await startIssuer(nowMs, 'EdDSA');
  const rules = { issuer, audience, algorithms: ['EdDSA'], clockToleranceMs: 0 };
  const keys = new JwksKeys(fake.url, { steadyMs: steadyTime, log: silentLog });
  const jwt = new TokenVerifier(keys, rules, { clock: systemClock, steadyMs: steadyTime });
  server = await startTestApi({
    reader: store,
    access: { jwt, policy },
    status: { graphSchema: () => graph },
    federation: true,
  });
  const { data } = JSON.parse(
    await askAs(
      'theirs',
      `{ title(id: "ti") { watchedFrom(first: 1) { edges { nodeRef { id } } pageInfo { endCursor } } }
         journey(of: {type: "Account", id: "acc-theirs"}, first: 1) { pageInfo { endCursor } } }`,
    ),
  );
  expect(data.title.watchedFrom.edges).toEqual([{ nodeRef: { id: 'acc-theirs' } }]);
  cursors = {
    edge: data.title.watchedFrom.pageInfo.endCursor,
    step: data.journey.pageInfo.endCursor,
  };
});

afterAll(async () => {
  await server.close();
  await fake.close();
});

async function askAs(
  tenant: string | readonly string[],
  query: string,
  variables: Readonly<Record<string, string>> = {},
  scope = 'members',
): Promise<string> {
  const authorization = `Bearer ${await fake.token({ scope, tenant })}`;
  const response = await fetch(`${server.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization },
    body: JSON.stringify({ query, variables }),
  });
  return await response.text();
}

describe("Another tenant's node", () => {
  it.each(trespasses.map(({ name, query }) => [name, query] as const))(
    'is not reached by %s, which says what it would of a node that was never written',
    async (_name, query) => {
      const asked = (other: string): Promise<string> => askAs('ours', query, { other, ...cursors });
      const text = await asked(theirs.id);
      expect(text).not.toContain('theirs');
      expect(JSON.parse(text).errors).toBeUndefined();
      expect(text).toBe(await asked('acc-nobody'));
    },
    refusedWithinMs,
  );

  it('is what the same questions of a caller of both tenants are answered with', async () => {
    for (const { name, query } of trespasses) {
      const variables = { other: theirs.id, ...cursors };
      const hidden = await askAs('ours', query, variables);
      const shown = await askAs(['ours', 'theirs'], query, variables);
      expect([name, JSON.parse(shown).errors, shown === hidden]).toEqual([name, undefined, false]);
    }
  });

  it('is refused before anything is read where no scope shows a node of its type', async () => {
    const text = await askAs('ours', '{ account(id: "acc-theirs") { plan } }', {}, 'titles');
    expect(JSON.parse(text)).toMatchObject({ errors: [{ extensions: { code: 'FORBIDDEN' } }] });
    expect(text).not.toContain('theirs');
  });
});
