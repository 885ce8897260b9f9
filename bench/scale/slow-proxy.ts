import type { Socket } from 'node:net';
import { LoopbackProxy } from '../../test/services/loopback-proxy.ts';

/** What waits of one connection and direction before its sender is asked to wait. */
const waitingBytesMax = 8 * 1024 * 1024;

/** A way to a server on which every byte takes so long in each direction, as over a distance. `to` is `host:port`. */
export async function startSlowProxy(to: string, delayMs: number): Promise<LoopbackProxy> {
  return await LoopbackProxy.start(new URL(`tcp://${to}`), (client, server) => {
    carryLate(client, server, delayMs);
    carryLate(server, client, delayMs);
  });
}

/** Timers of one length fire in the order in which they were set. */
function carryLate(from: Socket, to: Socket, delayMs: number): void {
  let waiting = 0;
  from.on('data', (bytes) => {
    waiting += bytes.length;
    if (waiting > waitingBytesMax) from.pause();
    setTimeout(() => {
      waiting -= bytes.length;
      if (waiting <= waitingBytesMax) from.resume();
      if (to.writable) to.write(bytes);
    }, delayMs);
  });
}
