import { OutageError, StopError } from '../../foundation/index.ts';
import type { SideDatabase, SideDatabaseFailures } from '../../graph-store/index.ts';
import { type LiveLevel, liveFormat, metaKey } from './journal-rows.ts';

/** The epoch of a journal that is there, or `nowMs` of one that begins with this. Throws StopError LIVE_JOURNAL_FORMAT, LIVE_JOURNAL_CORRUPT. */
export async function openEpoch(
  side: SideDatabase<Buffer>,
  db: LiveLevel,
  folder: string,
  nowMs: number,
): Promise<number> {
  if (await side.hasFormat(metaKey.format, liveFormat)) {
    const epoch = Number((await db.get(metaKey.epoch))?.toString());
    if (Number.isSafeInteger(epoch)) return epoch;
    throw corrupt(folder, new Error('it has no epoch'));
  }
  const batch = db.batch();
  batch.put(metaKey.epoch, Buffer.from(String(nowMs))).put(metaKey.format, Buffer.from(liveFormat));
  await batch.write({ sync: true });
  return nowMs;
}

export function journalFailures(folder: string): SideDatabaseFailures {
  return {
    locked: (cause) =>
      new StopError(
        'LIVE_JOURNAL_LOCKED',
        `The journal of live events in ${folder} is in use by another process; stop that one, or start with another data folder.`,
        { cause },
      ),
    corrupt: (cause) => corrupt(folder, cause),
    failed: (cause) =>
      new OutageError(
        'LIVE_JOURNAL_OPEN_FAILED',
        `The journal of live events in ${folder} could not be opened (${cause.message}); check the folder's permissions and free space.`,
        { cause },
      ),
    otherFormat: (found) =>
      new StopError(
        'LIVE_JOURNAL_FORMAT',
        `The journal of live events in ${folder} has format ${found} and this version reads format ${liveFormat}; ` +
          'start the version that wrote it, or move the folder away and create the events anew.',
      ),
    unread: (cause) =>
      new OutageError(
        'LIVE_JOURNAL_READ_FAILED',
        `The journal of live events in ${folder} could not be read (${cause.message}); check the disk, then ask again.`,
        { cause },
      ),
    unwritten: (cause) =>
      new OutageError(
        'LIVE_JOURNAL_WRITE_FAILED',
        `The journal of live events in ${folder} could not be written (${cause.message}), so nothing was changed; free space or repair the disk, restart, then ask again.`,
        { cause },
      ),
  };
}

function corrupt(folder: string, cause: Error): StopError {
  return new StopError(
    'LIVE_JOURNAL_CORRUPT',
    `The journal of live events in ${folder} is damaged (${cause.message}); restore the folder from a copy, then run \`jg live renew-epoch\` on it.`,
    { cause },
  );
}
