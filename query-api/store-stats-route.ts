import type { ServerResponse } from 'node:http';
import type { StoreOperations } from './store-operations.ts';

export async function sendStats(
  operations: StoreOperations,
  response: ServerResponse,
  exact: boolean,
): Promise<void> {
  const stats = await operations.stats(exact);
  response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' });
  response.end(`${JSON.stringify(stats)}\n`);
}
