import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { assert } from '../foundation/index.ts';
import { OperatorClient } from './operator-client.ts';

const dayMs = 86_400_000;

/** A server that leaves each answer to the test. */
async function start(signal = new AbortController().signal) {
  const asked: { readonly request: IncomingMessage; readonly response: ServerResponse }[] = [];
  const first = Promise.withResolvers<ServerResponse>();
  const server = createServer((request, response) => {
    asked.push({ request, response });
    first.resolve(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  assert(isPort(address), 'a listening TCP server has an address');
  const url = `http://127.0.0.1:${address.port}`;
  return { asked, first: first.promise, url, client: new OperatorClient({ url, token: 'sesame' }, signal) };
}

function isPort(address: string | AddressInfo | null): address is AddressInfo {
  return address !== null && typeof address === 'object';
}

describe('What operators ask of a running server', () => {
  it('is waited for as long as it takes, before the answer and within it', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
    onTestFinished(() => void vi.useRealTimers());
    const { client, first } = await start();
    const answer = client.bytes('/store/stats?exact=true');
    const response = await first;
    await vi.advanceTimersByTimeAsync(dayMs);
    response.write('a');
    const bytes = (await answer)[Symbol.asyncIterator]();
    expect(String(Buffer.from((await bytes.next()).value))).toBe('a');
    await vi.advanceTimersByTimeAsync(dayMs);
    response.end('b');
    expect(String(Buffer.from((await bytes.next()).value))).toBe('b');
    expect((await bytes.next()).done).toBe(true);
  });

  it('ends with its signal, before the answer and within it', async () => {
    for (const isWithin of [false, true]) {
      const leaving = new AbortController();
      const { client, first } = await start(leaving.signal);
      const answer = client.text('/store/stats');
      const response = await first;
      if (isWithin) response.write('{');
      leaving.abort();
      await expect(answer).rejects.toMatchObject({ code: 'INTERRUPTED' });
    }
  });

  it('is known to be incomplete when the server leaves in the middle', async () => {
    const { client, first } = await start();
    const answer = client.text('/store/stats');
    const response = await first;
    response.write('{', () => response.destroy());
    await expect(answer).rejects.toMatchObject({ code: 'SERVER_CUT_OFF' });
  });

  it('carries its body and its token to that server alone', async () => {
    const { asked, client, first, url } = await start();
    const answer = client.text('/backfill/plan', 'POST', '{"é":1}');
    const response = await first;
    const { request } = asked[0] ?? {};
    expect(request?.headers).toMatchObject({
      authorization: 'Bearer sesame',
      'content-type': 'application/json',
    });
    const chunks: Buffer[] = [];
    for await (const chunk of request ?? []) chunks.push(chunk);
    expect(Buffer.concat(chunks).toString()).toBe('{"é":1}');
    response.writeHead(307, { location: `${url}/elsewhere` }).end();
    await expect(answer).rejects.toMatchObject({
      code: 'SERVER_UNREACHABLE',
      message: expect.stringContaining('answered 307'),
    });
    expect(asked).toHaveLength(1);
  });
});
