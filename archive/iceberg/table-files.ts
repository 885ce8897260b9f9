import { StopError } from '../../foundation/index.ts';
import type { ObjectStore } from '../object-store.ts';
import { AvroFault } from './avro-datum.ts';
import { isMissing } from './file-catalog.ts';
import { type ManifestEntry, readManifest } from './manifest.ts';
import { manifestDamaged, namingManifest } from './manifest-fault.ts';
import { type ManifestFile, readManifestList } from './manifest-list.ts';
import type { Snapshot } from './table-metadata.ts';
import type { TablePaths } from './table-paths.ts';

const manifestBytesMax = 268_435_456;

/** The manifests of one table, fetched from its store. `location` is its metadata's. */
export class TableFiles {
  readonly store: ObjectStore;
  readonly paths: TablePaths;

  constructor(store: ObjectStore, paths: TablePaths) {
    this.store = store;
    this.paths = paths;
  }

  /** @throws StopError `ARCHIVE_FILE_MISSING`, `MANIFEST_DAMAGED`, `ARCHIVE_PATH_REFUSED`. */
  async manifests(
    snapshot: Snapshot | null,
    location: string,
    signal?: AbortSignal,
  ): Promise<readonly ManifestFile[]> {
    if (snapshot === null) return [];
    const key = this.paths.keyOf(snapshot.manifestList, location);
    const bytes = await this.#bytes(key, null, signal);
    return namingManifest(key, () => readManifestList(bytes));
  }

  /** Entries as they come, with snapshot and sequence numbers that they inherit. */
  async *entries(
    manifest: ManifestFile,
    location: string,
    signal?: AbortSignal,
  ): AsyncGenerator<InheritedEntry> {
    const key = this.paths.keyOf(manifest.path, location);
    if (manifest.keyMetadata !== null)
      throw manifestDamaged(key, 'is encrypted, which is not supported here');
    const bytes = await this.#bytes(key, manifest.bytes, signal);
    const live = { left: liveFiles(manifest) };
    const entries = readManifest(bytes, manifest.specId);
    for (;;) {
      const next = namingManifest(key, () => entries.next());
      if (next.done === true) break;
      if (next.value.status !== 'deleted' && live.left !== null) live.left -= 1;
      yield namingManifest(key, () => inherited(next.value, manifest));
    }
    if (live.left !== null && live.left !== 0)
      throw manifestDamaged(
        key,
        `has ${Math.abs(live.left)} files ${live.left < 0 ? 'more' : 'fewer'} than its list says`,
      );
  }

  async #bytes(key: string, expected: number | null, signal?: AbortSignal): Promise<Uint8Array> {
    try {
      const size = expected ?? (await this.store.size(key, signal));
      if (size > manifestBytesMax) throw manifestDamaged(key, `is larger than ${manifestBytesMax} bytes`);
      const bytes = await this.store.read(key, 0, size + 1, signal);
      if (bytes.length !== size)
        throw manifestDamaged(key, `does not have the ${size} bytes that its list says`);
      return bytes;
    } catch (error) {
      if (isMissing(error)) throw fileMissing(key, error);
      throw error;
    }
  }
}

export interface InheritedEntry extends ManifestEntry {
  readonly snapshotId: bigint;
  readonly sequence: bigint;
  readonly fileSequence: bigint;
}

export function fileMissing(key: string, cause: unknown): StopError {
  return new StopError(
    'ARCHIVE_FILE_MISSING',
    `The archive's file ${key} is not there, but the table has it. It was removed by hand, or its snapshot expired: plan again, or put it back.`,
    { cause },
  );
}

/** Those a snapshot still has. */
function liveFiles(manifest: ManifestFile): number | null {
  const { addedFiles, existingFiles } = manifest;
  return addedFiles === null || existingFiles === null ? null : addedFiles + existingFiles;
}

/** Only what was added by its manifest's own snapshot may leave its number out. */
function inherited(entry: ManifestEntry, manifest: ManifestFile): InheritedEntry {
  // Version 1 knows no sequence numbers: all of them are 0, as its list's.
  const mayInherit = entry.status === 'added' || manifest.sequence === 0n;
  if (entry.sequence === null && !mayInherit)
    throw new AvroFault(`has a file of the status ${entry.status} without a sequence number`);
  return {
    ...entry,
    snapshotId: entry.snapshotId ?? manifest.addedSnapshotId,
    sequence: entry.sequence ?? manifest.sequence,
    fileSequence:
      entry.fileSequence ?? (entry.status === 'added' ? null : entry.sequence) ?? manifest.sequence,
  };
}
