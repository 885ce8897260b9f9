import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { ServiceError } from './service-error.ts';

/**
 * Test files that run beside each other take turns at a service that has room for one of them alone. A turn lasts as long as
 * the connection that took it, so that a worker that is killed gives it back.
 */
export function serveTurns(path: string): Promise<Server> {
  const queues = new Map<string, Socket[]>();
  const server = createServer((socket) => {
    // A worker that is killed resets its connection; `close` follows and ends its turn.
    socket.on('error', () => socket.destroy());
    socket.once('data', (name) => joinQueue(queues, String(name), socket));
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => resolve(server));
  });
}

function joinQueue(queues: Map<string, Socket[]>, name: string, socket: Socket): void {
  const queue = queues.get(name) ?? [];
  queues.set(name, queue);
  queue.push(socket);
  socket.once('close', () => {
    const wasFirst = queue[0] === socket;
    queue.splice(queue.indexOf(socket), 1);
    if (wasFirst) queue[0]?.write('yours');
  });
  if (queue[0] === socket) socket.write('yours');
}

/**
 * Waits until nobody else has `name`; returns what gives it back.
 *
 * @throws {ServiceError} when nobody serves turns at `path`, or stops doing so before it is this one's.
 */
export async function takeTurn(path: string, name: string): Promise<() => Promise<void>> {
  const socket = connect(path);
  try {
    await once(socket, 'connect');
    socket.write(name);
    const answer = await Promise.race([once(socket, 'data'), once(socket, 'close').then(() => null)]);
    if (answer === null) throw new ServiceError(`The turns at ${name} ended before it was this one’s.`);
  } catch (error) {
    socket.destroy();
    if (error instanceof ServiceError) throw error;
    throw new ServiceError(`Nobody gives out turns at ${name} on ${path}.`, { cause: error });
  }
  return async () => {
    if (socket.closed) return;
    socket.destroy();
    await once(socket, 'close');
  };
}
