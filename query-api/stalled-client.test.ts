import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { must, silentLog, systemClock } from '../foundation/index.ts';
import type { SnapshotFile } from '../graph-store/index.ts';
import { listen, urlOf } from './listening.ts';
import { cutOffStalled } from './stalled-client.ts';
import { StoreRoutes } from './store-routes.ts';

const soonMs = 20;

/** A server that answers so; its address. */
async function serve(
  answer: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
): Promise<string> {
  const server = createServer((request, response) => void answer(request, response));
  await listen(server, '127.0.0.1', 0);
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return urlOf(server);
}

describe('A client that stalls', () => {
  it('is not one that waits for a server without anything to say', async () => {
    const url = await serve(async (_request, response) => {
      cutOffStalled(response, soonMs);
      response.write('a');
      await once(response, 'timeout');
      response.end('b');
    });
    expect(await (await fetch(url)).text()).toBe('ab');
  });

  it('is cut off once it takes nothing of what waits for it, also behind a silence of the server', async () => {
    const isWhole = Promise.withResolvers<boolean>();
    const url = await serve(async (_request, response) => {
      cutOffStalled(response, soonMs);
      response.flushHeaders();
      response.once('close', () => isWhole.resolve(response.writableFinished));
      await once(response, 'timeout');
      // More than the sockets between them take.
      response.write(Buffer.alloc(2 ** 26));
    });
    const { body } = await fetch(url);
    expect(await isWhole.promise).toBe(false);
    await expect(new Response(body).bytes()).rejects.toThrow();
  });

  it.each(['/store/snapshot', '/store/export?table=steps'])(
    'is not one whose store needs its time for %s',
    async (path) => {
      const goOn = Promise.withResolvers<void>();
      const open = async (): Promise<SnapshotFile> => ({
        async *bytes() {
          yield Buffer.from('a');
          await goOn.promise;
          yield Buffer.from('b');
        },
        [Symbol.asyncDispose]: async () => undefined,
      });
      const routes = new StoreRoutes(
        {
          stats: () => Promise.reject(new TypeError('nobody asks')),
          async *verify() {
            yield* [];
          },
          openSnapshot: open,
          openTable: open,
        },
        { clock: systemClock, log: silentLog },
      );
      const served = Promise.withResolvers<ServerResponse>();
      const url = await serve(async (request, response) => {
        served.resolve(response);
        await routes.handle(request, response, new URL(path, url), 'request-1');
      });
      const { body } = await fetch(`${url}${path}`);
      const reader = must(body, 'an answer has a body').getReader();
      const next = async () => Buffer.from((await reader.read()).value ?? []).toString();
      expect(await next()).toBe('a');
      // As the socket's timer says when nothing has moved for its time.
      (await served.promise).emit('timeout');
      goOn.resolve();
      expect(await next()).toBe('b');
    },
  );
});
