import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { liveSubprotocol, messageBytesMax } from '../../device/index.ts';
import { createSocketServer, type DeviceSocket } from './device-socket.ts';

interface Pair {
  readonly socket: DeviceSocket;
  readonly device: WebSocket;
  /** Bytes that had been written when the socket said that it closes. */
  readonly writtenAtClosing: readonly number[];
  readonly connection: Socket;
}

async function connectPair(): Promise<Pair> {
  const sockets = createSocketServer(1_000);
  const http = createServer();
  const opened = new Promise<Omit<Pair, 'device'>>((resolve) => {
    http.on('upgrade', (request, connection, head) => {
      sockets.handleUpgrade(request, connection, head, (socket) => {
        const writtenAtClosing: number[] = [];
        socket.outlet = connection;
        socket.on('error', () => undefined);
        socket.onClosing = () => writtenAtClosing.push(request.socket.bytesWritten);
        resolve({ socket, writtenAtClosing, connection: request.socket });
      });
    });
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const { port } = http.address() as AddressInfo;
  const device = new WebSocket(`ws://127.0.0.1:${port}/`, liveSubprotocol);
  onTestFinished(async () => {
    device.terminate();
    sockets.close();
    await new Promise((resolve) => http.close(resolve));
  });
  return { ...(await opened), device };
}

it.each<readonly [string, (pair: Pair) => void]>([
  ['it is shut', ({ socket }) => socket.shut(4408, 'too slow')],
  ['its device says goodbye', ({ device }) => device.close(1000)],
  ['its device says too much', ({ device }) => device.send('x'.repeat(messageBytesMax + 1))],
])(
  'A socket says that it closes before its close frame is on its way, after which nothing may follow, when %s',
  async (_name, end) => {
    const pair = await connectPair();
    await new Promise((resolve) => pair.device.once('open', resolve));
    const before = pair.connection.bytesWritten;
    const closed = new Promise((resolve) => pair.socket.once('close', resolve));
    end(pair);
    await closed;
    expect(pair.writtenAtClosing[0]).toBe(before);
    expect(pair.connection.bytesWritten).toBeGreaterThan(before);
  },
);
