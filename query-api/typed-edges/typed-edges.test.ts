import { describe, expect, it, onTestFinished } from 'vitest';
import { OutageError } from '../../foundation/index.ts';
import type { GraphSchema } from '../../schemas/index.ts';
import { readEdgeCursor } from './edge-cursor.ts';
import { edgeType, graphWith, nodeAt, startTestGraph, type TestGraph, watchedAt, watchedGraph } from './typed-edges-testing.ts'; // biome-ignore format: one row

async function start(...parameters: Parameters<typeof startTestGraph>): Promise<TestGraph> {
  const graph = await startTestGraph(...parameters);
  onTestFinished(() => graph.server.close());
  return graph;
}

describe('A connection', () => {
  it('answers its edges newest first, with their own properties and those of the far ends', async () => {
    const graph = await start();
    await graph.write(
      nodeAt('Title', 't1', [['name', 'Dark'], ['year', 2017n]]),
      watchedAt(5000, 'a', ['t1'], [['seconds', 60n], ['device', 'TV']]),
      watchedAt(9000, 'a', ['t2'], [['seconds', 7n], ['finished_at', 5]]),
    ); // biome-ignore format: one row an event
    const answer = await graph.ask(`{ account(id: "a") { watched(first: 5) {
      edges { time seconds device finishedAt key properties nodeRef { type id } node { id name year } }
      pageInfo { hasNextPage hasPreviousPage } completeness { complete truncatedBy scanned } freshness { topic } } } }`);
    expect(answer).toEqual({
      data: {
        account: {
          watched: {
            edges: [
              {
                time: '2025-12-31T23:59:55.000Z',
                ...{ seconds: 60, device: 'TV', finishedAt: null, key: null },
                properties: { seconds: 60, device: 'TV' },
                nodeRef: { type: 'Title', id: 't1' },
                node: { id: 't1', name: 'Dark', year: 2017 },
              },
              {
                time: '2025-12-31T23:59:51.000Z',
                ...{ seconds: 7, device: null, finishedAt: '1970-01-01T00:00:00.005Z', key: null },
                properties: { seconds: 7, finished_at: 5 },
                nodeRef: { type: 'Title', id: 't2' },
                node: { id: 't2', name: null, year: null },
              },
            ],
            pageInfo: { hasNextPage: false, hasPreviousPage: false },
            completeness: { complete: true, truncatedBy: null, scanned: 2 },
            freshness: [],
          },
        },
      },
    });
  });

  it('is followed backwards by the name of the edge type and `From`', async () => {
    const graph = await start();
    await graph.write(
      nodeAt('Account', 'b', [['country', 'FR']]),
      watchedAt(1, 'a', ['t']),
      watchedAt(2, 'b', ['t']),
    );
    const answer = await graph.ask('{ title(id: "t") { watchedFrom { edges { node { id country } } } } }');
    const nodes = [{ id: 'a', country: null }, { id: 'b', country: 'FR' }]; // biome-ignore format: one row
    expect(answer).toEqual({ data: { title: { watchedFrom: { edges: nodes.map((node) => ({ node })) } } } });
  });

  it('keeps to its times, and looks no further back than the default lookback', async () => {
    const graph = await start();
    const day = 86_400_000;
    await graph.write(
      watchedAt(1, 'a', ['new']),
      watchedAt(5 * day, 'a', ['mid']),
      watchedAt(103 * day, 'a', ['old']),
    );
    const ids = async (given: string): Promise<unknown> => {
      const { data } = await graph.ask(
        `{ account(id: "a") { watched${given} { edges { nodeRef { id } } } } }`,
      );
      return data.account.watched.edges.map((edge: { nodeRef: { id: string } }) => edge.nodeRef.id);
    };
    expect(await ids('')).toEqual(['new', 'mid']);
    expect(await ids('(since: "2025-01-01T00:00:00Z")')).toEqual(['new', 'mid', 'old']);
    expect(await ids('(until: "2025-12-30T00:00:00Z")')).toEqual(['mid']);
    expect(await ids('(order: ANY, since: "2025-12-30T00:00:00Z")')).toEqual(['new']);
  });

  it('shows the far end of a type that has none in GraphQL, or of several, by the interface', async () => {
    const schema = graphWith(
      { Account: {}, Status: {}, Guest: { mail: 'text' }, Title: {} },
      edgeType('SAW', [['Account', 'Status']]),
      edgeType('WATCHED', [['Account', 'Title'], ['Guest', 'Title']]), // biome-ignore format: one row
    );
    const graph = await start(() => schema);
    const saw = { type: 'SAW', from: { type: 'Account', id: 'a' }, to: { type: 'Status', id: 's' } };
    const guest = { type: 'WATCHED', from: { type: 'Guest', id: 'g' }, to: { type: 'Title', id: 't' } };
    const edges = [saw, guest].map((edge) => ({ kind: 'edge', ...edge, properties: [] }) as const);
    await graph.write(
      { ...watchedAt(10, 'a', ['t']), mutations: edges },
      nodeAt('Guest', 'g', [['mail', 'x']]),
    );
    const answer = await graph.ask(`{ account(id: "a") { saw { edges { node { __typename id nodeType } } } }
      title(id: "t") { watchedFrom { edges { node { __typename id ... on Guest { mail } } } } } }`);
    expect(answer.data).toEqual({
      account: { saw: { edges: [{ node: { __typename: 'OtherNode', id: 's', nodeType: 'Status' } }] } },
      title: { watchedFrom: { edges: [{ node: { __typename: 'Guest', id: 'g', mail: 'x' } }] } },
    });
  });

  it('says of an edge that was stored while its type led elsewhere where it leads', async () => {
    const graph = await start();
    const to = { type: 'Show', id: 's' };
    const edge = {
      kind: 'edge',
      type: 'WATCHED',
      from: { type: 'Account', id: 'a' },
      to,
      properties: [],
    } as const;
    await graph.write({ ...watchedAt(10, 'a', ['t']), mutations: [edge] });
    const answer = await graph.ask(
      '{ account(id: "a") { watched { edges { nodeRef { type id } node { id } } } } }',
    );
    expect(answer).toMatchObject({
      data: { account: { watched: { edges: [{ nodeRef: to, node: null }] } } },
      errors: [{ extensions: { code: 'NODE_NOT_OF_TYPE' } }],
    });
  });
});

