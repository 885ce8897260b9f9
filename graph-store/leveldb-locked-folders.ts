import { StopError } from '../foundation/index.ts';
import type { Session } from './leveldb-session.ts';

/** A store that is open in this process. */
export interface OpenStore {
  /** Throws when none is open. */
  readonly session: Session;
}

/**
 * LevelDB's own lock keeps other processes out and, because both of our threads share one database, lets this
 * process in as often as it likes. Two writers would not see each other's caches, and the handle that opened first
 * takes the block cache of all others with it when it closes: a read through one of them then ends the process.
 * Hence this second lock. Null while the folder is opened, or read by a comparison.
 */
const lockedFolders = new Map<string, OpenStore | null>();

/** Throws StopError STORE_LOCKED. */
export function lockFolder(folder: string): void {
  if (lockedFolders.has(folder)) {
    throw new StopError(
      'STORE_LOCKED',
      `The store in ${folder} is open in this process already, or is being compared: use that one, wait, or name another folder.`,
    );
  }
  lockedFolders.set(folder, null);
}

export function storeOpened(folder: string, store: OpenStore): void {
  lockedFolders.set(folder, store);
}

export function unlockFolder(folder: string): void {
  lockedFolders.delete(folder);
}

/** Null where no store is open in this process. */
export function openStoreIn(folder: string): OpenStore | null {
  return lockedFolders.get(folder) ?? null;
}
