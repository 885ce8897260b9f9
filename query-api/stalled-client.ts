import type { ServerResponse } from 'node:http';

/** A client that takes nothing for so long has gone: what its answer is read from is held open meanwhile, which keeps disk, or a slot. */
export const stalledMs = 60_000;

/**
 * Cuts an answer off whose client takes nothing of what waits for it. The socket's timer runs while nothing at all moves, and so does it while the answer is being
 * made: then nothing waits, and nobody but the server is late. It begins anew with the next write.
 */
export function cutOffStalled(response: ServerResponse, afterMs = stalledMs): void {
  response.setTimeout(afterMs, () => {
    if (response.writableLength > 0) response.destroy();
  });
}
