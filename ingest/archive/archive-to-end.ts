import { classify } from '../error-classifier.ts';
import type { SourceEnd } from '../event-source.ts';
import { archivedPositions, positionKey } from './archive-positions.ts';
import { Archiver, type ArchiverLimits, type ArchiverParts } from './archiver.ts';
import type { ArchivedPartition, ArchiverStatus } from './archiver-status.ts';

const lookMs = 20;
/** How often the table is asked for what other archivers of the group have. */
const lookAtOthersMs = 1_000;
/** Beside two of their commits. What of others nobody archives any further by then is left to them: their log may end in records that no commit waits for. */
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
  const looking = untilRead(archiver, { parts, limits }, ending, onStatus).finally(() => done.abort());
  // Either may fail while the other is waited for; why the archiver did comes first.
  for (const outcome of await Promise.allSettled([running, looking]))
    if (outcome.status === 'rejected') throw outcome.reason;
  return archiver.status();
}

/** Resolves when all that the log had is in the table, or left to others, or `ending` has aborted. */
async function untilRead(
  archiver: Archiver,
  { parts, limits }: { readonly parts: ArchiverParts; readonly limits: ArchiverLimits },
  ending: AbortSignal,
  onStatus: (status: ArchiverStatus) => void,
): Promise<void> {
  const ends = await parts.source.ends();
  const others = new OtherArchivers(parts, limits);
  let flushed: string | null = null;
  // What could not be committed, now or while the flush waited for its turn, is read again.
  const isOursDone = async (): Promise<boolean> => {
    const mine = keysOfOurs(archiver.status());
    const isDone = async (): Promise<boolean> =>
      isRead(archiver.status(), ends) && (flushed === mine || (await archiver.flush()));
    flushed = (await isDone()) && isRead(archiver.status(), ends) ? mine : null;
    return flushed !== null;
  };
  while (!ending.aborted) {
    onStatus(archiver.status());
    if ((await isOursDone()) && (await others.areDone(archiver.status(), ends))) return;
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

function keysOfOurs({ partitions }: ArchiverStatus): string {
  return partitions.flatMap(({ source, isOurs }) => (isOurs ? [positionKey(source)] : [])).join(' ');
}

function byKey(partitions: readonly ArchivedPartition[]): ReadonlyMap<string, ArchivedPartition> {
  return new Map(partitions.map((partition) => [positionKey(partition.source), partition]));
}

/** The rest of the group, as far as the table tells of it. */
class OtherArchivers {
  readonly #parts: ArchiverParts;
  /** Counted in looks: a clock that is set ends no wait. */
  readonly #idleLooksMax: number;
  #lookedMs: number;
  #seen = '';
  #idleLooks = 0;

  constructor(parts: ArchiverParts, { commitMs }: ArchiverLimits) {
    this.#parts = parts;
    this.#idleLooksMax = Math.ceil((2 * commitMs + othersIdleMs) / lookAtOthersMs);
    this.#lookedMs = parts.clock.now();
  }

  async areDone(status: ArchiverStatus, ends: readonly SourceEnd[]): Promise<boolean> {
    const theirs = notOurs(status, ends);
    if (theirs.length === 0) return true;
    const { clock, source } = this.#parts;
    if (Math.abs(clock.now() - this.#lookedMs) < lookAtOthersMs) return false;
    this.#lookedMs = clock.now();
    // Without a session nobody knows whose they are, and whoever has them cannot go on either.
    if (!source.reading || status.state.kind !== 'running') {
      this.#idleLooks = 0;
      return false;
    }
    try {
      return await this.#areArchived(theirs);
    } catch (error) {
      if (classify(error) !== 'outage') throw error;
      this.#idleLooks = 0;
      return false;
    }
  }

  async #areArchived(ends: readonly SourceEnd[]): Promise<boolean> {
    const { table, log, source } = this.#parts;
    const positions = archivedPositions(await table.load(), table.name);
    const left = ends.filter((one) => (positions.get(positionKey(one.source)) ?? 0n) < one.end);
    if (left.length === 0) return true;
    const seen = left.map(({ source: of }) => `${positionKey(of)} ${positions.get(positionKey(of))}`).join();
    this.#idleLooks = seen === this.#seen ? this.#idleLooks + 1 : 0;
    this.#seen = seen;
    if (this.#idleLooks < this.#idleLooksMax) return false;
    const partitions = left.map((one) => one.source.partition);
    log.warn(
      { topic: source.topic, partitions },
      `Another archiver has these partitions, and has archived no further for ${(this.#idleLooksMax * lookAtOthersMs) / 1000} s: what they held is left to it.`,
    );
    return true;
  }
}
