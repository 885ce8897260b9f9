import { OutageError, StopError } from '../../foundation/index.ts';
import { type LiveLevel, liveFormat, metaKey } from './journal-rows.ts';

/** The epoch of a journal that is there, or `nowMs` of one that begins with this. Throws StopError LIVE_JOURNAL_FORMAT, LIVE_JOURNAL_CORRUPT. */
export async function openEpoch(db: LiveLevel, folder: string, nowMs: number): Promise<number> {
  const found = (await db.get(metaKey.format))?.toString();
  if (found === liveFormat) {
    const epoch = Number((await db.get(metaKey.epoch))?.toString());
    if (Number.isSafeInteger(epoch)) return epoch;
    throw corrupt(folder, new Error('it has no epoch'));
  }
  const [first] = await db.keys({ limit: 1 }).all();
  if (found !== undefined || first !== undefined) {
    throw new StopError(
      'LIVE_JOURNAL_FORMAT',
      `The journal of live events in ${folder} has format ${found ?? 'unknown'} and this version reads format ${liveFormat}; ` +
        'start the version that wrote it, or move the folder away and create the events anew.',
    );
  }
  const batch = db.batch();
  batch.put(metaKey.epoch, Buffer.from(String(nowMs))).put(metaKey.format, Buffer.from(liveFormat));
  await batch.write({ sync: true });
  return nowMs;
}

/** What an error of LevelDB means when the journal is opened; any other is itself. */
export function journalOpenFailure(folder: string, error: unknown): unknown {
  if (!isLevelError(error)) return error;
  const cause = error.cause instanceof Error ? error.cause : error;
  const code = 'code' in cause ? cause.code : '';
  if (code === 'LEVEL_LOCKED') {
    return new StopError(
      'LIVE_JOURNAL_LOCKED',
      `The journal of live events in ${folder} is in use by another process; stop that one, or start with another data folder.`,
      { cause },
    );
  }
  if (code === 'LEVEL_CORRUPTION') return corrupt(folder, cause);
  return new OutageError(
    'LIVE_JOURNAL_OPEN_FAILED',
    `The journal of live events in ${folder} could not be opened (${cause.message}); check the folder's permissions and free space.`,
    { cause },
  );
}

export function readFailure(folder: string, cause: unknown): unknown {
  if (!isLevelError(cause)) return cause;
  return new OutageError(
    'LIVE_JOURNAL_READ_FAILED',
    `The journal of live events in ${folder} could not be read (${cause.message}); check the disk, then ask again.`,
    { cause },
  );
}

export function writeFailure(folder: string, cause: unknown): unknown {
  if (!isLevelError(cause)) return cause;
  return new OutageError(
    'LIVE_JOURNAL_WRITE_FAILED',
    `The journal of live events in ${folder} could not be written (${cause.message}), so nothing was changed; free space or repair the disk, restart, then ask again.`,
    { cause },
  );
}

function corrupt(folder: string, cause: Error): StopError {
  return new StopError(
    'LIVE_JOURNAL_CORRUPT',
    `The journal of live events in ${folder} is damaged (${cause.message}); restore the folder from a copy, then run \`jg live renew-epoch\` on it.`,
    { cause },
  );
}

function isLevelError(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('LEVEL_');
}