describe('Pages of a connection', () => {
  const page = `query ($after: String) { account(id: "a") { watched(first: 2, after: $after) {
    edges { cursor nodeRef { id } } pageInfo { hasNextPage endCursor } completeness { truncatedBy limit } } } }`;

  it('neither repeat nor lose an edge while newer and older ones come, also among edges of one event', async () => {
    const graph = await start();
    await graph.write(
      watchedAt(100, 'a', ['c1', 'c2', 'c3']),
      watchedAt(200, 'a', ['d']),
      watchedAt(300, 'a', ['e']),
    );
    const seen: string[] = [];
    let after: string | null = null;
    for (let pages = 0; pages < 10; pages += 1) {
      const { data } = await graph.ask(page, { after });
      const { edges, pageInfo } = data.account.watched;
      seen.push(...edges.map((edge: { nodeRef: { id: string } }) => edge.nodeRef.id));
      if (pages === 0) await graph.write(watchedAt(1, 'a', ['newer']), watchedAt(250, 'a', ['late']));
      if (!pageInfo.hasNextPage) break;
      expect(pageInfo.endCursor).toBe(edges.at(-1).cursor);
      after = pageInfo.endCursor;
    }
    expect(seen).toEqual(['c1', 'c2', 'c3', 'd', 'late', 'e']);
  });

  it('go on where looking ended when all that was looked at is hidden', async () => {
    const graph = await start(undefined, { limits: { scanRowsMax: 3 } });
    for (let i = 0; i < 4; i += 1) await graph.write(watchedAt(10 + i, 'a', ['gone']));
    await graph.write(watchedAt(50, 'a', ['there']));
    await graph.write({ ...watchedAt(1, 'a', []), mutations: [{ kind: 'node-delete', node: { type: 'Title', id: 'gone' } }] }); // biome-ignore format: one row
    const first = (await graph.ask(page)).data.account.watched;
    expect(first).toMatchObject({ edges: [], completeness: { truncatedBy: 'SCAN', limit: 3 } });
    const { edges, pageInfo } = (await graph.ask(page, { after: first.pageInfo.endCursor })).data.account
      .watched;
    expect(edges).toMatchObject([{ nodeRef: { id: 'there' } }]);
    expect(pageInfo.hasNextPage).toBe(false);
  });

  it.each([
    ['no cursor', 'abc'],
    ['a cursor of a journey', 'AQAAAaH6x6KlQyxm_YEbjl8'],
    ['a very long text', 'A'.repeat(10_000)],
    [
      'bytes that are no text',
      Buffer.concat([Buffer.of(2), Buffer.alloc(16), Buffer.from('T\0\xff\0', 'latin1')]).toString(
        'base64url',
      ),
    ],
    [
      'too many parts',
      Buffer.concat([Buffer.of(2), Buffer.alloc(16), Buffer.from('T\0a\0b\0c')]).toString('base64url'),
    ],
  ])('are refused after %s, before the store is asked', async (_what, after) => {
    expect(() => readEdgeCursor('after', after)).toThrow(expect.objectContaining({ extensions: expect.objectContaining({ code: 'BAD_USER_INPUT', argument: 'after' }) })); // biome-ignore format: one row
  });
});

