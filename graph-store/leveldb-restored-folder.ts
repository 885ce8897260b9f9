import type { Restorable } from './graph-store.ts';
import { isLevelError } from './level-folder.ts';
import { checkFormat, notEmpty, openLevel, restoreFailure, restoreIncomplete } from './leveldb-open.ts';
import { defaultLevelSettings, type LevelSettings } from './leveldb-protocol.ts';
import {
  isEmptyLevel,
  isRestoredLevel,
  type RestoreLimits,
  restoreLevel,
  restoreLimitsDefault,
  restoringMark,
} from './leveldb-restore.ts';

/**
 * Makes the store of a folder from a graph, or goes on with it where the same graph (by its id) was being restored there; where it was to its end, and
 * nobody has claimed a partition since, it does nothing. No server may have the folder open.
 *
 * @throws RefusedError STORE_NOT_EMPTY; StopError (STORE_LOCKED, STORE_CORRUPT, STORE_FORMAT, or STORE_RESTORE_INCOMPLETE when another graph was
 * being restored there); OutageError (STORE_OPEN_FAILED, STORE_WRITE_FAILED).
 */
export async function restoreLevelFolder(
  settings: Pick<LevelSettings, 'folder'> & Partial<LevelSettings>,
  snapshot: Restorable,
  limits: RestoreLimits = restoreLimitsDefault,
): Promise<void> {
  const { folder } = settings;
  const db = await openLevel({ ...defaultLevelSettings, ...settings });
  try {
    const mark = await restoringMark(db);
    if (mark === null) {
      await checkFormat(db, folder);
      if (await isRestoredLevel(db, snapshot)) return;
      if (!(await isEmptyLevel(db))) throw notEmpty(folder);
    } else if (mark.id === null || mark.id !== snapshot.id) throw restoreIncomplete(folder);
    await restoreLevel(db, snapshot, limits);
  } catch (cause) {
    throw isLevelError(cause) ? restoreFailure(folder, cause) : cause;
  } finally {
    await db.close();
  }
}
