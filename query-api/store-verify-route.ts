import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { Clock } from '../foundation/index.ts';
import type { StoreOperations } from './store-operations.ts';

const faultsMax = 100;
const progressEveryMs = 500;

/** One JSON object a line: progress now and then, the verdict last. */
export async function sendVerdict(
  operations: StoreOperations,
  response: ServerResponse,
  clock: Clock,
): Promise<void> {
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  await pipeline(lines(operations, clock), response);
}

async function* lines(operations: StoreOperations, clock: Clock): AsyncGenerator<string> {
  let saidMs = Number.NEGATIVE_INFINITY;
  for await (const event of operations.verify(faultsMax)) {
    const nowMs = clock.now();
    if (event.kind === 'progress' && Math.abs(nowMs - saidMs) < progressEveryMs) continue;
    saidMs = nowMs;
    yield `${JSON.stringify(event)}\n`;
  }
}
