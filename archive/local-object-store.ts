import { randomUUID } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { type FileHandle, link, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { OutageError, RefusedError, StopError } from '../foundation/index.ts';
import { checkPrefix, keyParts } from './object-key.ts';
import type { ObjectStore, StoredObject } from './object-store.ts';

/** Holds what is being written; in the root, so that it is on the same file system. */
const temporaryFolder = '.jg-temporary';
const depthMax = 32;

/**
 * Objects as files below one folder. Durable before it says so: a file is written beside its place, synced, then renamed or
 * linked to it, and the folder synced. What a killed process left lies in `.jg-temporary`, see {@link removeLeftovers}.
 */
export class LocalObjectStore implements ObjectStore {
  readonly location: string;

  constructor(folder: string) {
    this.location = resolve(folder);
  }

  async size(key: string): Promise<number> {
    const path = this.#path(key);
    const found = await this.#attempt('look at', key, () => stat(path));
    if (!found.isFile()) throw missing(this.location, key);
    return found.size;
  }

  async read(key: string, start: number, end: number, signal?: AbortSignal): Promise<Uint8Array> {
    const path = this.#path(key);
    return await this.#attempt('read', key, async () => {
      const file = await open(path, constants.O_RDONLY);
      try {
        const { size } = await file.stat();
        const bytes = new Uint8Array(Math.max(0, Math.min(end, size) - start));
        return bytes.subarray(0, await readFully(file, bytes, start, signal));
      } finally {
        await file.close();
      }
    });
  }

  async *list(prefix: string): AsyncIterable<StoredObject> {
    checkPrefix(prefix);
    const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1);
    yield* this.#listFolder(folder, prefix, 0);
  }

  async write(key: string, parts: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<number> {
    const path = this.#path(key);
    let bytes = 0;
    await this.#placed(
      key,
      async (file) => {
        for await (const part of parts) {
          signal?.throwIfAborted();
          await this.#attempt('write', key, () => file.writeFile(part));
          bytes += part.length;
        }
      },
      (temporary) => rename(temporary, path),
    );
    return bytes;
  }

  async create(key: string, bytes: Uint8Array): Promise<boolean> {
    const path = this.#path(key);
    let isFirst = true;
    await this.#placed(
      key,
      (file) => this.#attempt('write', key, () => file.writeFile(bytes)),
      async (temporary) => {
        // rename(2) would put itself over another one's.
        isFirst = await link(temporary, path).then(
          () => true,
          (error: unknown) => {
            if (codeOf(error) === 'EEXIST') return false;
            throw error;
          },
        );
        await rm(temporary);
      },
    );
    return isFirst;
  }

  async replace(key: string, bytes: Uint8Array): Promise<void> {
    const path = this.#path(key);
    await this.#placed(
      key,
      (file) => this.#attempt('write', key, () => file.writeFile(bytes)),
      (temporary) => rename(temporary, path),
    );
  }

  async remove(key: string): Promise<void> {
    const path = this.#path(key);
    await this.#attempt('remove', key, async () => {
      await rm(path, { force: true });
      await syncFolder(dirname(path)).catch((error: unknown) => {
        // Its folder never was.
        if (codeOf(error) !== 'ENOENT') throw error;
      });
    });
  }

  async removeLeftovers(olderThanMs: number): Promise<number> {
    const folder = join(this.location, temporaryFolder);
    let removed = 0;
    for (const name of await readFolder(folder)) {
      const path = join(folder, name.name);
      const found = await this.#found(`${temporaryFolder}/${name.name}`);
      if (found === null || found.mtimeMs >= olderThanMs) continue;
      await this.#attempt('remove', path, () => rm(path, { force: true }));
      removed += 1;
    }
    return removed;
  }

  #path(key: string): string {
    const parts = keyParts(key);
    if (parts[0] === temporaryFolder)
      throw new RefusedError('OBJECT_KEY_REFUSED', `Objects cannot be kept in "${temporaryFolder}".`);
    return join(this.location, ...parts);
  }

  /** Writes a temporary file and puts it in its place; leaves nothing when either fails. */
  async #placed(
    key: string,
    fill: (file: FileHandle) => Promise<void>,
    place: (temporary: string) => Promise<void>,
  ): Promise<void> {
    const folder = dirname(this.#path(key));
    const temporary = join(this.location, temporaryFolder, randomUUID());
    try {
      await this.#attempt('write', key, async () => {
        await makeFolder(dirname(temporary));
        await makeFolder(folder);
      });
      const file = await this.#attempt('write', key, () => open(temporary, 'wx'));
      try {
        await fill(file);
        await this.#attempt('write', key, () => file.sync());
      } finally {
        await file.close();
      }
      await this.#attempt('write', key, async () => {
        await place(temporary);
        await syncFolder(folder);
      });
    } catch (error) {
      await this.#attempt('remove', key, () => rm(temporary, { force: true }));
      throw error;
    }
  }

  async *#listFolder(folder: string, prefix: string, depth: number): AsyncGenerator<StoredObject> {
    const refuse = (what: string): StopError =>
      new StopError('OBJECT_STORE_REFUSED', `${join(this.location, folder)} ${what}.`);
    if (depth > depthMax)
      throw refuse(`lies more than ${depthMax} folders deep: links that lead in a circle?`);
    const entries = await this.#attempt('list', folder, () => readFolder(join(this.location, folder)));
    const named: { key: string; isFolder: boolean }[] = [];
    for (const entry of entries) {
      if (folder === '' && entry.name === temporaryFolder) continue;
      const key = `${folder}${entry.name}`;
      const isFolder = entry.isSymbolicLink()
        ? (await this.#found(key))?.isDirectory() === true
        : entry.isDirectory();
      named.push({ key: isFolder ? `${key}/` : key, isFolder });
    }
    named.sort((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)));
    for (const { key, isFolder } of named) {
      if (isFolder && (key.startsWith(prefix) || prefix.startsWith(key)))
        yield* this.#listFolder(key, prefix, depth + 1);
      if (isFolder || !key.startsWith(prefix)) continue;
      const found = await this.#found(key);
      if (found?.isFile() === true) yield { key, bytes: found.size, modifiedMs: found.mtimeMs };
    }
  }

  /** Null when it was removed meanwhile. */
  async #found(key: string): Promise<Stats | null> {
    return await this.#attempt('list', key, async () => {
      try {
        return await stat(join(this.location, key));
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return null;
        throw error;
      }
    });
  }

  async #attempt<Value>(what: string, key: string, act: () => Promise<Value>): Promise<Value> {
    try {
      return await act();
    } catch (cause) {
      const code = codeOf(cause);
      if (code === null) throw cause;
      if (code === 'ENOENT' && (what === 'read' || what === 'look at')) throw missing(this.location, key);
      const message = `Cannot ${what} ${JSON.stringify(key)} in ${this.location}: ${code}.`;
      if (mayPass.has(code)) throw new OutageError('OBJECT_STORE_FAILED', message, { cause });
      throw new StopError('OBJECT_STORE_REFUSED', message, { cause });
    }
  }
}

