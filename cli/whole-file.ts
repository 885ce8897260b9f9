import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { platform } from 'node:os';
import { dirname } from 'node:path';
import { OutageError } from '../foundation/index.ts';
import type { CommandIo } from './command-io.ts';

export interface WholeFileParts<T> {
  readonly bytes: AsyncIterable<Uint8Array>;
  /** What the file system says, in the words of what is being written. */
  failed(reason: string, cause: unknown): OutageError;
  wrote(total: number): void;
  /** Takes all of `written`, which are the bytes on their way; the file gets its name when this finds it whole. */
  check(written: AsyncIterable<Uint8Array>, temporary: string): Promise<T>;
}

/**
 * Writes a file under a temporary name beside its place, and gives it its name when `check` has found it whole and it is on the disk: under its
 * name there is never a part of one.
 *
 * @throws OutageError that `failed` makes, INTERRUPTED; what `bytes` and `check` throw.
 */
export async function writeWhole<T>(path: string, io: CommandIo, parts: WholeFileParts<T>): Promise<T> {
  const writing = async <V>(work: () => Promise<V>): Promise<V> => {
    try {
      return await work();
    } catch (cause) {
      throw parts.failed(cause instanceof Error ? cause.message : String(cause), cause);
    }
  };
  const temporary = `${path}.${io.newId()}.partial`;
  const file = await writing(() => open(temporary, 'wx'));
  try {
    const checked = await parts.check(written(file, io, parts, writing), temporary);
    await writing(async () => {
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

async function* written<T>(
  file: FileHandle,
  io: CommandIo,
  { bytes, wrote }: WholeFileParts<T>,
  writing: (work: () => Promise<void>) => Promise<void>,
): AsyncGenerator<Uint8Array> {
  let total = 0;
  for await (const chunk of bytes) {
    if (io.signal.aborted) throw new OutageError('INTERRUPTED', 'Interrupted; nothing was written.');
    await writing(() => file.writeFile(chunk));
    total += chunk.length;
    wrote(total);
    yield chunk;
  }
}

/** For a `check` that looks at the file instead. */
export async function drained(written: AsyncIterable<Uint8Array>): Promise<void> {
  const chunks = written[Symbol.asyncIterator]();
  for (let step = await chunks.next(); step.done !== true; ) step = await chunks.next();
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