describe('What connections ask of the store', () => {
  async function twoLevels(): Promise<TestGraph> {
    const graph = await start();
    for (let title = 0; title < 10; title += 1) {
      await graph.write(
        watchedAt(100 + title, 'a', [`t${title}`]),
        nodeAt('Title', `t${title}`, [['name', `T${title}`]]),
      );
      for (let i = 0; i < 5; i += 1) await graph.write(watchedAt(200 + i, `other${i}`, [`t${title}`]));
    }
    return graph;
  }

  it.each([
    ['only edges', 'edges { time seconds }', ['node', 'adjacencies 1']],
    ['only who is there', 'edges { node { __typename id nodeType } }', ['node', 'adjacencies 1']],
    ['far ends', 'edges { node { ...F } }', ['node', 'adjacencies 1', 'nodes 10']],
    [
      'two levels',
      'edges { node { name watchedFrom(first: 3) { edges { node { id } } } } }',
      ['node', 'adjacencies 1', 'nodes 10', 'adjacencies 10'],
    ],
    [
      'two levels with their far ends, of which many are the same',
      'edges { node { watchedFrom(first: 3) { edges { node { country } } } } }',
      ['node', 'adjacencies 1', 'adjacencies 10', 'nodes 3'],
    ],
  ])('is one call a level: %s', async (_what, selected, calls) => {
    const graph = await twoLevels();
    const fragment = selected.includes('...F')
      ? 'fragment F on Title { id ... on GraphNode { properties } }'
      : '';
    const answer = await graph.ask(`{ account(id: "a") { watched { ${selected} } } } ${fragment}`);
    expect(answer.errors).toBeUndefined();
    expect(answer.data.account.watched.edges).toHaveLength(10);
    expect(graph.calls).toEqual(calls);
  });

  it('is one call for connections under several names', async () => {
    const graph = await twoLevels();
    await graph.ask(
      '{ account(id: "a") { x: watched(first: 1) { edges { time } } y: watched(first: 2) { edges { time } } } }',
    );
    expect(graph.calls).toEqual(['node', 'adjacencies 2']);
  });

  it.each([
    'first: 0',
    'first: 501',
    'first: -1',
    'since: "2026-02-01T00:00:00Z", until: "2026-01-01T00:00:00Z"',
    'after: "x"',
    'since: "1969-01-01T00:00:00Z"',
  ])('is nothing when an argument is wrong: %s', async (given) => {
    const graph = await start();
    await graph.write(watchedAt(1, 'a', ['t']));
    const answer = await graph.ask(`{ account(id: "a") { watched(${given}) { edges { time } } } }`);
    expect(answer.errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }]);
    expect(graph.calls).toEqual(['node']);
  });
});

it('An outage of the store is said of each connection that it hit, beside what was read before', async () => {
  const graph = await start();
  await graph.write(watchedAt(1, 'a', ['t']));
  graph.failing = new OutageError('STORE_READ_FAILED', 'the disk is gone');
  const answer = await graph.ask(
    '{ account(id: "a") { id watched { edges { time } } } x: account(id: "a") { id } }',
  );
  expect(answer.errors).toMatchObject([
    { path: ['account', 'watched'], extensions: { code: 'STORE_UNAVAILABLE' } },
  ]);
  expect(answer.data).toEqual({ account: null, x: { id: 'a' } });
  expect(JSON.stringify(answer)).not.toContain('disk');
});

describe('Connections while mappings are registered', () => {
  it('come with the edge type, and stay, marked, when it is gone', async () => {
    let schema: GraphSchema = { ...watchedGraph, edgeTypes: [] };
    const graph = await start(() => schema);
    const query = '{ account(id: "a") { watched { edges { seconds } } } }';
    expect((await graph.ask(query)).errors).toMatchObject([
      { extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } },
    ]);
    schema = watchedGraph;
    expect(await graph.ask(query)).toEqual({ data: { account: null } });
    schema = { ...watchedGraph, edgeTypes: [] };
    expect(await graph.ask(query)).toEqual({ data: { account: null } });
    const fields = '{ __type(name: "Account") { fields(includeDeprecated: true) { name isDeprecated } } }';
    const { data } = await graph.ask(fields);
    expect(data.__type.fields).toContainEqual({ name: 'watched', isDeprecated: true });
  });

  it('lead to the interface once a second type is at the far end, and queries for what every node has go on', async () => {
    let schema = watchedGraph;
    const graph = await start(() => schema);
    await graph.write(watchedAt(1, 'a', ['t']));
    const query =
      '{ title(id: "t") { watchedFrom { edges { node { __typename id journey { completeness { complete } } } } } } }';
    const first = await graph.ask(query);
    expect(first.errors).toBeUndefined();
    schema = graphWith({ Account: {}, Guest: {}, Title: {} }, edgeType('WATCHED', [['Account', 'Title'], ['Guest', 'Title']])); // biome-ignore format: one row
    expect(await graph.ask(query)).toEqual(first);
    expect((await graph.ask('{ __type(name: "TitleWatchedFromEdge") { fields { name type { name } } } }')).data.__type.fields) // biome-ignore format: one row
      .toContainEqual({ name: 'node', type: { name: 'GraphNode' } });
  });
});
