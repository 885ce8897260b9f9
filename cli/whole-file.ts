import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { platform } from 'node:os';
import { dirname } from 'node:path';
import { OutageError } from '../foundation/index.ts';
import type { CommandIo } from './command-io.ts';

/**
 * Writes a file under a temporary name beside its place, and gives it its name when `check` has found it whole and it is on the disk: under its
 * name there is never a part of one.
 *
 * @throws OutageError EXPORT_WRITE_FAILED, INTERRUPTED.
 */
export async function writeWhole<T>(
  path: string,
  bytes: AsyncIterable<Uint8Array>,
  io: CommandIo,
  { wrote, check }: { wrote(total: number): void; check(temporary: string): Promise<T> },
): Promise<T> {
  const temporary = `${path}.${io.newId()}.partial`;
  const file = await writing(path, () => open(temporary, 'wx'));
  try {
    await fill(path, file, bytes, io, wrote);
    const checked = await check(temporary);
    await writing(path, async () => {
      await file.sync();
      await file.close();
      await rename(temporary, path);
      await syncFolder(dirname(path));
    });
    return checked;
  } catch (error) {
    await file.close();
    await rm(temporary, { force: true });
    throw error;
  }
}

async function fill(
  path: string,
  file: FileHandle,
  bytes: AsyncIterable<Uint8Array>,
  io: CommandIo,
  wrote: (total: number) => void,
): Promise<void> {
  let total = 0;
  for await (const chunk of bytes) {
    if (io.signal.aborted) throw new OutageError('INTERRUPTED', 'Interrupted; nothing was written.');
    await writing(path, () => file.writeFile(chunk));
    total += chunk.length;
    wrote(total);
  }
}

async function writing<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new OutageError(
      'EXPORT_WRITE_FAILED',
      `The file ${path} cannot be written (${reason}): free space, or name another place.`,
      { cause },
    );
  }
}

/** Without it a crash of the machine could take the name away again. */
export async function syncFolder(path: string): Promise<void> {
  // Windows has no such thing, and needs none.
  if (platform() === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
