import { describe, expect, it, onTestFinished } from 'vitest';
import { RefusedError, StopError } from '../foundation/index.ts';
import type { CompareEvent, CompareVerdict } from '../graph-store/index.ts';
import { startTestApi } from './api-testing.ts';
import type { GraphOperations } from './graph-operations.ts';

const graph = { rows: 1, digest: '0', sources: [] };
const verdict: CompareVerdict = {
  ...{ isEqual: true, live: graph, other: graph, ranges: 4096, rangesDiffering: 0 },
  ...{ rowsCompared: 0, differences: 0, hasMore: false },
};

/** Notes what it is asked. */
function operationsOf(over: Partial<GraphOperations> = {}) {
  const asked: unknown[] = [];
  const switched = { live: 'b', previous: 'main', behind: '0', missing: [] };
  const operations: GraphOperations = {
    list: async () => [{ name: 'main', state: 'live', folder: '/data/store', sources: [] }],
    compare: async (other, differencesMax) => {
      asked.push(['compare', other, differencesMax]);
      return events({ kind: 'progress', rows: 7 }, { kind: 'verdict', verdict });
    },
    switchTo: async (name, behindMax) => {
      asked.push(['switch', name, behindMax]);
      return switched;
    },
    back: async (behindMax) => {
      asked.push(['back', behindMax]);
      return switched;
    },
    drop: async (name) => {
      asked.push(['drop', name]);
    },
    ...over,
  };
  return { operations, asked };
}

async function* events(...all: readonly CompareEvent[]): AsyncGenerator<CompareEvent> {
  yield* all;
}

async function start(graphs: GraphOperations | null, token: string | null = null) {
  const server = await startTestApi({ graphs, gate: { token } });
  onTestFinished(() => server.close());
  return (path: string, init: RequestInit = {}) => fetch(`${server.url}${path}`, init);
}

const codeOf = async (response: Response): Promise<unknown> => {
  const body: { errors?: readonly { extensions: { code: string } }[] } = JSON.parse(await response.text());
  return body.errors?.[0]?.extensions.code;
};
const post = { method: 'POST' } as const;

describe('The routes of graphs', () => {
  it('list, compare, switch, go back and drop', async () => {
    const { operations, asked } = operationsOf();
    const get = await start(operations);
    expect(await (await get('/graphs/list')).json()).toMatchObject({
      graphs: [{ name: 'main', state: 'live' }],
    });
    const lines = (await (await get('/graphs/compare?with=b&limit=7')).text()).trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line).kind)).toEqual(['progress', 'verdict']);
    expect(await (await get('/graphs/switch?to=b&behind=12', post)).json()).toMatchObject({ live: 'b' });
    expect((await get('/graphs/back', post)).status).toBe(200);
    expect((await get('/graphs/drop?name=b', post)).status).toBe(200);
    expect(asked).toEqual([
      ['compare', 'b', 7],
      ['switch', 'b', 12n],
      ['back', 100_000n],
      ['drop', 'b'],
    ]);
  });

  it('are behind the same gate as the store, and change nothing by GET', async () => {
    const { operations, asked } = operationsOf();
    const get = await start(operations, 'sesame');
    expect((await get('/graphs/list')).status).toBe(401);
    const headers = { authorization: 'Bearer sesame' };
    const answers = await Promise.all([
      get('/graphs/switch?to=b', { headers }),
      get('/graphs/drop?name=b', { ...post, headers: { ...headers, 'sec-fetch-site': 'cross-site' } }),
      get('/graphs/compare?with=b&limit=0', { headers }),
      get('/graphs/other', { headers }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([405, 403, 400, 404]);
    expect(asked).toEqual([]);
  });

  it('tell what was refused by its own code', async () => {
    const { operations } = operationsOf({
      switchTo: () => Promise.reject(new RefusedError('GRAPH_BEHIND', 'Too far behind.')),
      compare: async () => {
        throw new StopError('STORE_LOCKED', 'It is open elsewhere.');
      },
    });
    const get = await start(operations);
    const refused = await get('/graphs/switch?to=b', post);
    expect([refused.status, await codeOf(refused)]).toEqual([400, 'GRAPH_BEHIND']);
    const locked = await get('/graphs/compare?with=b');
    expect([locked.status, await codeOf(locked)]).toEqual([503, 'STORE_LOCKED']);
    const none = await (await start(null))('/graphs/list');
    expect([none.status, await codeOf(none)]).toEqual([404, 'STORE_IN_NEO4J']);
  });

  it('compare for one client at a time', async () => {
    const going = Promise.withResolvers<void>();
    const { operations } = operationsOf({
      compare: async () => {
        async function* waiting(): AsyncGenerator<CompareEvent> {
          yield { kind: 'progress', rows: 1 };
          await going.promise;
          yield { kind: 'verdict', verdict };
        }
        return waiting();
      },
    });
    const get = await start(operations);
    const first = await get('/graphs/compare?with=b');
    const second = await get('/graphs/compare?with=b');
    expect([second.status, await codeOf(second)]).toEqual([409, 'GRAPH_BUSY']);
    going.resolve();
    expect(await first.text()).toContain('"verdict"');
    await expect.poll(async () => (await get('/graphs/compare?with=b')).status).toBe(200);
  });

  it('close a comparison whose client left before its first event', async () => {
    const [begun, first, closed] = [1, 2, 3].map(() => Promise.withResolvers<void>());
    async function* slow(): AsyncGenerator<CompareEvent> {
      try {
        begun?.resolve();
        await first?.promise;
        yield { kind: 'progress', rows: 1 };
        yield { kind: 'verdict', verdict };
      } finally {
        closed?.resolve();
      }
    }
    const { operations } = operationsOf({ compare: async () => slow() });
    const get = await start(operations);
    const leaving = new AbortController();
    const asked = get('/graphs/compare?with=b', { signal: leaving.signal });
    await begun?.promise;
    leaving.abort();
    await expect(asked).rejects.toThrow();
    // Answered behind the other one's end of the connection.
    await get('/graphs/list');
    first?.resolve();
    await closed?.promise;
    await expect.poll(async () => (await get('/graphs/compare?with=b')).status).toBe(200);
  });
});
