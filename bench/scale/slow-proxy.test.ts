import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { startSlowProxy } from './slow-proxy.ts';

it('carries all bytes in their order, each way as late as it was told to', async () => {
  const server = createServer((socket) => socket.pipe(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const address: AddressInfo | string | null = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('it listens on a port');
  const proxy = await startSlowProxy(`127.0.0.1:${address.port}`, 20);
  onTestFinished(() => proxy.close());

  const client = connect({ host: '127.0.0.1', port: Number(proxy.address.split(':')[1]) });
  await once(client, 'connect');
  const sent = Array.from({ length: 5_000 }, (_, number) => `${number}\n`).join('');
  const began = performance.now();
  client.write(sent);
  await once(client, 'readable');
  expect(performance.now() - began).toBeGreaterThanOrEqual(39);
  let received = '';
  while (received.length < sent.length) {
    const bytes: Buffer | null = client.read();
    if (bytes === null) await once(client, 'readable');
    else received += bytes.toString();
  }
  expect(received).toBe(sent);
  client.destroy();
});
