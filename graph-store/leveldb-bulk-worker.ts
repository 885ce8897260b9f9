import { platform, setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { must } from '../foundation/index.ts';
import { type NodeCheck, type PackedFarEndsPage, verdict } from './bulk-reads.ts';
import type { BulkThreadOrder, BulkThreadReply, BulkThreadRequest } from './leveldb-bulk-protocol.ts';
import { LevelBulkReads } from './leveldb-bulk-reads.ts';
import { openLevel } from './leveldb-open.ts';
import { Expiry, keptForEver } from './time-to-live.ts';

/** The entry of a thread that shares reads over many nodes with the one that asks: started by `leveldb-bulk-thread.ts`, never imported. */
const belowNormal = 10;
// On Linux a priority is a thread's own; elsewhere it would slow the whole process down.
if (platform() === 'linux') setPriority(belowNormal);

const port = must(parentPort, 'leveldb-bulk-worker.ts runs in a worker thread only');
const order: BulkThreadOrder = workerData;
const module: { readonly checkOf: (condition: unknown) => NodeCheck } = await import(order.module);
const db = await openLevel(order.settings);
let expiry = new Expiry(keptForEver, 0);
const reads = new LevelBulkReads(
  db,
  () => expiry,
  async () => null,
);

type Read = Exclude<BulkThreadRequest, { kind: 'stop' }>;

async function answer(request: Read): Promise<BulkThreadReply> {
  const { id, hiding } = request;
  // Read at the beginning of each call, in this turn.
  expiry = new Expiry(hiding.timeToLive, hiding.nowMs);
  if (request.kind === 'ends')
    return { kind: 'ends', id, page: await reads.packedFarEnds({ ...request.query, keep: null }) };
  const { type, names, condition } = request;
  const holds = module.checkOf(condition);
  const found = await reads.rowsOf({ type, ids: request.ids.split('\0'), names });
  const verdicts = Uint8Array.from(found, (properties) => {
    if (properties === null) return verdict.unknown;
    return holds(properties) ? verdict.yes : verdict.no;
  });
  return { kind: 'checked', id, verdicts };
}

/** They go over instead of being copied. */
function pagesBuffers({ ids: { bytes, ends, places } }: PackedFarEndsPage): ArrayBuffer[] {
  return [bytes.buffer, ends.buffer, places.buffer];
}

const running = new Set<Promise<void>>();

async function reply(request: Read): Promise<void> {
  try {
    const message = await answer(request);
    port.postMessage(message, message.kind === 'ends' ? pagesBuffers(message.page) : []);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    port.postMessage({ kind: 'failed', id: request.id, message } satisfies BulkThreadReply);
  }
}

async function stop(): Promise<void> {
  await Promise.all(running);
  await db.close();
  port.close();
}

port.on('message', (request: BulkThreadRequest) => {
  if (request.kind === 'stop') {
    // A rejection ends the thread, which whoever waits for it is told.
    void stop();
    return;
  }
  const one = reply(request).finally(() => running.delete(one));
  running.add(one);
});
