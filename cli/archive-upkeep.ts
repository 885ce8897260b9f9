import { randomIds } from '../archive/index.ts';
import type { Settings } from '../config/index.ts';
import { JourneyGraphError, type Log } from '../foundation/index.ts';
import {
  type CompactionLimits,
  type CompactionParts,
  compact,
  type ExpiryLimits,
  expire,
  planCompaction,
  planExpiry,
} from '../ingest/index.ts';
import { archiveRetentionMs } from './archivers.ts';
import type { CommandIo } from './command-io.ts';
import type { Archive, ArchiveTable } from './open-archive.ts';

export function compactionLimits(settings: Settings, nowMs: number): CompactionLimits {
  return {
    bytesMax: settings['archive.compact.bytes'],
    olderThanMs: nowMs - settings['archive.compact.age.ms'],
    rowGroupRows: settings['archive.row.group.rows'],
  };
}

export function compactionParts(
  archive: Archive,
  { table, paths, folder }: ArchiveTable,
  { clock }: Pick<CommandIo, 'clock'>,
): CompactionParts {
  return { table, paths, folder, store: archive.store, newUuid: randomIds.uuid, clock };
}

export function expiryLimits(settings: Settings, topic: string, nowMs: number): ExpiryLimits {
  const retentionMs = archiveRetentionMs(settings, topic);
  return {
    snapshotsMin: settings['archive.snapshots.min'],
    olderThanMs: nowMs - settings['archive.snapshots.ms'],
    rowsBeforeMs: retentionMs === null ? null : nowMs - retentionMs,
  };
}

/**
 * Compacts and expires the tables every now and then, beside their archivers, so that files and snapshots do not pile up. What fails is
 * logged and tried again the next time; what needs a person stays so until then.
 */
export async function keepUpArchive(
  settings: Settings,
  archive: Archive,
  topics: readonly string[],
  io: CommandIo,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  const everyMs = settings['archive.upkeep.ms'];
  while (everyMs > 0 && !signal.aborted) {
    await io.clock.sleep(everyMs, signal);
    for (const topic of topics) {
      if (!signal.aborted) await keepUpTable(settings, archive, topic, io, log, signal);
    }
    if (!signal.aborted) await removeLeftovers(settings, archive, io, log);
  }
}

/** What killed writers left, for which buckets charge: half a file, a part of an upload. */
async function removeLeftovers(
  settings: Settings,
  { store }: Archive,
  io: CommandIo,
  log: Log,
): Promise<void> {
  try {
    await store.removeLeftovers(io.clock.now() - settings['archive.snapshots.ms']);
  } catch (error) {
    if (!(error instanceof JourneyGraphError)) throw error;
    log.warn({ error }, 'What killed writers left in the archive was not removed, and is tried again.');
  }
}

async function keepUpTable(
  settings: Settings,
  archive: Archive,
  topic: string,
  io: CommandIo,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  const table = archive.table(topic);
  try {
    if ((await archive.catalog.load(table.name)) === null) return;
    const nowMs = io.clock.now();
    const [parts, limits] = [compactionParts(archive, table, io), compactionLimits(settings, nowMs)];
    const plan = await planCompaction(parts, limits);
    const compacted = await compact(parts, plan, limits, () => undefined, signal);
    if (signal.aborted) return;
    const keep = expiryLimits(settings, topic, nowMs);
    const expired = await expire(table.table, await planExpiry(table.table, keep), keep);
    const { files, groups } = compacted;
    log.info(
      { topic, filesJoined: files, into: groups, snapshotsExpired: expired.snapshots },
      'The archive was looked after.',
    );
  } catch (error) {
    if (!(error instanceof JourneyGraphError)) throw error;
    log.warn({ topic, error }, 'Compaction and expiry did not come to their end, and are tried again.');
  }
}
