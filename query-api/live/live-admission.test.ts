import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, startTestApi, type TestApiOptions } from '../api-testing.ts';
import { metricsWith } from '../observe/observe-testing.ts';
import type { ApiServer } from '../server.ts';
import { RawClient, stepsQuery } from './live-socket-testing.ts';
import { TestProcess } from './live-testing.ts';

async function withLive(
  use: (server: ApiServer, client: RawClient) => Promise<void>,
  options: TestApiOptions = {},
): Promise<void> {
  const process = new TestProcess();
  const limits = { lookbackMs: Number.MAX_SAFE_INTEGER };
  const server = await startTestApi({ reader: process.memory, feed: process.journal, limits, ...options });
  const client = await new RawClient(server).initialized();
  try {
    await use(server, client);
  } finally {
    client.socket.terminate();
    await server.close();
  }
}

function many(count: number): Record<string, number> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`v${i}`, 1]));
}

function nested(levels: number): object {
  return levels === 0 ? {} : { inner: nested(levels - 1) };
}

const onField = '@include(if: true) ';
const owned = 'journeySteps(of: {type: "A", id: "a"})';

describe('What is refused over HTTP', () => {
  it.each<readonly [name: string, query: string, variables: Record<string, unknown>]>([
    ['too many variables', stepsQuery, many(501)],
    ['an object of too many fields', stepsQuery, { after: many(33) }],
    ['variables that nest too deep', stepsQuery, { after: nested(40) }],
    ['too many directives', `subscription { ${owned} { ${`cursor ${onField}`.repeat(51)} } }`, {}],
    ['too many directives on a field', `subscription { ${owned} { cursor ${onField.repeat(5)} } }`, {}],
  ])('is refused over a socket too: %s', async (_name, query, variables) => {
    await withLive(async (server, client) => {
      const { errors } = JSON.parse((await ask(server, query, variables)).text);
      expect(errors).toContainEqual(
        expect.objectContaining({ extensions: expect.objectContaining({ code: 'QUERY_TOO_LARGE' }) }),
      );
      client.subscribe('1', query, variables);
      const faults = await client.nextFaults('error');
      expect(faults.map(({ message }) => message)).toEqual(
        errors.map(({ message }: { readonly message: string }) => message),
      );
      const counted = 'journey_graph_errors_total{code="QUERY_TOO_LARGE"} 2';
      expect(await metricsWith(server, counted)).toContain(counted);
      client.subscribe('2');
      expect((await client.nextStep()).step).toBe(null);
    });
  });

  it('holds no place of a subscription, however often it is sent', async () => {
    await withLive(
      async (_server, client) => {
        for (let i = 0; i < 5; i += 1) {
          client.subscribe(`bad-${i}`, stepsQuery, many(501));
          expect(await client.nextFaults('error')).toMatchObject([
            { extensions: { code: 'QUERY_TOO_LARGE' } },
          ]);
        }
        client.subscribe('good');
        expect((await client.nextStep()).step).toBe(null);
      },
      { live: { subscriptionsPerSocketMax: 1 } },
    );
  });

  it('is guessed at over neither when suggestions are off', async () => {
    for (const suggestions of [true, false]) {
      await withLive(
        async (_server, client) => {
          client.subscribe('1', `subscription { ${owned} { curser } }`);
          const [fault] = await client.nextFaults('error');
          expect(fault?.message.includes('cursor')).toBe(suggestions);
          client.subscribe('2', 'subscription($of: NodeRefInput!) { journeySteps(of: $of) { cursor } }', {
            of: { type: 'A', id: 'a', typ: 'A' },
          });
          // What is wrong with a variable is found when it is executed.
          const faults = await client.nextFaults('next');
          expect(faults.some(({ message }) => message.includes('Did you mean'))).toBe(suggestions);
        },
        { suggestions },
      );
    }
  });
});

describe('A server that answers persisted operations only', () => {
  let folder: string;
  let persisted: NonNullable<TestApiOptions['persisted']>;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'live-operations-'));
    persisted = { file: join(folder, 'operations.json'), only: true };
    await writeFile(persisted.file, JSON.stringify({ steps: stepsQuery, status: '{ status { nodes } }' }));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('takes no other subscription either', async () => {
    await withLive(
      async (_server, client) => {
        client.subscribe('1', `subscription { ${owned} { cursor } }`);
        expect(await client.nextFaults('error')).toMatchObject([
          { extensions: { code: 'PERSISTED_QUERY_ONLY' } },
        ]);
        client.subscribe('2');
        expect((await client.nextStep()).step).toBe(null);
      },
      { persisted },
    );
  });

  it.each([
    ['its id', { documentId: 'steps' }, null],
    ["its id in Apollo's place", { extensions: { persistedQuery: { sha256Hash: 'steps' } } }, null],
    ['an id that is not there', { documentId: 'nothing' }, 'PERSISTED_QUERY_NOT_FOUND'],
    ['the id of a query', { documentId: 'status' }, 'BAD_REQUEST'],
  ])('takes %s with an empty text', async (_name, named, code) => {
    await withLive(
      async (_server, client) => {
        client.say({ id: '1', type: 'subscribe', payload: { query: '', ...named } });
        if (code === null) expect((await client.nextStep()).step).toBe(null);
        else expect(await client.nextFaults('error')).toMatchObject([{ extensions: { code } }]);
      },
      { persisted },
    );
  });
});
