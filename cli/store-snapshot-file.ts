import { createReadStream, existsSync } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { OutageError, RefusedError } from '../foundation/index.ts';
import { SnapshotReader } from '../graph-store/index.ts';
import type { CommandIo } from './command-io.ts';
import type { ProgressLine } from './progress-line.ts';
import { syncFolder } from './whole-file.ts';

export interface SavedSnapshot {
  readonly reader: SnapshotReader;
  readonly fileBytes: number;
}

/**
 * Writes a snapshot under a temporary name beside `path`, checks what came on the way, and gives it its name when it is whole and on the
 * disk: under its name there is never a part of one.
 *
 * @throws RefusedError SNAPSHOT_FILE_EXISTS; OutageError SNAPSHOT_WRITE_FAILED; StopError SNAPSHOT_DAMAGED when it did not come whole.
 */
export async function saveSnapshot(
  path: string,
  bytes: AsyncIterable<Uint8Array>,
  io: CommandIo,
  progress: ProgressLine,
): Promise<SavedSnapshot> {
  const temporary = `${path}.${io.newId()}.partial`;
  const file = await writing(path, () => open(temporary, 'wx'));
  try {
    const reader = await SnapshotReader.open(path, written(path, file, bytes, io, progress));
    try {
      await reader.skim();
    } finally {
      await reader.close();
    }
    await writing(path, async () => {
      await file.sync();
      await file.close();
      await rename(temporary, path);
      await syncFolder(dirname(path));
    });
    return { reader, fileBytes: reader.bytesRead };
  } catch (error) {
    await file.close();
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Refuses before anything is asked of a server. */
export function checkFree(path: string, force: boolean): void {
  if (force || !existsSync(path)) return;
  throw new RefusedError(
    'SNAPSHOT_FILE_EXISTS',
    `There is a file ${path} already; name another, or pass --force to replace it.`,
  );
}

export async function openSnapshot(path: string): Promise<SnapshotReader> {
  return await SnapshotReader.open(path, readFrom(path));
}

async function* readFrom(path: string): AsyncGenerator<Buffer> {
  try {
    yield* createReadStream(path, { highWaterMark: 2 ** 20 });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new RefusedError('SNAPSHOT_UNREADABLE', `The snapshot ${path} cannot be read (${reason}).`, {
      cause,
    });
  }
}

async function* written(
  path: string,
  file: FileHandle,
  bytes: AsyncIterable<Uint8Array>,
  io: CommandIo,
  progress: ProgressLine,
): AsyncGenerator<Uint8Array> {
  let total = 0;
  for await (const chunk of bytes) {
    if (io.signal.aborted) throw new OutageError('INTERRUPTED', 'Interrupted; nothing was written.');
    await writing(path, () => file.writeFile(chunk));
    total += chunk.length;
    progress.showBytes('Writing the snapshot', total);
    yield chunk;
  }
}

async function writing<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new OutageError(
      'SNAPSHOT_WRITE_FAILED',
      `The snapshot ${path} cannot be written (${reason}): free space, or name another place.`,
      { cause },
    );
  }
}
