import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { folderOfTest } from '../../archive/iceberg/iceberg-testing.ts';
import {
  archivedRows,
  archiverParts,
  fill,
  limits,
  logRows,
  openLog,
  openTestArchive,
  sourceOf,
  topic,
} from './archive-testing.ts';
import { archiveToEnd } from './archive-to-end.ts';

/** Three processes start and end on the way, beside whatever else the machine does. */
const childrenTimeoutMs = 90_000;
const child = fileURLToPath(new URL('./archive-testing-child.ts', import.meta.url));

/** Its last word: a signal, or that it came to the end before it was killed. */
async function archiveAndDie(folder: string, changes: number): Promise<string> {
  return await new Promise((resolve) => {
    execFile(process.execPath, [child, folder, String(changes)], (error, out) => {
      resolve(error === null ? out.trim() : String(error.signal ?? error.message));
    });
  });
}

it(
  'archives each row once however often it is killed, within a file and within a commit',
  async () => {
    const folder = folderOfTest();
    const log = await openLog(folder);
    await log.createTopic(topic, 2);
    await fill(log, 0, 100);
    await fill(log, 1, 100, 1_000);
    const rows = await logRows(log);
    await log.close();
    // In the first file, in the second commit's manifest, before and after a version was made.
    for (const changes of [9, 34, 52]) expect(await archiveAndDie(folder, changes)).toBe('SIGKILL');
    const again = await openLog(folder);
    const archive = openTestArchive(folder);
    const { metadata } = await archive.table.load();
    expect(metadata.snapshots.length).toBeGreaterThan(1);
    await archiveToEnd(archiverParts(archive, sourceOf(again)), limits);
    await again.close();
    expect(await archivedRows(archive, 2)).toEqual(rows);
  },
  childrenTimeoutMs,
);
