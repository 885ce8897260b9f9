import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { type Log, OutageError, silentLog } from '../../foundation/index.ts';
import { ask, startTestApi, type TestApiOptions } from '../api-testing.ts';
import { localCaller } from '../auth/caller.ts';
import type { TokenVerdict } from '../auth/token-verifier.ts';
import type { ApiServer } from '../server.ts';
import { listen, RawClient, stepsQuery } from './live-socket-testing.ts';
import { HandClock, stepOf, TestProcess, turns } from './live-testing.ts';

async function withLive<T>(
  use: (server: ApiServer, process: TestProcess) => Promise<T>,
  options: TestApiOptions = {},
  process = new TestProcess(),
): Promise<T> {
  const limits = { lookbackMs: Number.MAX_SAFE_INTEGER, ...options.limits };
  const server = await startTestApi({ reader: process.memory, feed: process.journal, ...options, limits });
  try {
    return await use(server, process);
  } finally {
    await server.close();
  }
}

describe('Subscriptions over a WebSocket', () => {
  it('reach a client of graphql-ws as they are applied, and it can go on after a break', async () => {
    await withLive(async (server, process) => {
      const first = listen(server);
      const hello = await first.next();
      expect(hello).toEqual({ cursor: expect.any(String), recovered: null, reason: null, step: null });
      await process.write([stepOf(1500, 1)]);
      const value = await first.next();
      expect(value.step).toEqual({
        time: '1970-01-01T00:00:01.500Z',
        links: [{ edge: 'WATCHED' }],
        properties: { n: 1 },
      });
      await first.stop();
      await process.write([stepOf(700, 2)]);
      const second = listen(server, { variables: { after: value.cursor } });
      expect(await second.next()).toMatchObject({
        recovered: true,
        step: null,
      });
      expect((await second.next()).step?.properties).toEqual({ n: 2 });
      await second.stop();
    });
  });

  it('go on at another process where one was killed', async () => {
    const before = new TestProcess();
    const cursor = await withLive(
      async (server, process) => {
        const client = listen(server);
        await client.next();
        await process.write([stepOf(1500, 1)]);
        const value = await client.next();
        await client.stop();
        return value.cursor;
      },
      {},
      before,
    );
    await before.write([stepOf(1600, 2)]);
    const after = new TestProcess({ memory: before.memory, epoch: 7n });
    await withLive(
      async (server) => {
        const client = listen(server, { variables: { after: cursor } });
        expect(await client.next()).toMatchObject({
          recovered: false,
          reason: 'OTHER_PROCESS',
        });
        expect((await client.next()).step?.properties).toEqual({ n: 2 });
        await client.stop();
      },
      {},
      after,
    );
  });

  it('are not to be had over HTTP', async () => {
    await withLive(async (server) => {
      const { text } = await ask(server, stepsQuery);
      expect(JSON.parse(text).errors).toMatchObject([{ extensions: { code: 'SUBSCRIPTION_NEEDS_SOCKET' } }]);
    });
  });

  it.each([
    ['a query', '{ status { nodes } }', 'BAD_REQUEST'],
    ['no GraphQL', '{ status', 'GRAPHQL_PARSE_FAILED'],
    ['an unknown field', 'subscription { nothing }', 'GRAPHQL_VALIDATION_FAILED'],
    [
      'two root fields',
      `subscription { ${['a', 'b'].map((name) => `${name}: journeySteps(of: {type: "A", id: "a"}) { cursor }`).join(' ')} }`,
      'GRAPHQL_VALIDATION_FAILED',
    ],
    [
      'a depth',
      `subscription { journeySteps(of: {type: "A", id: "a"}) ${'{ step { owner '.repeat(20)} ${'} }'.repeat(20)} }`,
      'QUERY_TOO_LARGE',
    ],
    [
      'tokens',
      `subscription { journeySteps(of: {type: "A", id: "a"}) { ${'cursor '.repeat(1000)} } }`,
      'QUERY_TOO_LARGE',
    ],
    [
      'aliases',
      `subscription { journeySteps(of: {type: "A", id: "a"}) { ${Array.from({ length: 16 }, (_, i) => `c${i}: cursor`).join(' ')} } }`,
      'QUERY_TOO_LARGE',
    ],
  ])('refuse %s with an error of their own and leave the socket open', async (_name, query, code) => {
    await withLive(async (server) => {
      const client = await new RawClient(server).initialized();
      client.subscribe('1', query);
      const faults = await client.nextFaults('error');
      expect(faults.map(({ extensions }) => extensions.code)).toContain(code);
      expect(faults[0]?.extensions.requestId).toMatch(/^request-/);
      client.subscribe('2');
      await client.next('next');
      client.socket.close();
    });
  });

  it.each([
    ['after', '"rubbish"', 'after'],
    ['after', `"${'A'.repeat(44)}"`, 'after'],
    ['of.id', '', 'of.id'],
  ])('name the argument %s when it is wrong', async (_name, value, argument) => {
    await withLive(async (server) => {
      const client = await new RawClient(server).initialized();
      const args =
        argument === 'after' ? `of: {type: "A", id: "a"}, after: ${value}` : 'of: {type: "A", id: ""}';
      client.subscribe('1', `subscription { journeySteps(${args}) { cursor } }`);
      expect(await client.nextFaults('next')).toMatchObject([
        { extensions: { code: 'BAD_USER_INPUT', argument, requestId: expect.any(String) } },
      ]);
      client.socket.close();
    });
  });

  it('say that the store does not answer, and nothing from inside', async () => {
    const said: unknown[] = [];
    const log: Log = { ...silentLog, error: (fields) => void said.push(fields) };
    const process = new TestProcess();
    const reader = {
      ...readerOf(process),
      journey: () => Promise.reject(new OutageError('STORE_READ_FAILED', '/secret')),
    };
    await withLive(
      async (server) => {
        const client = await new RawClient(server).initialized();
        client.subscribe('1');
        const { payload } = await client.next('error');
        expect(payload).toEqual([
          {
            message: expect.stringContaining('does not answer'),
            extensions: { code: 'STORE_UNAVAILABLE', requestId: expect.any(String) },
          },
        ]);
        expect(said).toMatchObject([{ code: 'STORE_UNAVAILABLE' }]);
        client.socket.close();
      },
      { reader, log },
      process,
    );
  });
});

