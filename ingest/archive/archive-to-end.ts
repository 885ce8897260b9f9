import type { SourceEnd } from '../event-source.ts';
import { archivedPositions, positionKey } from './archive-positions.ts';
import { Archiver, type ArchiverLimits, type ArchiverParts } from './archiver.ts';
import type { ArchivedPartition, ArchiverStatus } from './archiver-status.ts';

const lookMs = 20;
/** How often the table is asked for what other archivers of the group have. */
const lookAtOthersMs = 1_000;
/** What of others nobody archives any further is left to them: their log may end in records that no commit waits for. */
const othersIdleMs = 60_000;

/**
 * Archives what the log has when it is called, and ends: for a job that runs by the hour, and for tests. Partitions that another archiver of the group has are
 * waited for, as long as it gets on with them.
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
  const looking = untilRead(archiver, parts, ending, onStatus).finally(() => done.abort());
  // Either may fail while the other is waited for; why the archiver did comes first.
  for (const outcome of await Promise.allSettled([running, looking]))
    if (outcome.status === 'rejected') throw outcome.reason;
  return archiver.status();
}

async function untilRead(
  archiver: Archiver,
  parts: ArchiverParts,
  ending: AbortSignal,
  onStatus: (status: ArchiverStatus) => void,
): Promise<void> {
  const ends = await parts.source.ends();
  const others = new OtherArchivers(parts);
  // What could not be committed, now or while the flush waited for its turn, is read again.
  const isOursDone = async (): Promise<boolean> =>
    isRead(archiver.status(), ends) && (await archiver.flush()) && isRead(archiver.status(), ends);
  while (!ending.aborted) {
    onStatus(archiver.status());
    if ((await isOursDone()) && (await others.areDone(notOurs(archiver.status(), ends)))) return;
    await parts.clock.sleep(lookMs, ending);
  }
}

/** Whether all of the partitions that this archiver has are read. */
function isRead({ partitions }: ArchiverStatus, ends: readonly SourceEnd[]): boolean {
  const ours = byKey(partitions);
  return ends.every(({ source, low, end }) => {
    const found = ours.get(positionKey(source));
    return end <= low || found?.isOurs !== true || (found.read !== null && found.read >= end);
  });
}

function notOurs({ partitions }: ArchiverStatus, ends: readonly SourceEnd[]): readonly SourceEnd[] {
  const ours = byKey(partitions);
  return ends.filter(({ source, low, end }) => end > low && ours.get(positionKey(source))?.isOurs !== true);
}

function byKey(partitions: readonly ArchivedPartition[]): ReadonlyMap<string, ArchivedPartition> {
  return new Map(partitions.map((partition) => [positionKey(partition.source), partition]));
}

/** The rest of the group, as far as the table tells of it; an archiver that has not been given its partitions yet is one of these. */
class OtherArchivers {
  readonly #parts: ArchiverParts;
  #lookedMs: number;
  #seen = '';
  #sinceMs = 0;

  constructor(parts: ArchiverParts) {
    this.#parts = parts;
    this.#lookedMs = parts.clock.now();
  }

  async areDone(ends: readonly SourceEnd[]): Promise<boolean> {
    if (ends.length === 0) return true;
    const { table, clock, log, source } = this.#parts;
    // At the beginning all are others', until this one is given its own.
    if (Math.abs(clock.now() - this.#lookedMs) < lookAtOthersMs) return false;
    this.#lookedMs = clock.now();
    const positions = archivedPositions(await table.load(), table.name);
    const left = ends.filter((one) => (positions.get(positionKey(one.source)) ?? 0n) < one.end);
    if (left.length === 0) return true;
    const partitions = left.map((one) => one.source.partition);
    const seen = left.map(({ source: of }) => `${positionKey(of)} ${positions.get(positionKey(of))}`).join();
    if (seen !== this.#seen) {
      this.#seen = seen;
      this.#sinceMs = clock.now();
    }
    if (clock.now() - this.#sinceMs < othersIdleMs) return false;
    log.warn(
      { topic: source.topic, partitions },
      `Another archiver has these partitions, and has archived no further for ${othersIdleMs / 1000} s: what they held is left to it.`,
    );
    return true;
  }
}
