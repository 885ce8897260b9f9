import type { ArchiveReader, ObjectStore } from '../../archive/index.ts';
import { JourneyGraphError, RefusedError, StopError } from '../../foundation/index.ts';
import { fileMissing } from './archive-fault.ts';
import type { BackfillPlan } from './backfill-plan.ts';

const looksAtOnce = 8;

/** @throws RefusedError by the code of the first reason why the plan is not run as it is. */
export function checkRefusals({ refusals, id }: BackfillPlan): void {
  const [first] = refusals;
  if (first === undefined) return;
  const all = refusals.map(({ message }) => message).join(' ');
  throw new RefusedError(first.code, `The backfill ${id} is refused. ${all}`);
}

/**
 * That the archive still has what was planned, before anything is applied: a snapshot may have expired since, a file been removed or replaced.
 *
 * @throws StopError `ARCHIVE_FILE_MISSING`, `ARCHIVE_FILE_CHANGED`.
 */
export async function checkFiles(
  plan: BackfillPlan,
  reader: ArchiveReader,
  objects: Pick<ObjectStore, 'size'> | null,
  signal: AbortSignal,
): Promise<void> {
  const listed = new Map(
    (await reader.files(plan.filter, signal)).map((file) => [`${file.partition} ${file.key}`, file]),
  );
  for (const file of plan.files) {
    const now = listed.get(`${file.partition} ${file.key}`);
    if (now === undefined) throw fileMissing(file, 'is no longer listed by the archive');
    if (now.rows !== file.rows || now.bytes !== file.bytes)
      throw changed(file.key, `${now.bytes} bytes, ${now.rows} rows`);
  }
  if (objects === null) return;
  for (let at = 0; at < plan.files.length && !signal.aborted; at += looksAtOnce) {
    await Promise.all(
      plan.files.slice(at, at + looksAtOnce).map(async (file) => {
        const bytes = await sizeOf(objects, file.key, signal);
        if (bytes === null) throw fileMissing(file, 'is gone from the archive');
        if (bytes !== file.bytes) throw changed(file.key, `${bytes} bytes`);
      }),
    );
  }
}

async function sizeOf(
  objects: Pick<ObjectStore, 'size'>,
  key: string,
  signal: AbortSignal,
): Promise<number | null> {
  try {
    return await objects.size(key, signal);
  } catch (error) {
    if (error instanceof JourneyGraphError && error.code === 'OBJECT_MISSING') return null;
    throw error;
  }
}

function changed(key: string, now: string): StopError {
  return new StopError(
    'ARCHIVE_FILE_CHANGED',
    `The file ${key} is another one than was planned, it has ${now} now: plan again.`,
  );
}