function readerOf({ memory }: TestProcess): TestApiOptions['reader'] & object {
  return {
    node: (ref) => memory.node(ref),
    nodes: (refs) => memory.nodes(refs),
    journey: (query) => memory.journey(query),
    bulk: memory.bulk,
    adjacency: (query) => memory.adjacency(query),
    adjacencies: (queries) => memory.adjacencies(queries),
    degree: (query) => memory.degree(query),
    edge: (query) => memory.edge(query),
    sources: () => memory.sources(),
    estimate: () => memory.estimate(),
  };
}

describe('The gate of WebSockets', () => {
  it.each([
    ['another path', { path: '/elsewhere' }, 404],
    ['a page of another site', { headers: { origin: 'https://evil.example' } }, 403],
    ['a page without an origin of its own', { headers: { origin: 'null' } }, 403],
    ['a name that is not ours', { headers: { host: 'evil.example' } }, 403],
    ['a page of this machine', { headers: { origin: 'http://localhost:3000' } }, 101],
    ['a page of an allowed host', { headers: { origin: 'https://app.example' } }, 101],
  ])('answers %s', async (_name, options, status) => {
    await withLive(
      async (server) => {
        const client = new RawClient(server, options);
        expect(await client.status()).toBe(status);
        client.socket.terminate();
      },
      { gate: { allowedHosts: ['app.example'] } },
    );
  });

  it('takes a page only of the very host it asks for when any host may be asked for', async () => {
    await withLive(
      async (server) => {
        const foreign = new RawClient(server, { headers: { origin: 'https://evil.example' } });
        expect(await foreign.status()).toBe(403);
        const own = new RawClient(server, { headers: { origin: server.url } });
        expect(await own.status()).toBe(101);
        own.socket.terminate();
      },
      { gate: { token: 'secret', anyHost: true } },
    );
  });

  it('takes the token from connection_init or from a header, and closes with 4403 without it', async () => {
    await withLive(
      async (server) => {
        const client = listen(server, { token: 'secret' });
        expect((await client.next()).step).toBe(null);
        await client.stop();
        const header = new RawClient(server, { headers: { authorization: 'Bearer secret' } });
        await header.initialized();
        header.socket.close();
        for (const payload of [{}, { Authorization: 'Bearer wrong' }, { Authorization: 7 }]) {
          const stranger = await new RawClient(server).opened();
          stranger.say({ type: 'connection_init', payload });
          expect((await stranger.closed).code).toBe(4403);
        }
        const eager = await new RawClient(server).opened();
        eager.subscribe('1');
        expect((await eager.closed).code).toBe(4401);
      },
      { gate: { token: 'secret' } },
    );
  });
});

