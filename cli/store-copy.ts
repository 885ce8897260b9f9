import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Settings, settingSpecs, showSettings } from '../config/index.ts';
import { OutageError, StopError } from '../foundation/index.ts';
import {
  encodeSource,
  type SnapshotFooter,
  type SnapshotHeader,
  type SourceJson,
  summaryOf,
} from '../graph-store/index.ts';
import { type CommandIo, printable } from './command-io.ts';
import { makeDataFolder } from './data-folder.ts';
import type { ProgressLine } from './progress-line.ts';
import { restoreInto, type StorePlace, withSnapshotOf, withStoreAt } from './store-place.ts';
import { openSnapshot, saveSnapshot } from './store-snapshot-file.ts';

export interface CopyRequest {
  readonly from: StorePlace;
  readonly to: StorePlace;
  /** Where the snapshot lies between the two; null: below the current folder, by a name that follows from both places. */
  readonly file: string | null;
}

export interface Copied {
  readonly file: string;
  /** True when an earlier attempt had taken the snapshot. */
  readonly resumed: boolean;
  readonly takenAtMs: number;
  readonly footer: SnapshotFooter;
  readonly sources: readonly SourceJson[];
}

/** The same one for the same places, so that an attempt finds what the one before it left. */
export function copyFileOf({ from, to, file }: CopyRequest, settings: Settings): string {
  if (file !== null) return file;
  const place = (one: StorePlace): string =>
    one.kind === 'folder' ? resolve(one.data) : `${one.text} ${sharedAddress(one, settings)}`;
  const digest = createHash('sha256')
    .update(`${place(from)}\0${place(to)}`)
    .digest('hex');
  return `journey-graph-copy-${digest.slice(0, 12)}.jgsnapshot`;
}

/** What the settings say of where such a store is, secrets apart. */
function sharedAddress(place: StorePlace, settings: Settings): string {
  if (place.kind !== 'shared') return '';
  // Where it is, not how it is asked: the same copy may go on with more connections.
  const about = showSettings({ settings, origins: new Map() }).filter(
    ({ name }) => name.startsWith(`${place.store}.`) && settingSpecs.get(name)?.kind === 'text',
  );
  return JSON.stringify(about.map(({ name, value }) => [name, value]));
}

/**
 * Copies a graph with its positions: first into a snapshot file, which stays until all is done and is what an interrupted copy goes on
 * with; then into the target, which goes on behind the rows that it has, and does nothing once it has all; then reads the target and compares the digests.
 */
export async function copyStore(
  request: CopyRequest,
  settings: Settings,
  io: CommandIo,
  progress: ProgressLine,
): Promise<Copied> {
  const file = copyFileOf(request, settings);
  const resumed = existsSync(file);
  if (!resumed) {
    await withSnapshotOf(request.from, settings, io, async (bytes) => {
      const { reader } = await saveSnapshot(file, bytes, io, progress);
      await reader.close();
    });
  }
  const { footer, header } = await skimmed(file);
  if (resumed) tellOfEarlier(file, header.takenAtMs, request.from, io);
  await write(request.to, file, idOf(header, footer), settings, io, progress);
  await checkCopy(request.to, footer, settings, io, progress);
  return {
    file,
    resumed,
    takenAtMs: header.takenAtMs,
    footer,
    sources: header.sources.map(encodeSource),
  };
}

/** Else a copy that was left half done some days ago would pass for one of today. */
function tellOfEarlier(file: string, takenAtMs: number, from: StorePlace, io: CommandIo): void {
  const takenAt = new Date(takenAtMs).toISOString();
  io.err(
    `Going on with ${printable(file)}, in which an earlier copy put ${printable(from.text)} as it was at ${takenAt}: remove that file to copy it as it is now.\n`,
  );
}

export async function removeCopyFile(file: string): Promise<void> {
  await rm(file, { force: true });
}

interface Skimmed {
  readonly header: SnapshotHeader;
  readonly footer: SnapshotFooter;
}

/** Checks the file by its checksums; throws what `SnapshotReader` does. */
export async function skimmed(file: string): Promise<Skimmed> {
  const reader = await openSnapshot(file);
  try {
    return { header: reader.header, footer: await reader.skim() };
  } finally {
    await reader.close();
  }
}

/** Two snapshots differ in it unless one is a copy of the other. */
function idOf(header: SnapshotHeader, { digest, rows }: SnapshotFooter): string {
  const positions = header.sources.map(({ source, epoch, next }) => [
    source.topicId,
    source.partition,
    epoch,
    String(next),
  ]);
  const about = JSON.stringify([header.takenAtMs, digest, rows, positions]);
  return createHash('sha256').update(about).digest('hex').slice(0, 32);
}

async function write(
  to: StorePlace,
  file: string,
  id: string,
  settings: Settings,
  io: CommandIo,
  progress: ProgressLine,
): Promise<void> {
  if (to.kind === 'folder') await makeDataFolder(to.data);
  const reader = await openSnapshot(file);
  try {
    const { sources, timeToLive } = reader.header;
    const rows = (): AsyncIterable<readonly [Buffer, Buffer]> =>
      followed(reader.rows(), 'Writing', io, progress);
    await restoreInto(to, { id, sources, timeToLive, rows }, settings, io);
  } finally {
    await reader.close();
  }
}

/**
 * Reads the whole store of a place.
 *
 * @throws StopError `STORE_COPY_DIFFERS` when it is not what was copied.
 */
export async function checkCopy(
  to: StorePlace,
  wanted: Pick<SnapshotFooter, 'digest' | 'rows'>,
  settings: Settings,
  io: CommandIo,
  progress: ProgressLine,
): Promise<void> {
  const found = await withStoreAt(to, settings, io, null, async (store) => {
    await using snapshot = await store.snapshot();
    return await summaryOf(followed(snapshot.rows(), 'Reading it back', io, progress));
  });
  if (found.digest === wanted.digest) return;
  throw new StopError(
    'STORE_COPY_DIFFERS',
    `What ${to.text} holds now is not what was copied: digest ${found.digest} of ${found.rows} rows instead of ${wanted.digest} of ${wanted.rows}. Let nothing use it; remove it and copy again, and report this if nobody else wrote into it.`,
  );
}

const rowsBetweenLooks = 1024;

async function* followed(
  rows: AsyncIterable<readonly [Buffer, Buffer]>,
  what: string,
  io: CommandIo,
  progress: ProgressLine,
): AsyncGenerator<readonly [Buffer, Buffer]> {
  let count = 0;
  for await (const row of rows) {
    if (count % rowsBetweenLooks === 0) {
      if (io.signal.aborted) {
        const message = 'Copying was interrupted; the same command goes on where it was.';
        throw new OutageError('INTERRUPTED', message);
      }
      progress.showRows(what, count);
    }
    count += 1;
    yield row;
  }
}
