import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Log, silentLog, steadyTime, systemClock } from '../../foundation/index.ts';
import type { GraphReader, Mutation } from '../../graph-store/index.ts';
import { startTestApi } from '../api-testing.ts';
import { audience, type FakeIssuer, issuer, startIssuer } from '../auth/issuer.fake.ts';
import { JwksKeys } from '../auth/jwks-keys.ts';
import { TokenVerifier } from '../auth/token-verifier.ts';
import { graphOf } from '../graph-schema-testing.ts';
import type { ApiServer } from '../server.ts';
import { eventAt, policyFrom, storeWith } from './policy-testing.ts';

const policy = policyFrom(`
version: 1
scopes:
  members:
    operations: [node, journey, edge]
    nodes:
      Account: { rows: [{ property: tenant, equalsClaim: tenant }], fields: [plan] }
      Title: { rows: all, fields: all }
      Device: { rows: [{ over: USED, direction: in, node: Account }], fields: all }
    edges: { WATCHED: { fields: all } }
    steps: { streaming: { fields: [] } }
  figures: { operations: [status] }
`);
const graph = graphOf({
  Account: { plan: 'text', mail: 'text', tenant: 'text' },
  Title: { name: 'text' },
  Secret: {},
});

function ref(type: string, id: string): { readonly type: string; readonly id: string } {
  return { type, id };
}

/** Two tenants' accounts watched one title; each has a device. */
function tenants(): readonly Mutation[] {
  return ['ours', 'theirs'].flatMap((tenant): readonly Mutation[] => {
    const [owner, device, title] = [
      ref('Account', `acc-${tenant}`),
      ref('Device', `dev-${tenant}`),
      ref('Title', 'ti'),
    ];
    const properties = [
      ['tenant', tenant],
      ['plan', `plan-${tenant}`],
      ['mail', `mail-${tenant}`],
    ] as const;
    const links = [title, device].map((node, at) => ({
      edge: at === 0 ? 'WATCHED' : 'USED',
      direction: 'out' as const,
      node,
    }));
    return [
      { kind: 'node', node: owner, properties },
      { kind: 'node', node: device, properties: [['kind', `kind-${tenant}`]] },
      { kind: 'node', node: title, properties: [['name', 'A film']] },
      { kind: 'edge', type: 'WATCHED', from: owner, to: title, properties: [] },
      { kind: 'edge', type: 'USED', from: owner, to: device, properties: [] },
      {
        kind: 'step',
        owner,
        domain: 'streaming',
        action: 'watched',
        links,
        properties: [['title', 'A film']],
      },
    ];
  });
}

let fake: FakeIssuer;
let server: ApiServer;
const calls: string[] = [];
const logged: object[] = [];

beforeAll(async () => {
  const paid = ['ours', 'theirs'].map((tenant): Mutation => {
    const owner = ref('Account', `acc-${tenant}`);
    return { kind: 'step', owner, domain: 'payments', action: `paid-${tenant}`, links: [], properties: [] };
  });
  const store = await storeWith([eventAt(1000, 1, tenants()), eventAt(1001, 2, paid)]);
  const reader: GraphReader = new Proxy(store, {
    get: (target, name) => {
      const method: unknown = Reflect.get(target, name);
      if (typeof method !== 'function') return method;
      calls.push(String(name));
      return method.bind(target);
    },
  });
  fake = await startIssuer(Date.now(), 'EdDSA');
  const rules = { issuer, audience, algorithms: ['EdDSA'], clockToleranceMs: 0 };
  const log: Log = { ...silentLog, error: (fields) => logged.push(fields) };
  const keys = new JwksKeys(fake.url, { steadyMs: steadyTime, log });
  const jwt = new TokenVerifier(keys, rules, { clock: systemClock, steadyMs: steadyTime });
  const gate = { token: 'operator' };
  server = await startTestApi({
    reader,
    log,
    gate,
    access: { jwt, policy },
    status: { graphSchema: () => graph },
    federation: true,
  });
});

beforeEach(() => {
  calls.length = 0;
  logged.length = 0;
});

afterAll(async () => {
  await server.close();
  await fake.close();
});

