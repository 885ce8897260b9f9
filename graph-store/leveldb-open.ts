import { AssertionError } from 'node:assert';
import { OutageError, RefusedError, StopError } from '../foundation/index.ts';
import { Level } from './level.ts';
import { LevelDatabase } from './level-database.ts';
import { hasFormat, isLevelError, openFailureOf } from './level-folder.ts';
import type { LevelSettings } from './leveldb-protocol.ts';
import { restoringKey } from './leveldb-restore.ts';
import { folderFormat, folderFormatBefore, metaKey } from './rows.ts';

/** Opens one thread's handle; `shared` is one for all that are told of new stretches, see `Level`. Throws StopError (STORE_LOCKED, STORE_CORRUPT) or OutageError (STORE_OPEN_FAILED). */
export async function openLevel(
  settings: LevelSettings,
  shared: SharedArrayBuffer | null = null,
): Promise<Level> {
  const db = new LevelDatabase(settings.folder, {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
    multithreading: true,
    cacheSize: settings.blockCacheBytes,
    writeBufferSize: settings.writeBufferBytes,
    maxFileSize: settings.tableBytesMax,
    compression: settings.compression === 'snappy',
    maxOpenFiles: settings.maxOpenFiles,
  });
  try {
    await db.open();
  } catch (error) {
    throw openFailure(settings.folder, error);
  }
  const level = new Level(db, shared);
  try {
    await level.readStretches();
  } catch (cause) {
    const isOurs = isPlainDamage(cause) ? knownFormats.includes(String(await db.get(metaKey.format))) : true;
    // Of another format it may say anything, and whoever opens it looks at that next.
    if (!isOurs) return level;
    await db.close();
    throw corrupt(settings.folder, cause);
  }
  return level;
}

const knownFormats = [folderFormat, folderFormatBefore];

/** Not LevelDB's: of a row that says what the product does not write. */
function isPlainDamage(cause: unknown): boolean {
  return cause instanceof AssertionError || cause instanceof SyntaxError;
}

/** Where stretches begin is not what the product writes. */
function corrupt(folder: string, cause: unknown): unknown {
  if (!isPlainDamage(cause)) return openFailure(folder, cause);
  return corruptStore(folder, 'the row that says where its stretches begin cannot be read', cause);
}

function corruptStore(folder: string, what: string, cause: unknown): StopError {
  return new StopError(
    'STORE_CORRUPT',
    `The store in ${folder} is damaged (${what}); move the folder away and start again, the log is replayed.`,
    { cause },
  );
}

/**
 * Throws StopError STORE_FORMAT when the folder was written by another format, STORE_RESTORE_INCOMPLETE when it was not restored to the end;
 * marks an empty one as ours.
 */
export async function checkFormat(db: Level, folder: string): Promise<void> {
  if (await hasFormat(db.raw, metaKey.format, knownFormats, (found) => otherFormat(folder, found))) {
    if ((await db.get(restoringKey)) !== undefined) throw restoreIncomplete(folder);
    return;
  }
  await db.put(metaKey.format, Buffer.from(folderFormat), { sync: true });
}

function otherFormat(folder: string, found: string): StopError {
  return new StopError(
    'STORE_FORMAT',
    `The store in ${folder} has format ${found} and this version reads format ${folderFormat}; ` +
      'move the folder away and start again, and the log is read from its beginning, or start with the version that wrote it.',
  );
}

export function restoreIncomplete(folder: string, cause?: unknown): StopError {
  return new StopError(
    'STORE_RESTORE_INCOMPLETE',
    `The store in ${folder} was being restored and is not complete; remove the folder, then restore it again.`,
    { cause },
  );
}

export function notEmpty(folder: string): RefusedError {
  return new RefusedError(
    'STORE_NOT_EMPTY',
    `There is a graph in the store in ${folder} already; restore into another folder, or remove that one first.`,
  );
}

export function restoreFailure(folder: string, cause: Error): OutageError {
  return new OutageError(
    'STORE_WRITE_FAILED',
    `The store in ${folder} could not be restored (${cause.message}); free space or repair the disk, remove the folder, then restore it again.`,
    { cause },
  );
}

/** What went wrong while reading, if it is LevelDB's; anything else as it is. */
export function readFailure(folder: string, cause: unknown): unknown {
  if (!isLevelError(cause)) return cause;
  return new OutageError(
    'STORE_READ_FAILED',
    `The store in ${folder} could not be read (${cause.message}); check the disk, then ask again.`,
    { cause },
  );
}

/** What people are told of a write that failed, whatever it was. */
export function writeFailureText(folder: string, cause: unknown): string {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return `The store in ${folder} could not be written (${reason}); free space or repair the disk, and writing resumes by itself.`;
}

/** What whoever waits for a reading of everything is told when it was ended on purpose. */
export function readStopped(folder: string): OutageError {
  return new OutageError(
    'STORE_READ_FAILED',
    `Reading the store in ${folder} was stopped before it had ended; ask again.`,
  );
}

/** LevelDB reads tables only when they are asked for, so damage shows as late as at the first read of an opening. */
export function openFailure(folder: string, error: unknown): unknown {
  if (!isLevelError(error)) return error;
  return openFailureOf(error, {
    locked: (cause) =>
      new StopError(
        'STORE_LOCKED',
        `The store in ${folder} is in use by another process; stop that one, or start with another folder.`,
        { cause },
      ),
    corrupt: (cause) => corruptStore(folder, cause.message, cause),
    failed: (cause) =>
      new OutageError(
        'STORE_OPEN_FAILED',
        `The store in ${folder} could not be opened (${cause.message}); check the folder's permissions and free space.`,
        { cause },
      ),
  });
}
