import { createServer, type Server } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../foundation/index.ts';
import { createMemoryStore } from '../graph-store/index.ts';
import { createWriter, startTestApi, stepAt } from '../query-api/api-testing.ts';
import { nodeAt, startTestGraph, watchedAt } from '../query-api/typed-edges/typed-edges-testing.ts';
import { testedGraph } from './client-testing.ts';
import { createClient, type GraphTable, JourneyGraphClientError } from './index.ts';
import { isMutation } from './transport.ts';

type Graph = {
  types: {
    Query: { account: { of: 'Account'; as: '?'; args: { id: string } } };
    Mutation: {
      freezeAudience: { of: 'Audience'; as: ''; args: { key: string } };
      deleteAudience: { is: boolean; args: { id: string } };
    };
    Audience: { id: { is: string } };
    Account: {
      country: { is: string | null };
      watched: {
        of: 'Connection';
        as: '';
        args: { first?: number; order?: 'LATEST' | 'ANY'; where?: object };
      };
    };
    Connection: { edges: { of: 'Edge'; as: '[]' } };
    Edge: { seconds: { is: number | string | null }; node: { of: 'Title'; as: '?' } };
    Title: { id: { is: string }; name: { is: string | null } };
  };
  possible: Record<never, never>;
};
const graph: GraphTable<Graph> = {
  Query: { account: { of: 'Account', args: { id: 'ID!' } } },
  Mutation: {
    freezeAudience: { of: 'Audience', args: { key: 'String!' } },
    deleteAudience: { args: { id: 'ID!' } },
  },
  Account: {
    watched: { of: 'Connection', args: { first: 'Int', order: 'EdgeOrder!', where: 'AccountWatchedWhere' } },
  },
  Connection: { edges: { of: 'Edge' } },
  Edge: { node: { of: 'Title' } },
};