async function ask(
  query: string,
  token: string,
  more: Readonly<Record<string, string>> = {},
): Promise<{ readonly status: number; readonly text: string }> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}`, ...more };
  const response = await fetch(`${server.url}/graphql`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ query }),
  });
  return { status: response.status, text: await response.text() };
}

async function askAs(scope: string, query: string, claims: object = { tenant: 'ours' }) {
  return await ask(query, await fake.token({ scope, ...claims }));
}

const everything = `{
  ours: account(id: "acc-ours") { plan properties lineage { offset } }
  theirs: account(id: "acc-theirs") { plan properties lineage { offset } }
  title(id: "ti") { name }
  own: node(type: "Device", id: "dev-ours") { properties }
  other: node(type: "Device", id: "dev-theirs") { properties }
  secret: node(type: "Nothing", id: "x") { properties }
  edge(type: "WATCHED", from: {type: "Account", id: "acc-theirs"}, to: {type: "Title", id: "ti"}) { count }
  used: edge(type: "USED", from: {type: "Account", id: "acc-ours"}, to: {type: "Device", id: "dev-ours"}) { count }
  journey(of: {type: "Account", id: "acc-ours"}, since: "1970-01-01T00:00:00Z") {
    edges { node { action links { node { id } } properties lineage { offset } } } completeness { complete scanned } }
  hidden: journey(of: {type: "Account", id: "acc-theirs"}, since: "1970-01-01T00:00:00Z") { edges { cursor } completeness { complete scanned } } }`;

describe('A caller with a policy', () => {
  it('sees what it grants, and the rest as though it were not there', async () => {
    const { status, text } = await askAs('members other', everything);
    expect([status, JSON.parse(text)]).toEqual([
      200,
      {
        data: {
          ours: { plan: 'plan-ours', properties: { plan: 'plan-ours' }, lineage: null },
          theirs: null,
          title: { name: 'A film' },
          own: { properties: { kind: 'kind-ours' } },
          other: null,
          secret: null,
          edge: null,
          used: null,
          journey: {
            edges: [
              { node: { action: 'watched', links: [{ node: { id: 'ti' } }], properties: {}, lineage: null } },
            ],
            completeness: { complete: true, scanned: 1 },
          },
          hidden: { edges: [], completeness: { complete: true, scanned: 0 } },
        },
      },
    ]);
    expect(text).not.toMatch(/theirs-|-theirs|paid|mail/);
  });

  it('sees nothing of its tenant without the claim, or with one that is no plain value', async () => {
    for (const claims of [
      {},
      { tenant: null },
      { tenant: { eq: 'ours' } },
      { tenant: [['ours']] },
      { tenant: '' },
    ]) {
      const { text } = await askAs('members', '{ account(id: "acc-ours") { plan } }', claims);
      expect(JSON.parse(text).data).toEqual({ account: null });
    }
  });

  it.each([
    ['a property that no scope shows', '{ account(id: "acc-ours") { mail } }', 'Account.mail'],
    [
      'the same in a fragment',
      '{ account(id: "x") { ...F } } fragment F on Account { ...G } fragment G on Account { mail }',
      'Account.mail',
    ],
    [
      'the same under another name',
      '{ account(id: "x") { ...on GraphNode { ...on Account { plan: mail } } } }',
      'Account.mail',
    ],
    [
      'the same where it is left out',
      '{ account(id: "x") { plan mail @include(if: false) } }',
      'Account.mail',
    ],
    [
      'the same by way of a router',
      '{ _entities(representations: [{__typename: "Account", id: "acc-ours"}]) { ...on Account { mail } } }',
      'Account.mail',
    ],
    ['a node type that no scope names', '{ secret(id: "x") { id } }', 'Query.secret'],
    ['an operation that no scope names', '{ status { nodes } }', 'status'],
    ['another', '{ graphSchema { nodeTypes { name } } }', 'graphSchema'],
  ])('is refused %s before anything is read', async (_name, query, what) => {
    const { status, text } = await askAs('members', query);
    expect(JSON.parse(text).errors).toEqual([
      expect.objectContaining({
        message: `No scope of your token allows \`${what}\`.`,
        extensions: { code: 'FORBIDDEN', forbidden: what, requestId: expect.any(String) },
      }),
    ]);
    expect([status, calls, logged]).toEqual([403, [], []]);
  });

  it('without any scope may ask what a schema is and nothing else', async () => {
    expect((await askAs('', '{ __typename __schema { queryType { name } } _service { sdl } }')).status).toBe(
      200,
    );
    expect((await askAs('', '{ node(type: "Title", id: "ti") { id } }')).status).toBe(403);
  });

  it('is shown what a router asks for like anything else', async () => {
    const query =
      '{ _entities(representations: [{__typename: "Account", id: "acc-ours"}, {__typename: "Account", id: "acc-theirs"}]) { ...on Account { plan } } }';
    expect(JSON.parse((await askAs('members', query)).text).data).toEqual({
      _entities: [{ plan: 'plan-ours' }, null],
    });
    expect(calls).toEqual(['nodes']);
  });

  it('is given figures of everybody where a scope says so', async () => {
    expect(JSON.parse((await askAs('figures', '{ status { nodes } }')).text).data).toEqual({
      status: { nodes: 5 },
    });
  });

  it('is another than the operator, for whom no policy holds', async () => {
    const { data } = JSON.parse(
      (await ask('{ account(id: "acc-theirs") { mail } status { nodes } }', 'operator')).text,
    );
    expect(data).toEqual({ account: { mail: 'mail-theirs' }, status: { nodes: 5 } });
  });

  it('is told what a query may cost, and not what it took, which counts what is hidden', async () => {
    const query = '{ account(id: "acc-ours") { plan } }';
    for (const token of ['operator', await fake.token({ scope: 'members', tenant: 'ours' })]) {
      const { text } = await ask(query, token, { 'x-query-cost': 'true' });
      const { cost } = JSON.parse(text).extensions;
      expect(cost).toMatchObject({ calls: expect.any(Number), budget: { calls: expect.any(Number) } });
      expect('used' in cost).toBe(token === 'operator');
    }
  });

  it('costs as many reads for a page as it has to: one of the owner, one of the steps, one of their links', async () => {
    await askAs('members', '{ journey(of: {type: "Account", id: "acc-ours"}) { edges { cursor } } }');
    expect(calls).toEqual(['nodes', 'journey']);
  });
});
