import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { seededRandom, systemClock } from '../../foundation/index.ts';
import {
  archivedRows,
  archiverParts,
  drawRecords,
  limits,
  logRows,
  openLog,
  openTestArchive,
  sourceOf,
  topic,
} from '../../ingest/archive/archive-testing.ts';
import { archiveToEnd } from '../../ingest/archive/archive-to-end.ts';

/** `node test/archive/kills.ts [kills] [seed]`: kill -9 at random moments of archiving, then row for row the topic. */
const kills = Number(process.argv[2] ?? 20);
const seed = Number(process.argv[3] ?? 1);
const recordsOfAppend = 250;
const appends = 120;
const child = join(import.meta.dirname, '..', '..', 'ingest', 'archive', 'archive-testing-child.ts');

const random = seededRandom(seed);
const folder = mkdtempSync(join(tmpdir(), 'journey-graph-kills-'));
const filling = await openLog(folder);
await filling.createTopic(topic, 2);
for (let at = 0; at < appends; at += 1)
  await filling.append(topic, at % 2, drawRecords(recordsOfAppend, at * recordsOfAppend));
const wanted = await logRows(filling);
await filling.close();

const counts: number[] = [];
for (let kill = 0; kill < kills; kill += 1) {
  await archiveAndKill(Math.floor(random() * 1_500));
  const archive = openTestArchive(folder);
  const snapshots = await snapshotsOf(archive);
  counts.push(snapshots);
}
const log = await openLog(folder);
const archive = openTestArchive(folder);
const before = (await archivedRows(archive, 2)).flat().length;
await archiveToEnd(archiverParts(archive, sourceOf(log)), limits);
await log.close();
const found = await archivedRows(archive, 2);
const orphans = (await archive.table.expire({ snapshots: 1_000, olderThanMs: systemClock.now() + 1_000 }))
  .orphans;
const isSame = isDeepStrictEqual(found, wanted);
rmSync(folder, { recursive: true });
process.stdout.write(
  `${JSON.stringify({ kills, seed, snapshotsAfterEach: counts, rowsBeforeTheLast: before, rows: found.flat().length, orphans, isRowForRow: isSame })}\n`,
);
process.exitCode = isSame ? 0 : 1;

/** The child says when it begins to archive; so long after it is killed. */
async function archiveAndKill(afterMs: number): Promise<void> {
  const archiving = spawn(process.execPath, [child, folder, '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => archiving.once('exit', resolve));
  await Promise.race([new Promise((resolve) => archiving.stdout.once('data', resolve)), ended]);
  await Promise.race([systemClock.sleep(afterMs), ended]);
  archiving.kill('SIGKILL');
  await ended;
}

async function snapshotsOf(of: ReturnType<typeof openTestArchive>): Promise<number> {
  const version = await of.table.load().catch((error: unknown) => {
    if (error instanceof Error && error.message.includes('no table')) return null;
    throw error;
  });
  return version?.metadata.snapshots.length ?? 0;
}
