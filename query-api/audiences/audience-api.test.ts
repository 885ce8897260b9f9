import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../foundation/index.ts';
import { createMemoryStore, type GraphReader } from '../../graph-store/index.ts';
import { ask, createWriter, startTestApi } from '../api-testing.ts';
import { toldCost } from '../cost/told-cost-testing.ts';
import type { ApiServer } from '../server.ts';
import { account, watching } from './audience-conditions-testing.ts';
import { openTestAudiences, type TestAudiences } from './audience-testing.ts';

const freeze = `mutation ($where: AudienceWhere!, $key: String!, $of: String = "Account", $waitMs: Int = 4000) {
  freezeAudience(memberType: $of, where: $where, name: "n", key: $key, waitMs: $waitMs) {
    id state size failure cutShort memberType definition frozenAt sources { topic partition next }
    members(first: 2) { nodes { type id } endCursor hasNextPage } } }`;
const watched = { did: { edge: 'WATCHED', within: '90d', to: { type: 'Title' } } };

describe('audiences over HTTP', () => {
  let server: ApiServer;
  let test: TestAudiences;
  let nowMs: number;
  beforeEach(async () => {
    const graph = createMemoryStore(systemClock);
    nowMs = Date.now();
    await (await createWriter(graph))(
      ['a', 'b', 'c'].map((id, i) => ({
        timeMs: nowMs - i * 60 * 86_400_000,
        rank: 0,
        occurrence: BigInt(i),
        mutations: [
          { kind: 'node', node: account(id), properties: [['country', 'DE']] },
          watching(account(id), 't'),
        ],
      })),
    );
    // A replay, which says nothing of how fresh an audience is.
    await graph.claim({ cluster: 'archive', topic: 't', topicId: 'backfill:1', partition: 0 });
    test = await openTestAudiences({ sources: () => graph.sources() });
    const graphSchema = () => ({
      nodeTypes: [],
      edgeTypes: [{ name: 'WATCHED', ends: [], properties: [], keyed: false, ttlMs: null, declaredBy: [] }],
      domains: [],
    });
    server = await startTestApi({
      reader: graph,
      audiences: test.audiences,
      status: { graphSchema },
      clock: { ...systemClock, now: () => nowMs },
    });
  });
  afterEach(async () => {
    await server.close();
    await test[Symbol.asyncDispose]();
  });

  const data = async (query: string, variables: Readonly<Record<string, unknown>>) => {
    const answer: { data: Record<string, Record<string, unknown>>; errors?: unknown } = JSON.parse(
      (await ask(server, query, variables)).text,
    );
    expect(answer.errors).toBeUndefined();
    return answer.data;
  };
  const frozenId = async (where: unknown, key: string): Promise<string> =>
    String((await data(freeze, { where, key })).freezeAudience?.id);

  it('are estimated, frozen, paged, explained, listed and deleted', async () => {
    const estimated = await data(
      'query ($where: AudienceWhere!) { audienceEstimate(memberType: "Account", where: $where) { count low high method } }',
      { where: watched },
    );
    expect(estimated.audienceEstimate).toEqual({ count: 2, low: 2, high: 2, method: 'COUNTED' });
    const { freezeAudience } = await data(freeze, { where: watched, key: 'k' });
    expect(freezeAudience).toMatchObject({
      state: 'READY',
      size: 2,
      failure: null,
      memberType: 'Account',
      sources: [{ topic: 't', partition: 0, next: 3 }],
      members: { hasNextPage: false },
    });
    const id = String(freezeAudience?.id);
    const read = `query ($id: ID!) { audience(id: $id) { in: contains(id: "a") out: contains(id: "c")
      members(first: 1) { nodes { id } endCursor hasNextPage }
      explain(id: "c") { wasMember holdsNow difference conditions { path condition holdsNow found } } } }`;
    const { audience } = await data(read, { id });
    expect(audience).toMatchObject({
      in: true,
      out: false,
      members: { hasNextPage: true },
      explain: {
        wasMember: false,
        holdsNow: false,
        difference: 'NONE',
        conditions: [{ path: '', found: { occurrences: 0 } }],
      },
    });
    expect((await data('{ audiences { id } }', {})).audiences).toEqual([{ id }]);
    const stop = test.audiences.keepFor(() => 'live event fight-1');
    const kept = await ask(server, 'mutation ($id: ID!) { deleteAudience(id: $id) }', { id });
    expect(JSON.parse(kept.text).errors).toMatchObject([{ extensions: { code: 'AUDIENCE_IN_USE' } }]);
    stop();
    expect(await data('mutation ($id: ID!) { deleteAudience(id: $id) }', { id })).toEqual({
      deleteAudience: true,
    });
    expect(await data('query ($id: ID!) { audience(id: $id) { id } }', { id })).toEqual({ audience: null });
  });

  it('are the same under one key when the same is asked later, and refused when another time is', async () => {
    const id = await frozenId(watched, 'k');
    nowMs += 5000;
    expect(await frozenId(watched, 'k')).toBe(id);
    const { within: _within, ...ever } = watched.did;
    for (const did of [
      { ...ever, within: '7d' },
      { ...ever, since: '2026-01-01T00:00:00Z' },
      ever,
      { ...watched.did, until: '2099-01-01T00:00:00Z' },
    ]) {
      const answer = JSON.parse((await ask(server, freeze, { where: { did }, key: 'k' })).text);
      expect(answer.errors).toMatchObject([{ extensions: { code: 'AUDIENCE_KEY_USED' } }]);
    }
  });

  it('are explained at the charge of an estimate: how much that reads nobody knows before, and it is no part of the query', async () => {
    const id = await frozenId(watched, 'k');
    const query = `{ audience(id: "${id}") { explain(id: "a") { wasMember holdsNow } } }`;
    const { data, cost } = await toldCost(server, query);
    expect(data).toEqual({ audience: { explain: { wasMember: true, holdsNow: true } } });
    expect(cost).toMatchObject({ calls: 100, rows: 8192, used: { calls: 0, rows: 0 } });
    const gone = AbortSignal.abort();
    await expect(test.audiences.explain(createMemoryStore(systemClock), id, 'a', gone)).rejects.toThrow();
  });

  it('give all members as lines, with a last one that says so', async () => {
    const id = await frozenId(watched, 'k');
    const response = await fetch(`${server.url}/audiences/${id}/members`);
    expect(response.headers.get('content-type')).toBe('application/x-ndjson');
    const lines = (await response.text())
      .trimEnd()
      .split('\n')
      .map((line): unknown => JSON.parse(line));
    expect(lines.at(-1)).toEqual({ end: true, members: 2 });
    expect(lines.slice(0, -1)).toEqual(
      expect.arrayContaining([
        { type: 'Account', id: 'a' },
        { type: 'Account', id: 'b' },
      ]),
    );
    expect((await fetch(`${server.url}/audiences/none/members`)).status).toBe(404);
    expect((await fetch(`${server.url}/audiences/${id}/members`, { method: 'POST' })).status).toBe(405);
    const crossSite = { headers: { 'sec-fetch-site': 'cross-site' } };
    expect((await fetch(`${server.url}/audiences/${id}/members`, crossSite)).status).toBe(403);
    expect((await fetch(`${server.url}/audiences/../members`)).status).toBe(404);
  });

  it('change nothing for a GET, nor for a form of another site', async () => {
    const query = encodeURIComponent('mutation { deleteAudience(id: "x") }');
    const header = { headers: { 'apollo-require-preflight': '1' } };
    expect((await fetch(`${server.url}/graphql?query=${query}`, header)).status).toBe(405);
    expect((await fetch(`${server.url}/graphql?query=${query}`)).status).toBe(400);
    const form = {
      method: 'POST',
      headers: { 'content-type': 'text/plain' },
      body: JSON.stringify({ query: freeze }),
    };
    expect((await fetch(`${server.url}/graphql`, form)).status).toBe(400);
    expect(test.audiences.list()).toEqual([]);
  });

  const deep = (levels: number): unknown => {
    let where: unknown = watched;
    for (let i = 0; i < levels; i += 1) where = { not: where };
    return where;
  };
  const hostile: Readonly<Record<string, { readonly where: unknown; readonly argument: string }>> = {
    'an edge that there is not': {
      where: { did: { edge: 'WATCHD', to: { type: 'Title' } } },
      argument: 'where.did.edge',
    },
    'a type that is none': {
      where: { did: { edge: 'WATCHED', to: { type: 'Ti tle' } } },
      argument: 'where.did.to.type',
    },
    'no target': { where: { did: { edge: 'WATCHED', to: {} } }, argument: 'where.did.to' },
    'two kinds of target': {
      where: { did: { edge: 'WATCHED', to: { type: 'Title', nodes: [{ type: 'Title', id: 't' }] } } },
      argument: 'where.did.to',
    },
    'two beginnings': {
      where: { did: { ...watched.did, since: '2026-01-01T00:00:00Z' } },
      argument: 'where.did.within',
    },
    'a time that is none': {
      where: { did: { ...watched.did, within: '90 days' } },
      argument: 'where.did.within',
    },
    never: { where: { did: { ...watched.did, atLeast: 0 } }, argument: 'where.did.atLeast' },
    nothing: { where: {}, argument: 'where' },
    '100 conditions': { where: { any: Array.from({ length: 100 }, () => watched) }, argument: 'where' },
    '20 levels': { where: deep(20), argument: 'where' },
    '1,001 targets': {
      where: {
        did: {
          edge: 'WATCHED',
          to: { nodes: Array.from({ length: 1001 }, (_, i) => ({ type: 'Title', id: `${i}` })) },
        },
      },
      argument: 'where.did.to.nodes',
    },
  };
  it.each(Object.entries(hostile))(
    'refuse %s before anything is read',
    async (_what, { where, argument }) => {
      const answer = JSON.parse((await ask(server, freeze, { where, key: 'k' })).text);
      expect(answer.errors[0].extensions).toMatchObject({ code: 'BAD_USER_INPUT', argument });
      expect(test.audiences.list()).toEqual([]);
    },
  );

  it('survive a condition of 30,000 levels', async () => {
    const body = `{"query":${JSON.stringify(freeze)},"variables":{"key":"k","where":${'{"not":'.repeat(30_000)}{}${'}'.repeat(30_000)}}}`;
    const response = await fetch(`${server.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    expect(JSON.parse(await response.text())).toHaveProperty('errors');
    expect((await data('{ audiences { id } }', {})).audiences).toEqual([]);
  });

  it('are estimated no longer than somebody waits for the answer', async () => {
    const gate = Promise.withResolvers<void>();
    let reads = 0;
    const empty = createMemoryStore(systemClock);
    const bulk: GraphReader['bulk'] = {
      ...empty.bulk,
      scan: async (query) => {
        await gate.promise;
        return await empty.bulk.scan(query);
      },
      properties: async (query) => {
        reads += 1;
        return await empty.bulk.properties(query);
      },
    };
    // Its clock stands, so that it gives nobody a turn in between.
    await using standing = await openTestAudiences({ clock: { ...systemClock, now: () => 0 } });
    const slow = await startTestApi({
      reader: Object.create(empty, { bulk: { value: bulk } }),
      audiences: standing.audiences,
      limits: { deadlineMs: 200 },
    });
    try {
      const query =
        '{ audienceEstimate(memberType: "Account", where: { member: { property: "n", eq: 1 } }) { count } }';
      expect((await ask(slow, query)).text).toContain('DEADLINE_EXCEEDED');
      gate.resolve();
      await new Promise((resolve) => setImmediate(resolve));
      expect(reads).toBe(0);
    } finally {
      await slow.close();
    }
  });

  it('tell a caller what is wrong with an audience by its code', async () => {
    const none = JSON.parse((await ask(server, freeze, { where: { inAudience: 'none' }, key: 'k' })).text);
    expect(none.data.freezeAudience).toMatchObject({ state: 'FAILED', size: null });
    expect(none.data.freezeAudience.failure).toContain('AUDIENCE_UNKNOWN');
    expect(none.errors).toMatchObject([
      { path: ['freezeAudience', 'members'], extensions: { code: 'AUDIENCE_NOT_READY' } },
    ]);
  });
});