/** Answers each request with the next of these; the last one goes on. */
async function startFake(
  ...answers: readonly {
    readonly status: number;
    readonly body: unknown;
    readonly headers?: Record<string, string>;
  }[]
) {
  const asked: {
    readonly query: string;
    readonly variables: unknown;
    readonly authorization: string | undefined;
  }[] = [];
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { query, variables } = JSON.parse(Buffer.concat(chunks).toString());
      asked.push({ query, variables, authorization: request.headers.authorization });
      const { status, body, headers } = answers[Math.min(asked.length, answers.length) - 1] ?? {
        status: 500,
        body: '',
        headers: {},
      };
      response.writeHead(status, headers).end(typeof body === 'string' ? body : JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  const slept: number[] = [];
  const ports = { random: () => 1, sleep: async (ms: number) => void slept.push(ms) };
  return { url: `http://127.0.0.1:${address.port}`, asked, slept, ports };
}

const down = { status: 200, body: { errors: [{ message: 'down', extensions: { code: 'STORE_UNAVAILABLE', requestId: 'r-1' } }], data: null } }; // biome-ignore format: one row
const up = { status: 200, body: { data: { ok: true } } };

async function failure(promise: Promise<unknown>): Promise<JourneyGraphClientError> {
  const error = await promise.then(() => null, (reason: unknown) => reason); // biome-ignore format: one row
  expect(error).toBeInstanceOf(JourneyGraphClientError);
  if (error instanceof JourneyGraphClientError) return error;
  throw new Error('it did not fail');
}

describe('A client of a real server', () => {
  it('answers a selection, its arguments as variables', async () => {
    const { server, write } = await startTestGraph(() => testedGraph);
    onTestFinished(() => server.close());
    await write(
      nodeAt('Account', 'a"}', [['country', 'FR']]),
      nodeAt('Title', 't', [['name', 'Dark']]),
      watchedAt(9, 'a"}', ['t'], [['seconds', 60n]]),
      watchedAt(8, 'a"}', ['u'], [['seconds', 1n]]),
    );
    const client = createClient({ url: server.url, graph });
    const { account } = await client.select({
      account: {
        $: { id: 'a"}' },
        country: true,
        watched: { $: { first: 5, order: 'ANY', where: { seconds: { gte: 60 } } }, edges: { seconds: true, node: { name: true } } },
      },
    }); // biome-ignore format: as people write it
    expect(account).toEqual({ country: 'FR', watched: { edges: [{ seconds: 60, node: { name: 'Dark' } }] } });
  });

  it('tells an error by its code and request id', async () => {
    const { server } = await startTestGraph();
    onTestFinished(() => server.close());
    const client = createClient({ url: `${server.url}/graphql` });
    const wrong = await failure(client.query('query ($id: ID!) { account(id: $id) { id } }', { id: '' }));
    expect(wrong).toMatchObject({
      code: 'BAD_USER_INPUT',
      status: 200,
      retryable: false,
      data: { account: null },
    });
    expect(wrong.requestId).toMatch(/^request-\d+$/);
    expect(wrong.errors).toHaveLength(1);
    const misspelt = await failure(client.query('{ acount }'));
    expect(misspelt).toMatchObject({ code: 'GRAPHQL_VALIDATION_FAILED', status: 400 });
    expect(misspelt.requestId).toMatch(/^request-\d+$/);
  });

  it('reads a journey page by page, and no page that nobody awaits', async () => {
    const store = createMemoryStore(systemClock);
    const write = await createWriter(store);
    const nowMs = Date.now();
    await write(Array.from({ length: 25 }, (_, i) => stepAt(nowMs - 1000 + i, BigInt(i))));
    const server = await startTestApi({ reader: store });
    onTestFinished(() => server.close());
    let requests = 0;
    const counting: typeof fetch = (...parameters) => {
      requests += 1;
      return fetch(...parameters);
    };
    const client = createClient({ url: server.url, fetch: counting });
    const journey = { of: { type: 'Account', id: 'a' }, since: new Date(nowMs - 5000), pageSize: 10 };
    const times: string[] = [];
    for await (const step of client.journey(journey)) times.push(step.time);
    expect(times).toHaveLength(25);
    expect(times).toEqual([...new Set(times)].sort());
    expect(requests).toBe(3);
    for await (const { steps, completeness } of client.journeyPages({ ...journey, order: 'NEWEST_FIRST' })) {
      expect(steps[0]?.time).toBe(times.at(-1));
      expect(completeness).toMatchObject({ complete: false, truncatedBy: 'PAGE' });
      break;
    }
    expect(requests).toBe(4);
  });

  it('asks for its token before each request', async () => {
    const server = await startTestApi({ gate: { token: 'right' } });
    onTestFinished(() => server.close());
    const tokens = ['wrong', 'right'];
    const client = createClient({ url: server.url, token: async () => tokens.shift() ?? null });
    expect(await failure(client.query('{ __typename }'))).toMatchObject({
      code: 'UNAUTHENTICATED',
      status: 401,
    });
    expect(await client.query('{ __typename }')).toEqual({ __typename: 'Query' });
  });
});

describe('A request that fails', () => {
  it('is sent again, later and later, while the failure may pass', async () => {
    const fake = await startFake(
      down,
      { status: 503, body: 'busy', headers: { 'retry-after': '2' } },
      down,
      up,
    );
    const client = createClient({ ...fake, retries: 3 });
    expect(await client.query('{ ok }')).toEqual({ ok: true });
    expect(fake.slept).toEqual([100, 2000, 400]);
  });

  it.each([
    ['as often as it may be', down, 'query { ok }', { retries: 1 }, 2],
    ['once when it changes something', down, 'mutation { freeze { id } }', { retries: 5 }, 1],
    [
      'once when another time is no better',
      { status: 200, body: { errors: [{ message: 'no', extensions: { code: 'QUERY_TOO_LARGE' } }] } },
      '{ ok }',
      { retries: 5 },
      1,
    ],
    [
      'once when the server wants to be left alone for long',
      { status: 503, body: '', headers: { 'retry-after': '3600' } },
      '{ ok }',
      { retries: 5 },
      1,
    ],
    ['once when an answer is no GraphQL', { status: 200, body: '<html>' }, '{ ok }', { retries: 5 }, 1],
    ['once when an answer is empty', { status: 200, body: {} }, '{ ok }', { retries: 5 }, 1],
  ] as const)('is sent %s', async (_what, answer, query, options, times) => {
    const fake = await startFake(answer);
    const error = await failure(createClient(fake).query(query, {}, options));
    expect(fake.asked).toHaveLength(times);
    expect(error.code).toBe(answer === down ? 'STORE_UNAVAILABLE' : 'errors' in Object(answer.body) ? 'QUERY_TOO_LARGE' : 'BAD_RESPONSE'); // biome-ignore format: one row
  });

  it('says that nothing answers, that it took too long, or that it was aborted', async () => {
    const ports = { random: () => 0, sleep: async () => undefined };
    const refused = createClient({ url: 'http://127.0.0.1:1', ports, retries: 1 });
    expect(await failure(refused.query('{ ok }'))).toMatchObject({ code: 'UNREACHABLE', retryable: true });
    const silent = createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      silent.closeAllConnections();
      silent.close();
    });
    const address = silent.address();
    const client = createClient({
      url: `http://127.0.0.1:${Object(address).port}`,
      ports,
      retries: 0,
      timeoutMs: 30,
    });
    expect(await failure(client.query('{ ok }'))).toMatchObject({ code: 'TIMEOUT' });
    const stop = new AbortController();
    const asked = failure(client.query('{ ok }', {}, { signal: stop.signal, timeoutMs: 10_000 }));
    stop.abort();
    expect(await asked).toMatchObject({ code: 'ABORTED', retryable: false });
  });
});

