import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { nodeAt, startTestGraph, type TestGraph, watchedAt } from './typed-edges-testing.ts';

async function start(...parameters: Parameters<typeof startTestGraph>): Promise<TestGraph> {
  const graph = await startTestGraph(...parameters);
  onTestFinished(() => graph.server.close());
  return graph;
}

const query = `query ($where: AccountWatchedWhere, $first: Int, $after: String) {
  account(id: "a") { watched(where: $where, first: $first, after: $after) {
    edges { nodeRef { id } node { name } } pageInfo { hasNextPage endCursor } completeness { complete truncatedBy scanned } } } }`;

async function filled(options?: Parameters<typeof startTestGraph>[1]): Promise<TestGraph> {
  const graph = await start(undefined, options);
  const rows = [
    ['t1', 'Dark', 2017n, 60n, 'TV'],
    ['t2', 'Lost', 2004n, 5n, 'PHONE'],
    ['t3', null, null, 2n ** 60n, null],
  ] as const;
  for (const [i, [id, name, year, seconds, device]] of rows.entries()) {
    await graph.write(
      nodeAt('Title', id, [['name', name], ['year', year]]),
      watchedAt(10 + i, 'a', [id], [['seconds', seconds], ['device', device], ['finished_at', i * 1000]]),
    ); // biome-ignore format: one event a row
  }
  return graph;
}

describe('A condition on a connection', () => {
  it.each([
    [{ seconds: { gte: 60 } }, ['t1', 't3']],
    [{ seconds: { eq: '1152921504606846976' } }, ['t3']],
    [{ seconds: { in: [5, 60] }, device: { ne: 'TV' } }, ['t2']],
    [{ device: { exists: false } }, ['t3']],
    [{ device: { prefix: 'PH' } }, ['t2']],
    [{ finishedAt: { gt: '1970-01-01T00:00:00.500Z' } }, ['t2', 't3']],
    [{ any: [{ device: { eq: 'TV' } }, { seconds: { lt: 10 } }] }, ['t1', 't2']],
    [{ not: { device: { eq: 'TV' } } }, ['t2', 't3']],
    [{ node: { year: { lt: 2010 } } }, ['t2']],
    [{ node: { name: { exists: false } } }, ['t3']],
    [{ any: [{ device: { eq: 'TV' } }, { node: { name: { eq: 'Lost' } } }] }, ['t1', 't2']],
    [{ not: { node: { any: [{ name: { eq: 'Lost' } }, { year: { eq: 2017 } }] } } }, ['t3']],
    [{}, ['t1', 't2', 't3']],
    [{ all: [], device: null }, ['t1', 't2', 't3']],
    [{ any: [] }, []],
  ])('%j', async (where, ids) => {
    const graph = await filled();
    const answer = await graph.ask(query, { where });
    expect(answer.errors).toBeUndefined();
    const { edges, completeness } = answer.data.account.watched;
    expect(edges.map((edge: { nodeRef: { id: string } }) => edge.nodeRef.id)).toEqual(ids);
    expect(completeness).toEqual({ complete: true, truncatedBy: null, scanned: 3 });
  });

  it.each([
    ['a property that there is not', { second: { eq: 1 } }, 'where'],
    ['a value of another kind', { seconds: { eq: 'many' } }, 'where'],
    ['a fraction of a whole number', { seconds: { eq: 1.5 } }, 'where'],
    ['an operator that the kind has not', { seconds: { prefix: '1' } }, 'where'],
    ['a comparison with null', { seconds: { eq: null } }, 'where'],
    ['a property of the far end that there is not', { node: { seconds: { eq: 1 } } }, 'where'],
    ['too many values', { seconds: { in: Array.from({ length: 1001 }, () => 1) } }, 'where'],
    ['too many conditions', { all: Array.from({ length: 65 }, () => ({ seconds: { eq: 1 } })) }, 'where'],
  ])('refuses %s before the store is asked', async (_what, where, argument) => {
    const graph = await filled();
    const answer = await graph.ask(query, { where });
    expect(answer.errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT', argument } }]);
    expect(graph.calls.filter((call) => call !== 'node')).toEqual([]);
  });

  it('reads far ends only of edges that pass what is asked of the edges alone', async () => {
    const graph = await filled();
    await graph.ask(query, { where: { device: { eq: 'TV' }, node: { name: { eq: 'Dark' } } } });
    expect(graph.calls).toEqual(['node', 'adjacencies 1', 'nodes 1']);
  });

  it('looks further in larger steps, and ends with the page', async () => {
    const graph = await start();
    const events = Array.from({ length: 400 }, (_, i) =>
      watchedAt(i + 1, 'a', [`t${i}`], [['seconds', BigInt(i)]]),
    );
    await graph.write(...events);
    const { data } = await graph.ask(query, { where: { seconds: { in: [100, 390, 395] } }, first: 1 });
    expect(data.account.watched.edges).toMatchObject([{ nodeRef: { id: 't100' } }]);
    expect(data.account.watched.completeness).toMatchObject({ complete: false, truncatedBy: 'PAGE' });
    expect(graph.calls).toEqual(['node', 'adjacencies 1', 'adjacencies 1', 'adjacencies 1', 'nodes 1']);
  });

  it('gives the same edges page by page as all at once, whatever the page and the bound on rows', async () => {
    const graph = await start(undefined, { limits: { scanRowsMax: 50 } });
    const events = Array.from({ length: 120 }, (_, i) =>
      watchedAt(i + 1, 'a', [`t${i}`], [['seconds', BigInt(i % 7)]]),
    );
    await graph.write(...events);
    const property = fc.asyncProperty(
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 0, max: 8 }),
      async (first, seconds) => {
        const expected = events.flatMap((_, i) => (i % 7 >= seconds ? [`t${i}`] : []));
        const seen: string[] = [];
        let after: string | null = null;
        for (let pages = 0; pages < 200; pages += 1) {
          const answer = await graph.ask(query, { where: { seconds: { gte: seconds } }, first, after });
          const { edges, pageInfo } = answer.data.account.watched;
          seen.push(...edges.map((edge: { nodeRef: { id: string } }) => edge.nodeRef.id));
          if (!pageInfo.hasNextPage) break;
          after = pageInfo.endCursor;
        }
        expect(seen).toEqual(expected);
      },
    );
    await fc.assert(property, { numRuns: 12 });
  });

  it('is refused however deep it nests', async () => {
    const graph = await filled();
    const deep = 20_000;
    const where = `${'{"not":'.repeat(deep)}{}${'}'.repeat(deep)}`;
    const response = await fetch(`${graph.server.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: `{"query":${JSON.stringify(query)},"variables":{"where":${where}}}`,
    });
    const answer = await response.json();
    expect(answer.errors?.[0]?.extensions).toMatchObject({ code: 'QUERY_TOO_LARGE', limit: 32 });
  });
});