const someToken = { authorization: 'Bearer of.some.kind' };

describe('A socket that fails on our side', () => {
  it('is closed with 1011 and an id under which the log has the cause, and is counted', async () => {
    const said: { readonly requestId?: string; readonly error?: unknown }[] = [];
    const log: Log = { ...silentLog, error: (fields) => void said.push(fields) };
    const verify = () => Promise.reject(new Error('secret'));
    await withLive(
      async (server) => {
        const client = await new RawClient(server).opened();
        client.say({ type: 'connection_init', payload: someToken });
        const { code, reason } = await client.closed;
        expect([code, reason]).toEqual([1011, expect.stringMatching(/: request-\d+$/)]);
        expect(said).toEqual([{ requestId: reason.split(': ')[1], error: new Error('secret') }]);
        const metrics = await fetch(`${server.url}/metrics`, { headers: { authorization: 'Bearer op' } });
        expect(await metrics.text()).toContain('journey_graph_errors_total{code="INTERNAL_SERVER_ERROR"} 1');
      },
      { log, gate: { token: 'op' }, access: { jwt: { verify }, policy: null } },
    );
  });
});

describe('A caller whom nobody can judge now', () => {
  it('is asked to come back later with 1013', async () => {
    await withLive(
      async (server) => {
        const client = await new RawClient(server).opened();
        client.say({ type: 'connection_init', payload: someToken });
        expect((await client.closed).code).toBe(1013);
      },
      { access: { jwt: { verify: async () => ({ kind: 'unavailable' }) }, policy: null } },
    );
  });
});

describe('A token that expires', () => {
  it('closes the socket with 4431 when its time has come, and not before', async () => {
    const clock = new HandClock();
    const verify = async (): Promise<TokenVerdict> => ({
      kind: 'caller',
      caller: { ...localCaller, kind: 'token', expiresAtMs: clock.now() + 11_000 },
    });
    await withLive(
      async (server) => {
        const client = await new RawClient(server).initialized(someToken);
        client.subscribe('1');
        await client.next('next');
        await clock.advance(10_999);
        expect(client.socket.readyState).toBe(client.socket.OPEN);
        await clock.advance(1);
        expect((await client.closed).code).toBe(4431);
      },
      { clock, access: { jwt: { verify }, policy: null } },
    );
  });
});

