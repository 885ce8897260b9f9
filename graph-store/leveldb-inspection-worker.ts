import { platform, setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { JourneyGraphError, must } from '../foundation/index.ts';
import type { Level } from './leveldb-group.ts';
import type {
  InspectionJob,
  InspectionOrder,
  InspectionReply,
  InspectionRequest,
} from './leveldb-inspection-protocol.ts';
import { openLevel, readFailure } from './leveldb-open.ts';
import { LevelSnapshot } from './leveldb-snapshot.ts';
import { levelStats } from './leveldb-stats.ts';
import { LevelVerifier } from './leveldb-verify.ts';
import { SnapshotEncoder } from './snapshot-file.ts';
import { Expiry } from './time-to-live.ts';

/** The entry of a thread that reads everything once: started by `leveldb-inspection.ts`, never imported. */
const port = must(parentPort, 'leveldb-inspection-worker.ts runs in a worker thread only');
const { settings, job }: InspectionOrder = workerData;
const reply = (message: InspectionReply): void => port.postMessage(message);
const belowNormal = 10;
/** Counting is one piece, which may take minutes: it looks at this on its way. */
const stopping = new AbortController();

// On Linux a priority is a thread's own; elsewhere it would slow the whole process down.
if (platform() === 'linux') setPriority(belowNormal);

const db = await openLevel(settings);
const replies = repliesTo(db, job);

async function* repliesTo(level: Level, order: InspectionJob): AsyncGenerator<InspectionReply> {
  if (order.kind === 'count') {
    yield { kind: 'ready' };
    yield { kind: 'stats', stats: await levelStats(level, settings, order.estimate, true, stopping.signal) };
    return;
  }
  if (order.kind === 'verify') {
    await using snapshot = level.snapshot();
    yield { kind: 'ready' };
    const expiry = new Expiry(order.timeToLive, order.nowMs);
    const events = new LevelVerifier(level, snapshot, expiry, order.faultsMax).run();
    for await (const event of events) yield { kind: 'event', event };
    return;
  }
  await using snapshot = await LevelSnapshot.open(level, (cause) => readFailure(settings.folder, cause));
  yield { kind: 'ready' };
  for await (const bytes of new SnapshotEncoder(snapshot, order.about).bytes())
    yield { kind: 'bytes', bytes };
}

async function next(): Promise<void> {
  try {
    const { done, value } = await replies.next();
    reply(done === true ? { kind: 'end' } : value);
  } catch (cause) {
    const error = readFailure(settings.folder, cause);
    const code = error instanceof JourneyGraphError ? error.code : null;
    reply({ kind: 'failed', code, message: error instanceof Error ? error.message : String(error) });
  }
}

async function stop(): Promise<void> {
  stopping.abort();
  // Behind a piece that is being made.
  await replies.return(undefined);
  await db.close();
  port.close();
}

port.on('message', (request: InspectionRequest) => {
  // A rejection ends the thread, which whoever waits for it is told.
  void (request === 'next' ? next() : stop());
});
