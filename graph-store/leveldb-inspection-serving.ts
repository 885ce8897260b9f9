import { platform, setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { JourneyGraphError, must } from '../foundation/index.ts';
import type { Level } from './level.ts';
import type { InspectionOrder, InspectionReply, InspectionRequest } from './leveldb-inspection-protocol.ts';
import { openLevel, readFailure, readStopped } from './leveldb-open.ts';

const belowNormal = 10;

/** Makes what the thread answers, piece by piece; `signal` aborts in the middle of one, its reason says so. The first is `ready`. */
export type InspectionReplies = (
  level: Level,
  order: InspectionOrder,
  signal: AbortSignal,
) => AsyncGenerator<InspectionReply>;

/** What a thread does that reads everything once: opens a handle of its own, and gives a piece each time it is asked. In such threads only. */
export async function serveInspection(repliesTo: InspectionReplies): Promise<void> {
  const port = must(parentPort, 'an inspection is served in a thread of its own only');
  const order: InspectionOrder = workerData;
  const reply = (message: InspectionReply): void => port.postMessage(message);
  /** Counting is one piece, and so is a table that has next to no rows; either may take minutes, and looks at this on its way. */
  const stopping = new AbortController();

  // On Linux a priority is a thread's own; elsewhere it would slow the whole process down.
  if (platform() === 'linux') setPriority(belowNormal);

  const db = await openLevel(order.settings);
  const replies = repliesTo(db, order, stopping.signal);

  async function next(): Promise<void> {
    try {
      const { done, value } = await replies.next();
      reply(done === true ? { kind: 'end' } : value);
    } catch (cause) {
      const error = readFailure(order.settings.folder, cause);
      const code = error instanceof JourneyGraphError ? error.code : null;
      reply({ kind: 'failed', code, message: error instanceof Error ? error.message : String(error) });
    }
  }

  async function stop(): Promise<void> {
    stopping.abort(readStopped(order.settings.folder));
    // Behind a piece that is being made.
    await replies.return(undefined);
    await db.close();
    port.close();
  }

  port.on('message', (request: InspectionRequest) => {
    // A rejection ends the thread, which whoever waits for it is told.
    void (request === 'next' ? next() : stop());
  });
}