describe('Mutations that are selected', () => {
  it('are one operation in the order of the selection, sent once whatever comes of it', async () => {
    const fake = await startFake(down);
    const client = createClient({ ...fake, graph, retries: 5 });
    const asked = client.mutate({
      freezeAudience: { $: { key: 'k"}' }, id: true },
      deleteAudience: { $: { id: 'a' } },
    });
    expect(await failure(asked)).toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(fake.asked).toMatchObject([
      {
        query:
          'mutation ($v0: String!, $v1: ID!) { freezeAudience(key: $v0) { id } deleteAudience(id: $v1) }',
        variables: { v0: 'k"}', v1: 'a' },
      },
    ]);
  });

  it('answer what was selected', async () => {
    const fake = await startFake({ status: 200, body: { data: { freezeAudience: { id: 'a' } } } });
    const { freezeAudience } = await createClient({ ...fake, graph }).mutate({
      freezeAudience: { $: { key: 'k' }, id: true },
    });
    const id: string = freezeAudience.id;
    expect(id).toBe('a');
  });

  it('need the generated types, as queries do', async () => {
    const fake = await startFake(up);
    const { code, message } = await failure(
      createClient<Graph>(fake).mutate({ deleteAudience: { $: { id: 'a' } } }),
    );
    expect([code, message]).toEqual(['BAD_SELECTION', expect.stringMatching(/^mutate\(\) needs `graph`/)]);
  });
});

describe('A selection', () => {
  it.each([
    ['a name that is none', { 'a } evil {': true }, 'is no name'],
    ['nothing', {}, 'Nothing is selected'],
    [
      'an argument that there is not',
      { account: { $: { id: 'a', evil: 1 }, country: true } },
      'has no argument "evil"',
    ],
    ['a whole object', { account: true }, 'is no leaf'],
  ])('is refused before anything is sent: %s', async (_what, selection, message) => {
    const fake = await startFake(up);
    // The compiler refuses these as well; a caller may have none.
    const select: (selection: object) => Promise<unknown> = (given) =>
      Reflect.apply(client.select, client, [given]);
    const client = createClient({ ...fake, graph });
    const error = await failure(select(selection));
    expect(error.code).toBe('BAD_SELECTION');
    expect(error.message).toContain(message);
    expect(fake.asked).toEqual([]);
  });
});

it.each([
  ['mutation { a }', true],
  ['mutation Freeze($a: Int) { a }', true],
  ['# query\nfragment A on B { c } mutation { a }', true],
  ['{ mutation }', false],
  ['query { a(text: "} mutation {") }', false],
  ['query Mutation { mutation { a } }', false],
  ['# mutation { a }\n{ a }', false],
])('%j changes something: %s', (query, expected) => {
  expect(isMutation(query)).toBe(expected);
});
