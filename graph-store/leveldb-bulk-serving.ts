import { platform, setPriority } from 'node:os';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { must } from '../foundation/index.ts';
import { type NodeCheck, type PackedFarEndsPage, verdict } from './bulk-reads.ts';
import type { BulkThreadOrder, BulkThreadReply, BulkThreadRequest } from './leveldb-bulk-protocol.ts';
import { LevelBulkReads } from './leveldb-bulk-reads.ts';
import { openLevel } from './leveldb-open.ts';
import { Expiry, keptForEver } from './time-to-live.ts';

const belowNormal = 10;

type Read = Exclude<BulkThreadRequest, { kind: 'stop' }>;

/**
 * What a thread does that shares reads over many nodes with the one that asks: opens a handle of its own, and answers until it is told to stop. In such threads only; `checkOf`
 * makes a check of what a `CheckQuery` calls its condition.
 */
export async function serveBulkReads(checkOf: (condition: unknown) => NodeCheck): Promise<void> {
  const port = must(parentPort, 'reads over many nodes are shared with a thread of their own only');
  const order: BulkThreadOrder = workerData;
  // On Linux a priority is a thread's own; elsewhere it would slow the whole process down.
  if (platform() === 'linux') setPriority(belowNormal);
  const db = await openLevel(order.settings);
  const answers = new BulkAnswers(new SharedReads(db, checkOf), port);
  port.on('message', (request: BulkThreadRequest) => {
    if (request.kind !== 'stop') {
      answers.begin(request);
      return;
    }
    // A rejection ends the thread, which whoever waits for it is told.
    void (async () => {
      await answers.ended();
      await db.close();
      port.close();
    })();
  });
}

class SharedReads {
  readonly #reads: LevelBulkReads;
  readonly #checkOf: (condition: unknown) => NodeCheck;
  #expiry = new Expiry(keptForEver, 0);

  constructor(db: Awaited<ReturnType<typeof openLevel>>, checkOf: (condition: unknown) => NodeCheck) {
    const noNode = async (): Promise<null> => null;
    this.#reads = new LevelBulkReads(db, () => this.#expiry, noNode);
    this.#checkOf = checkOf;
  }

  async answer(request: Read): Promise<BulkThreadReply> {
    const { id, hiding } = request;
    // Read at the beginning of each call, in this turn.
    this.#expiry = new Expiry(hiding.timeToLive, hiding.nowMs);
    if (request.kind === 'ends')
      return { kind: 'ends', id, page: await this.#reads.packedFarEnds({ ...request.query, keep: null }) };
    const { type, names, condition } = request;
    const holds = this.#checkOf(condition);
    const found = await this.#reads.rowsOf({ type, ids: request.ids.split('\0'), names });
    const verdicts = Uint8Array.from(found, (properties) => {
      if (properties === null) return verdict.unknown;
      return holds(properties) ? verdict.yes : verdict.no;
    });
    return { kind: 'checked', id, verdicts };
  }
}

/** Answers under way: as many as the other thread asks for at once. */
class BulkAnswers {
  readonly #reads: SharedReads;
  readonly #port: MessagePort;
  readonly #running = new Set<Promise<void>>();

  constructor(reads: SharedReads, port: MessagePort) {
    this.#reads = reads;
    this.#port = port;
  }

  begin(request: Read): void {
    const one = this.#reply(request).finally(() => this.#running.delete(one));
    this.#running.add(one);
  }

  async ended(): Promise<void> {
    await Promise.all(this.#running);
  }

  async #reply(request: Read): Promise<void> {
    try {
      const message = await this.#reads.answer(request);
      this.#port.postMessage(message, message.kind === 'ends' ? pagesBuffers(message.page) : []);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.#port.postMessage({ kind: 'failed', id: request.id, message } satisfies BulkThreadReply);
    }
  }
}

/** They go over instead of being copied. */
function pagesBuffers({ ids: { bytes, ends, places } }: PackedFarEndsPage): ArrayBuffer[] {
  return [bytes.buffer, ends.buffer, places.buffer];
}
