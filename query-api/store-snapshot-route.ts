import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { StoreOperations } from './store-operations.ts';

/** Streams a snapshot file as fast as its client takes it. It has no length beforehand: whether it came whole, its footer says. */
export async function sendSnapshot(operations: StoreOperations, response: ServerResponse): Promise<void> {
  await using snapshot = await operations.openSnapshot();
  response.writeHead(200, {
    'content-type': 'application/octet-stream',
    'content-disposition': 'attachment; filename="graph.jgsnapshot"',
  });
  await pipeline(snapshot.bytes(), response);
}
