import { describe, expect, it } from 'vitest';
import { type Log, OutageError, silentLog, systemClock } from '../../foundation/index.ts';
import { createMemoryStore, type GraphReader } from '../../graph-store/index.ts';
import { ask, send, startTestApi, type TestApiOptions } from '../api-testing.ts';
import { graphOf } from '../graph-schema-testing.ts';
import { metricsWith } from './observe-testing.ts';

interface Failure {
  readonly options: TestApiOptions;
  readonly code: string;
  /** What the log has and the caller must not see. */
  readonly cause: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const query = '{ node(type: "Account", id: "a") { id } }';
const store = createMemoryStore(systemClock);

function failing(error: Error): GraphReader {
  return {
    ...store,
    node: async () => {
      throw error;
    },
  };
}

const failures: Readonly<Record<string, Failure>> = {
  'a resolver that has a bug': {
    options: { reader: failing(new TypeError('secret bug')) },
    code: 'INTERNAL_SERVER_ERROR',
    cause: 'secret bug',
  },
  'a store that is away': {
    options: { reader: failing(new OutageError('STORE_READ_FAILED', 'secret disk')) },
    code: 'STORE_UNAVAILABLE',
    cause: 'secret disk',
  },
  'a plan that has a bug': {
    options: {
      limits: Object.defineProperty({}, 'budget', {
        enumerable: true,
        value: Object.defineProperty({ calls: 10 }, 'rows', {
          get: () => {
            throw new Error('secret plan');
          },
        }),
      }),
    },
    code: 'INTERNAL_SERVER_ERROR',
    cause: 'secret plan',
  },
  'an answer that cannot be written': {
    options: {
      limits: {
        budget: {
          calls: 10,
          rows: 10_000,
          ...{
            toJSON: () => {
              throw new Error('secret answer');
            },
          },
        },
      },
    },
    headers: { 'x-query-cost': 'true' },
    code: 'INTERNAL_SERVER_ERROR',
    cause: 'secret answer',
  },
};

describe('An error of ours', () => {
  it.each(Object.entries(failures))(
    'from %s has its request id, and the log the cause under it',
    async (_name, failure) => {
      const lines: string[] = [];
      const error = (fields: { readonly requestId?: string; readonly error?: unknown }): void => {
        lines.push(`${fields.requestId} ${String(fields.error)}`);
      };
      const log: Log = { ...silentLog, error };
      const server = await startTestApi({ ...failure.options, log });
      const response = await fetch(`${server.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...failure.headers },
        body: JSON.stringify({ query }),
      });
      const text = await response.text();
      const id = response.headers.get('x-request-id');
      expect(JSON.parse(text).errors).toMatchObject([{ extensions: { code: failure.code, requestId: id } }]);
      expect(text).not.toContain('secret');
      expect(lines).toHaveLength(1);
      expect(lines[0]).toContain(`${id} `);
      expect(lines[0]).toContain(failure.cause);
      const metrics = await (await fetch(`${server.url}/metrics`)).text();
      expect(metrics).toContain(`journey_graph_errors_total{code="${failure.code}"} 1`);
      await server.close();
    },
  );
});

describe('An error of the caller', () => {
  it.each<readonly [name: string, body: string]>([
    ['no query', '{"variables":{}}'],
    ['variables that are none', '{"query":"{__typename}","variables":"x"}'],
    ['an unknown operation', '{"query":"query A {__typename}","operationName":"B"}'],
    ['two operations and no name', '{"query":"query A {__typename} query B {__typename}"}'],
    [
      'a hash without a list',
      `{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"${'0'.repeat(64)}"}}}`,
    ],
    ['a batch', '[{"query":"{__typename}"}]'],
    ['a wrong variable', '{"query":"query($n: Int!) {__typename}","variables":{"n":"x"}}'],
  ])('such as %s has its request id and is counted, and the log says nothing', async (_name, body) => {
    const lines: object[] = [];
    const log: Log = { ...silentLog, error: (fields) => lines.push(fields) };
    const server = await startTestApi({ log });
    const { text, headers } = await send(server, body);
    const [error] = JSON.parse(text).errors;
    expect(error.extensions.requestId).toBe(headers.get('x-request-id'));
    const counted = `journey_graph_errors_total{code="${error.extensions.code}"} 1`;
    expect(await metricsWith(server, counted)).toContain(counted);
    expect(lines).toEqual([]);
    await server.close();
  });

  it('that goes away while the store reads ends what is still to be read', async () => {
    const started = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    let reads = 0;
    const reader = new Proxy(store, {
      get: (target, name) => {
        if (name !== 'node') return Reflect.get(target, name);
        return async () => {
          reads += 1;
          started.resolve();
          await goOn.promise;
          return { node: { type: 'Account', id: 'a' }, properties: [], lineage: null };
        };
      },
    });
    const graph = graphOf({ Account: {} });
    const server = await startTestApi({ reader, status: { graphSchema: () => graph } });
    const leaving = new AbortController();
    const gone = fetch(`${server.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: '{ account(id: "a") { journey { edges { cursor } } } }' }),
      signal: leaving.signal,
    }).catch(() => 'gone');
    await started.promise;
    leaving.abort();
    expect(await gone).toBe('gone');
    // The server learns of it through its socket, in its own time.
    const left = 'path="/graphql",status="0"} 1';
    expect(await metricsWith(server, left)).toContain(left);
    goOn.resolve();
    await ask(server, '{ __typename }');
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    expect(reads).toBe(1);
    expect(metrics).not.toContain('store_call_seconds_count{method="journey"}');
    await server.close();
  });
});
