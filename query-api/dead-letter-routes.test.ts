import { describe, expect, it, onTestFinished } from 'vitest';
import { OutageError, RefusedError, systemClock } from '../foundation/index.ts';
import { startTestApi, type TestApiOptions } from './api-testing.ts';
import type { DeadLetterOperations, DeadLetterRetryRequest } from './dead-letter-operations.ts';

const noLetter = new RefusedError('DLQ_NO_LETTER', 'There is no dead letter.');

function operationsWith(over: Partial<DeadLetterOperations> = {}) {
  const asked: DeadLetterRetryRequest[] = [];
  const operations: DeadLetterOperations = {
    list: async (request) => ({ asked: request }),
    show: () => Promise.reject(noLetter),
    async *retry(request) {
      asked.push(request);
      yield { kind: 'trial', topics: [] };
      if (!request.dryRun) yield { kind: 'applied', topics: [] };
    },
    ...over,
  };
  return { asked, operations };
}

async function start(options: TestApiOptions) {
  const server = await startTestApi(options);
  onTestFinished(() => server.close());
  return (path: string, init: RequestInit = {}) => fetch(`${server.url}/dead-letters/${path}`, init);
}

const post = { method: 'POST' };
const codeOf = async (response: Response): Promise<unknown> => {
  const body: { errors: readonly { extensions: { code: string } }[] } = JSON.parse(await response.text());
  return body.errors[0]?.extensions.code;
};

describe('The routes of dead letters', () => {
  it('are behind the same gate as queries', async () => {
    const { asked, operations } = operationsWith();
    const ask = await start({ deadLetters: operations, gate: { token: 'sesame' } });
    for (const [path, init] of [
      ['list', {}],
      ['letter', {}],
      ['retry', post],
    ] as const) {
      expect((await ask(path, init)).status).toBe(401);
    }
    expect(asked).toEqual([]);
    const headers = { authorization: 'Bearer sesame' };
    expect((await ask('retry', { ...post, headers })).status).toBe(200);
  });

  it('say how far a retry is also when the clock is set back', async () => {
    let nowMs = 2e12;
    const now = (): number => {
      nowMs -= 3_600_000;
      return nowMs;
    };
    const progress = { kind: 'progress', tried: 1, of: 3 } as const;
    const { operations } = operationsWith({
      async *retry() {
        yield* [progress, progress, progress];
      },
    });
    const ask = await start({ deadLetters: operations, clock: { ...systemClock, now } });
    const lines = (await (await ask('retry', post)).text()).trimEnd().split('\n');
    expect(lines).toHaveLength(3);
  });

  it('apply nothing unless that was asked for, and nothing by GET or for a page of another site', async () => {
    const { asked, operations } = operationsWith();
    const ask = await start({ deadLetters: operations });
    expect(await (await ask('retry', post)).text()).toBe('{"kind":"trial","topics":[]}\n');
    expect((await ask('retry?dryRun=false')).status).toBe(405);
    const crossSite = { ...post, headers: { 'sec-fetch-site': 'cross-site' } };
    expect((await ask('retry?dryRun=false', crossSite)).status).toBe(403);
    expect(asked.map(({ dryRun }) => dryRun)).toEqual([true]);
    const answer = await (await ask('retry?dryRun=false&topic=plays&limit=7', post)).text();
    expect(answer).toBe('{"kind":"trial","topics":[]}\n{"kind":"applied","topics":[]}\n');
    expect(asked[1]).toEqual({ topic: 'plays', limit: 7, dryRun: false });
  });

  it('hand on what a list is to have', async () => {
    const ask = await start({ deadLetters: operationsWith().operations });
    const list = await ask('list?topic=plays&reason=AVRO_TRUNCATED&since=5&newest=99999');
    expect(await list.json()).toEqual({
      asked: { topic: 'plays', reason: 'AVRO_TRUNCATED', sinceMs: 5, newest: 1_000 },
    });
  });

  it('say what failed, also behind what was answered already', async () => {
    const { operations } = operationsWith({
      async *retry() {
        yield { kind: 'trial', topics: [] };
        throw new OutageError('STORE_WRITE_FAILED', 'The disk is full.');
      },
    });
    const ask = await start({ deadLetters: operations });
    const missing = await ask('letter?topic=plays&partition=0&offset=1');
    expect([missing.status, await codeOf(missing)]).toEqual([400, 'DLQ_NO_LETTER']);
    const lines = (await (await ask('retry?dryRun=false', post)).text()).trim().split('\n');
    expect(lines[1]).toBe('{"kind":"failed","code":"STORE_WRITE_FAILED","message":"The disk is full."}');
  });

  it('do one thing at a time, and end it when its client goes away', async () => {
    const started = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<void>();
    const { operations } = operationsWith({
      async *retry(_request, signal) {
        yield { kind: 'progress', letters: 1 };
        started.resolve();
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
        ended.resolve();
      },
    });
    const ask = await start({ deadLetters: operations });
    const client = new AbortController();
    await ask('retry', { ...post, signal: client.signal });
    await started.promise;
    const second = await ask('list');
    expect([second.status, await codeOf(second)]).toEqual([409, 'DLQ_BUSY']);
    client.abort();
    await ended.promise;
    await expect.poll(async () => (await ask('list')).status).toBe(200);
  });
});