describe('A hostile client', () => {
  it.each([
    ['no JSON', ['{'], 4400],
    ['a message of no type', [{ hello: 1 }], 4400],
    ['a second connection_init', [{ type: 'connection_init' }, { type: 'connection_init' }], 4429],
    ['a subscription twice under a long id', twice('é'.repeat(5000)), 4409],
    ['a message that is too large', ['x'.repeat(300_000)], 1009],
    ['a flood of pings', Array.from({ length: 201 }, () => ({ type: 'ping' })), 4432],
  ])('that sends %s is closed', async (_name, messages, code) => {
    await withLive(async (server) => {
      const client = new RawClient(server);
      // On a busy machine a flood can take longer than a client has for its `connection_init`.
      await (code === 4409 || code === 4432 ? client.initialized() : client.opened());
      for (const message of messages) client.say(message);
      expect((await client.closed).code).toBe(code);
    });
  });

  it.each(['ping', 'pong'] as const)(
    'that sends more frames of %s than messages is closed',
    async (frame) => {
      await withLive(
        async (server) => {
          // Its `connection_init` is the first of 200.
          const { socket, closed } = await new RawClient(server).initialized();
          for (let count = 2; count <= 200; count += 1) {
            const answered = frame === 'ping' ? once(socket, 'pong') : null;
            socket[frame]();
            await answered;
          }
          socket[frame]();
          expect((await closed).code).toBe(4432);
        },
        { clock: new HandClock() },
      );
    },
  );

  it('that speaks another protocol is closed with 4406', async () => {
    await withLive(async (server) => {
      const client = await new RawClient(server, { protocol: null }).opened();
      expect((await client.closed).code).toBe(4406);
    });
  });

  it('may not have more subscriptions than a socket may, however it uses their ids', async () => {
    await withLive(
      async (server, process) => {
        const client = await new RawClient(server).initialized();
        for (let i = 0; i < 20; i += 1) {
          client.subscribe('same');
          client.say({ id: 'same', type: 'complete' });
        }
        for (const id of ['a', 'b', 'c']) client.subscribe(id);
        expect(await client.nextFaults('error')).toMatchObject([
          { extensions: { code: 'TOO_MANY_SUBSCRIPTIONS' } },
        ]);
        client.socket.terminate();
        await client.closed;
        await turns(20);
        expect(process.journal.held.owners).toBe(0);
      },
      { live: { subscriptionsPerSocketMax: 2 } },
      new TestProcess({ limits: { graceMs: 0 } }),
    );
  });

  it('that is being closed holds nothing any more, though it does not take the close', async () => {
    await withLive(
      async (server, process) => {
        const client = await new RawClient(server).initialized();
        client.subscribe('1');
        await client.next('next');
        expect(process.journal.held.owners).toBe(1);
        client.socket.pause();
        for (let i = 0; i < 201; i += 1) client.say({ type: 'ping' });
        for (let i = 0; i < 1000 && process.journal.held.owners > 0; i += 1) await turns(1);
        expect(process.journal.held.owners).toBe(0);
        client.socket.resume();
        expect((await client.closed).code).toBe(4432);
      },
      {},
      new TestProcess({ limits: { graceMs: 0 } }),
    );
  });

  it('that says nothing is closed in time, and there are never too many of them', async () => {
    const clock = new HandClock();
    await withLive(
      async (server) => {
        const silent = await new RawClient(server).opened();
        expect(await new RawClient(server).status()).toBe(503);
        await clock.advance(3000);
        expect((await silent.closed).code).toBe(4408);
        const next = await new RawClient(server).initialized();
        const another = await new RawClient(server).opened();
        next.socket.close();
        another.socket.close();
      },
      { clock, live: { socketsMax: 4, strangersMax: 1 } },
    );
  });

  it('that does not answer pings is cut', async () => {
    const clock = new HandClock();
    await withLive(
      async (server) => {
        const client = await new RawClient(server).initialized();
        client.socket.pause();
        await clock.advance(12_000);
        await clock.advance(12_000);
        client.socket.resume();
        expect((await client.closed).code).toBe(1006);
      },
      { clock },
    );
  });

  it.each([
    ['too far behind', 20, 0],
    ['too long about one message', 1000, 12_000],
  ])(
    'that does not read is closed with 4430 when it is %s, while another one goes on',
    async (_how, ownerStepsMax, afterMs) => {
      const clock = new HandClock();
      const process = new TestProcess({ clock, limits: { ownerStepsMax } });
      await withLive(
        async (server) => {
          const slow = await new RawClient(server).initialized();
          slow.subscribe('1');
          await slow.next('next');
          slow.socket.pause();
          const quick = await new RawClient(server).initialized();
          quick.subscribe('1');
          await quick.next('next');
          // Enough to fill what the operating system buffers for a connection.
          for (let i = 1; i <= 250; i += 1) {
            await process.write([largeStep(i)]);
            expect((await quick.nextStep()).step?.properties.n).toBe(i);
          }
          await clock.advance(afterMs);
          slow.socket.resume();
          expect((await slow.closed).code).toBe(4430);
          quick.socket.close();
        },
        { clock },
        process,
      );
    },
  );
});

function twice(id: string): readonly object[] {
  const message = { id, type: 'subscribe', payload: { query: stepsQuery } };
  return [message, message];
}

function largeStep(id: number): ReturnType<typeof stepOf> {
  const event = stepOf(1000 + id, id);
  const [node, edge, step] = event.mutations;
  if (step?.kind !== 'step' || node === undefined || edge === undefined)
    throw new Error('an event has a step');
  const properties = [
    ['n', id],
    ['text', 'x'.repeat(60_000)],
  ] as const;
  return { ...event, mutations: [node, edge, { ...step, properties }] };
}

describe('A server that stops', () => {
  it('tells its clients to go with 1001', async () => {
    const process = new TestProcess();
    const server = await startTestApi({ reader: process.memory, feed: process.journal });
    const client = await new RawClient(server).initialized();
    client.subscribe('1');
    await client.next('next');
    await server.close();
    expect((await client.closed).code).toBe(1001);
  });

  it('cuts those that do not go within its bound', async () => {
    const server = await startTestApi({ closeMs: 20 });
    const client = await new RawClient(server).initialized();
    client.socket.pause();
    await server.close();
    client.socket.resume();
    expect([1001, 1006]).toContain((await client.closed).code);
  });
});