/** What free space, another disk or a little patience repairs. */
const mayPass = new Set([
  'ENOSPC',
  'EDQUOT',
  'EIO',
  'EMFILE',
  'ENFILE',
  'EAGAIN',
  'EBUSY',
  'ETIMEDOUT',
  'ESTALE',
]);

function missing(location: string, key: string): RefusedError {
  return new RefusedError('OBJECT_MISSING', `There is no ${JSON.stringify(key)} in ${location}.`);
}

function codeOf(error: unknown): string | null {
  return error instanceof Error && 'code' in error && 'syscall' in error ? String(error.code) : null;
}

async function readFully(
  file: FileHandle,
  bytes: Uint8Array,
  start: number,
  signal: AbortSignal | undefined,
): Promise<number> {
  let done = 0;
  while (done < bytes.length) {
    signal?.throwIfAborted();
    const { bytesRead } = await file.read(bytes, done, bytes.length - done, start + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return done;
}

async function readFolder(folder: string): Promise<readonly DirectoryEntry[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return [];
    throw error;
  }
}

interface DirectoryEntry {
  readonly name: string;
  isDirectory(): boolean;
  isSymbolicLink(): boolean;
}

/** A folder is there after a crash only when the one that names it was synced. */
async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true });
  if (first === undefined) return;
  for (let made = folder; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made));
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
