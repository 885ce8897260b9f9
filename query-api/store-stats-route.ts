import type { ServerResponse } from 'node:http';
import { JourneyGraphError } from '../foundation/index.ts';
import type { StoreStats } from '../graph-store/index.ts';
import { clientGone } from './client-gone.ts';
import type { StoreOperations } from './store-operations.ts';

/** Counting everything ends when its client has gone. */
export async function sendStats(
  operations: StoreOperations,
  response: ServerResponse,
  exact: boolean,
): Promise<void> {
  const gone = clientGone(response);
  const stats = await statsOrNull(operations, exact, gone);
  if (stats === null) return;
  response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' });
  response.end(`${JSON.stringify(stats)}\n`);
}

/** Null when nobody waits for the answer any more. */
async function statsOrNull(
  operations: StoreOperations,
  exact: boolean,
  gone: AbortSignal,
): Promise<StoreStats | null> {
  try {
    const stats = await operations.stats(exact, gone);
    return gone.aborted ? null : stats;
  } catch (error) {
    if (gone.aborted && error instanceof JourneyGraphError) return null;
    throw error;
  }
}
