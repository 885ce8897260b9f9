import { assert } from '../foundation/index.ts';
import type { Level } from './level.ts';
import { compareGraphs } from './leveldb-compare.ts';
import { LevelGraphSide } from './leveldb-graph-side.ts';
import type { InspectionOrder, InspectionReply } from './leveldb-inspection-protocol.ts';
import { serveInspection } from './leveldb-inspection-serving.ts';
import { openLevel, readFailure } from './leveldb-open.ts';
import { LevelSnapshot } from './leveldb-snapshot.ts';
import { levelStats } from './leveldb-stats.ts';
import { LevelVerifier } from './leveldb-verify.ts';
import { SnapshotEncoder } from './snapshot-file.ts';
import { Expiry } from './time-to-live.ts';

/** The entry of a thread that reads everything once: started by `leveldb-inspection.ts`, never imported. */
async function* repliesTo(
  level: Level,
  { settings, job }: InspectionOrder,
  signal: AbortSignal,
): AsyncGenerator<InspectionReply> {
  if (job.kind === 'count') {
    yield { kind: 'ready' };
    yield { kind: 'stats', stats: await levelStats(level, settings, job.estimate, true, signal) };
    return;
  }
  if (job.kind === 'verify') {
    await using snapshot = level.snapshot();
    yield { kind: 'ready' };
    const expiry = new Expiry(job.timeToLive, job.nowMs);
    const events = new LevelVerifier(level, snapshot, expiry, job.faultsMax).run();
    for await (const event of events) yield { kind: 'event', event };
    return;
  }
  if (job.kind === 'compare') {
    yield* comparison(level, job);
    return;
  }
  assert(job.kind === 'snapshot', 'tables are written in the thread of their encoding');
  await using snapshot = await LevelSnapshot.open(level, (cause) => readFailure(settings.folder, cause));
  yield { kind: 'ready' };
  for await (const bytes of new SnapshotEncoder(snapshot, job.about).bytes()) yield { kind: 'bytes', bytes };
}

async function* comparison(
  level: Level,
  { other, nowMs, differencesMax }: Extract<InspectionOrder['job'], { kind: 'compare' }>,
): AsyncGenerator<InspectionReply> {
  const otherLevel = await openLevel(other);
  try {
    await using ofLive = level.snapshot();
    await using ofOther = otherLevel.snapshot();
    yield { kind: 'ready' };
    const sides = [
      new LevelGraphSide(level, ofLive, nowMs),
      new LevelGraphSide(otherLevel, ofOther, nowMs),
    ] as const;
    for await (const event of compareGraphs(...sides, differencesMax)) yield { kind: 'compared', event };
  } finally {
    await otherLevel.close();
  }
}

await serveInspection(repliesTo);
