import { request } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { OutageError, silentLog, systemClock } from '../foundation/index.ts';
import type { VerifyEvent } from '../graph-store/index.ts';
import { startTestApi, type TestApiOptions } from './api-testing.ts';
import type { StoreOperations } from './store-operations.ts';

const verdict: VerifyEvent = {
  kind: 'verdict',
  verdict: {
    rows: {
      nodes: 1,
      nodeTombstones: 0,
      steps: 0,
      occurrences: 0,
      reverseOccurrences: 0,
      edgeTombstones: 0,
      origins: 0,
    },
    otherRows: 0,
    bytes: 0,
    sources: [],
    digest: '0',
    faults: 0,
    firstFaults: [],
  },
};
const closed = new OutageError('STORE_CLOSED', 'The store is closed.');

/** A store whose snapshot is what `bytes` gives. */
function operationsWith(bytes: () => AsyncGenerator<Uint8Array>) {
  const seen = { disposed: 0 };
  const operations: StoreOperations = {
    stats: () => Promise.reject(closed),
    async *verify() {
      yield { kind: 'progress', rows: 1, bytes: 10 };
      yield { kind: 'progress', rows: 2, bytes: 20 };
      yield verdict;
    },
    openTable: () => Promise.reject(closed),
    openSnapshot: async () => ({
      bytes,
      [Symbol.asyncDispose]: async () => {
        seen.disposed += 1;
      },
    }),
  };
  return { seen, operations };
}

async function* once(...parts: readonly string[]): AsyncGenerator<Buffer> {
  for (const part of parts) yield Buffer.from(part);
}

async function start(options: TestApiOptions) {
  const server = await startTestApi(options);
  onTestFinished(() => server.close());
  const get = (path: string, init: RequestInit = {}) => fetch(`${server.url}${path}`, init);
  return { url: server.url, get };
}

const codeOf = async (response: Response): Promise<unknown> => {
  const body: { errors: readonly { extensions: { code: string } }[] } = JSON.parse(await response.text());
  return body.errors[0]?.extensions.code;
};

