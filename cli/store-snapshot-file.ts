import { createReadStream, existsSync } from 'node:fs';
import { OutageError, RefusedError } from '../foundation/index.ts';
import { SnapshotReader } from '../graph-store/index.ts';
import type { CommandIo } from './command-io.ts';
import type { ProgressLine } from './progress-line.ts';
import { writeWhole } from './whole-file.ts';

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
  return await writeWhole(path, io, {
    bytes,
    failed: (reason, cause) =>
      new OutageError(
        'SNAPSHOT_WRITE_FAILED',
        `The snapshot ${path} cannot be written (${reason}): free space, or name another place.`,
        { cause },
      ),
    wrote: (total) => progress.showBytes('Writing the snapshot', total),
    check: async (written) => {
      const reader = await SnapshotReader.open(path, written);
      try {
        await reader.skim();
      } finally {
        await reader.close();
      }
      return { reader, fileBytes: reader.bytesRead };
    },
  });
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
