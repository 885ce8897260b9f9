import type { SourceEnd } from '../event-source.ts';
import { Archiver, type ArchiverLimits, type ArchiverParts } from './archiver.ts';
import type { ArchiverStatus } from './archiver-status.ts';

const lookMs = 20;

/**
 * Archives what the log has when it is called, and ends: for a job that runs by the hour, and for tests.
 *
 * @throws {StopError} as {@link Archiver.run}.
 */
export async function archiveToEnd(
  parts: ArchiverParts,
  limits: ArchiverLimits,
  signal?: AbortSignal,
  onStatus: (status: ArchiverStatus) => void = () => undefined,
): Promise<ArchiverStatus> {
  const archiver = new Archiver(parts, limits);
  const done = new AbortController();
  const ending = signal === undefined ? done.signal : AbortSignal.any([signal, done.signal]);
  const running = archiver.run(ending).finally(() => done.abort());
  try {
    const ends = await parts.source.ends();
    while (!ending.aborted) {
      onStatus(archiver.status());
      // What could not be committed, now or while the flush waited for its turn, is read again.
      if (isRead(archiver.status(), ends) && (await archiver.flush()) && isRead(archiver.status(), ends))
        break;
      await parts.clock.sleep(lookMs, ending);
    }
  } finally {
    done.abort();
    await running;
  }
  return archiver.status();
}

function isRead(status: ArchiverStatus, ends: readonly SourceEnd[]): boolean {
  return ends.every(({ source, low, end }) => {
    if (end <= low) return true;
    const found = status.partitions.find(
      (one) => one.source.topicId === source.topicId && one.source.partition === source.partition,
    );
    return found?.read !== undefined && found.read !== null && found.read >= end;
  });
}
