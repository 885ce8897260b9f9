import type { ClassicLevel } from 'classic-level';
import type { OutageError, StopError } from '../foundation/index.ts';

/** What the owner of a folder says when LevelDB cannot open it: codes and advice are the owner's. */
export interface OpenFailures {
  readonly locked: (cause: Error) => StopError;
  readonly corrupt: (cause: Error) => StopError;
  readonly failed: (cause: Error) => OutageError;
}

/** An error of LevelDB itself, not yet one of ours. */
export function isLevelError(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('LEVEL_');
}

/** LevelDB wraps what went wrong on opening into an error that says nothing. */
export function openFailureOf(error: Error, failures: OpenFailures): StopError | OutageError {
  const cause = error.cause instanceof Error ? error.cause : error;
  const code = 'code' in cause ? cause.code : null;
  if (code === 'LEVEL_LOCKED') return failures.locked(cause);
  if (code === 'LEVEL_CORRUPTION') return failures.corrupt(cause);
  return failures.failed(cause);
}

/** False when nothing is in it yet; throws when another version, or somebody else, wrote what is there. */
export async function hasFormat<Key>(
  db: ClassicLevel<Key, Buffer>,
  key: Key,
  formats: readonly string[],
  otherFormat: (found: string) => StopError,
): Promise<boolean> {
  const found = (await db.get(key))?.toString();
  if (found !== undefined && formats.includes(found)) return true;
  const [first] = await db.keys({ limit: 1 }).all();
  if (found !== undefined || first !== undefined) throw otherFormat(found ?? 'unknown');
  return false;
}