describe('The routes of the store', () => {
  it('stream a snapshot, and release it behind its end', async () => {
    const { operations, seen } = operationsWith(() => once('a graph', ' in rows'));
    const { get } = await start({ operations });
    const response = await get('/store/snapshot');
    expect(response.status).toBe(200);
    expect(await response.text()).toBe('a graph in rows');
    await expect.poll(() => seen.disposed).toBe(1);
  });

  it('are behind the same gate as queries', async () => {
    const { operations } = operationsWith(() => once('secret'));
    const { url, get } = await start({ operations, gate: { token: 'sesame' } });
    for (const path of ['/store/snapshot', '/store/verify', '/store/stats']) {
      const refused = await get(path);
      expect(refused.status).toBe(401);
      expect(await refused.text()).not.toContain('secret');
    }
    const welcome = await get('/store/snapshot', { headers: { authorization: 'Bearer sesame' } });
    expect(await welcome.text()).toBe('secret');
    const status = await new Promise((resolve, reject) => {
      const headers = { host: 'evil.example', authorization: 'Bearer sesame' };
      request(`${url}/store/snapshot`, { headers }, ({ statusCode }) => resolve(statusCode))
        .on('error', reject)
        .end();
    });
    expect(status).toBe(403);
  });

  it.each(['cross-site', 'same-site'])('take nothing from a page that a browser calls %s', async (site) => {
    const { operations } = operationsWith(() => once('secret'));
    const { url } = await start({ operations });
    // A browser sets it; fetch here may not.
    const status = await new Promise((resolve, reject) => {
      const headers = { 'sec-fetch-site': site };
      request(`${url}/store/snapshot`, { headers }, ({ statusCode }) => resolve(statusCode))
        .on('error', reject)
        .end();
    });
    expect(status).toBe(403);
  });

  it('take GET of what there is', async () => {
    const { operations } = operationsWith(() => once(''));
    const { get } = await start({ operations });
    const posted = await get('/store/snapshot', { method: 'POST' });
    expect([posted.status, await codeOf(posted)]).toEqual([405, 'METHOD_NOT_ALLOWED']);
    expect((await get('/store/other')).status).toBe(404);
  });

  it('say of a server whose graph is in Neo4j that its own tools are to be used', async () => {
    const { get } = await start({});
    for (const path of ['/store/snapshot', '/store/verify', '/store/stats']) {
      const refused = await get(path);
      expect(refused.status).toBe(404);
      const body: { errors: unknown } = JSON.parse(await refused.text());
      expect(body.errors).toMatchObject([
        {
          message: expect.stringContaining('own tools of Neo4j or Cassandra'),
          extensions: { code: 'STORE_IN_NEO4J' },
        },
      ]);
    }
    expect(await codeOf(await get('/store/other'))).toBe('NOT_FOUND');
  });

  it('read the whole store for one client at a time', async () => {
    const goOn = Promise.withResolvers<void>();
    const { operations } = operationsWith(async function* () {
      yield Buffer.from('a');
      await goOn.promise;
      yield Buffer.from('b');
    });
    const { get } = await start({ operations });
    const first = await get('/store/snapshot');
    for (const path of ['/store/snapshot', '/store/verify', '/store/stats?exact=true']) {
      const busy = await get(path);
      expect([busy.status, await codeOf(busy)]).toEqual([409, 'STORE_BUSY']);
    }
    goOn.resolve();
    expect(await first.text()).toBe('ab');
    await expect.poll(async () => (await get('/store/verify')).status).toBe(200);
  });

  it('wait for a client that takes nothing, and let go when it leaves', async () => {
    const made = { bytes: 0 };
    const { operations, seen } = operationsWith(async function* () {
      for (;;) {
        made.bytes += 2 ** 20;
        yield Buffer.alloc(2 ** 20);
      }
    });
    const { get } = await start({ operations });
    const leaving = new AbortController();
    const response = await get('/store/snapshot', { signal: leaving.signal });
    expect(response.status).toBe(200);
    let before = -1;
    await expect
      .poll(
        () => {
          const stands = made.bytes === before;
          before = made.bytes;
          return stands;
        },
        { interval: 200, timeout: 10_000 },
      )
      .toBe(true);
    // What sockets and streams on both sides take, far from all there is.
    expect(made.bytes).toBeLessThan(64 * 2 ** 20);
    leaving.abort();
    await expect.poll(() => seen.disposed, { timeout: 10_000 }).toBe(1);
    const after = await get('/store/verify');
    expect(after.status).toBe(200);
  });

  it('stop counting every row for a client that leaves', async () => {
    const { operations } = operationsWith(() => once(''));
    const counting = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<void>();
    const { get } = await start({
      operations: {
        ...operations,
        stats: async (_exact, signal) => {
          counting.resolve();
          await new Promise((resolve) => signal?.addEventListener('abort', resolve));
          ended.resolve();
          throw closed;
        },
      },
    });
    const leaving = new AbortController();
    const asked = get('/store/stats?exact=true', { signal: leaving.signal });
    await counting.promise;
    expect((await get('/store/verify')).status).toBe(409);
    leaving.abort();
    await expect(asked).rejects.toThrow();
    await ended.promise;
    expect((await get('/store/verify')).status).toBe(200);
  });

  it('stop reading a table for a client that leaves before any of it has come', async () => {
    const { operations } = operationsWith(() => once(''));
    const reading = Promise.withResolvers<void>();
    const stopped = Promise.withResolvers<Buffer>();
    const errors: string[] = [];
    const { get } = await start({
      log: { ...silentLog, error: (_fields, message) => errors.push(message) },
      operations: {
        ...operations,
        openTable: async () => ({
          async *bytes() {
            reading.resolve();
            yield await stopped.promise;
          },
          [Symbol.asyncDispose]: async () => stopped.reject(closed),
        }),
      },
    });
    const leaving = new AbortController();
    const asked = get('/store/export?table=steps', { signal: leaving.signal });
    await reading.promise;
    leaving.abort();
    await expect(asked).rejects.toThrow();
    await expect(stopped.promise).rejects.toBe(closed);
    await expect.poll(async () => (await get('/store/verify')).status).toBe(200);
    expect(errors).toEqual([]);
  });

  it('cut an answer off that fails half-way, so that nobody takes it for whole', async () => {
    const { operations, seen } = operationsWith(async function* () {
      yield Buffer.from('a');
      throw closed;
    });
    const { get } = await start({ operations });
    const reading = get('/store/snapshot').then((response) => response.text());
    await expect(reading).rejects.toThrow();
    await expect.poll(() => seen.disposed).toBe(1);
  });

  it('say in an answer of their own what failed before it began', async () => {
    const { operations } = operationsWith(() => once(''));
    const { get } = await start({
      operations: { ...operations, openSnapshot: () => Promise.reject(closed) },
    });
    for (const path of ['/store/snapshot', '/store/stats']) {
      const failed = await get(path);
      expect([failed.status, await codeOf(failed)]).toEqual([503, 'STORE_CLOSED']);
    }
  });

  it('say how far verifying is also when the clock is set back', async () => {
    const { operations } = operationsWith(() => once(''));
    let nowMs = 2e12;
    const now = (): number => {
      nowMs -= 3_600_000;
      return nowMs;
    };
    const { get } = await start({ operations, clock: { ...systemClock, now } });
    const lines = (await (await get('/store/verify')).text()).trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line).kind)).toEqual(['progress', 'progress', 'verdict']);
  });

  it('say how far verifying is, and its verdict last, a line each', async () => {
    const { operations } = operationsWith(() => once(''));
    const { get } = await start({ operations });
    const lines = (await (await get('/store/verify')).text()).trimEnd().split('\n');
    const events: VerifyEvent[] = lines.map((line) => JSON.parse(line));
    // Two that come at once are one.
    expect(events.map(({ kind }) => kind)).toEqual(['progress', 'verdict']);
    expect(events.at(-1)).toEqual(verdict);
  });
});
