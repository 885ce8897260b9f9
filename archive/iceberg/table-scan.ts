import { StopError } from '../../foundation/index.ts';
import type { ArchiveFilter } from '../archive-reader.ts';
import type { DataFile } from './data-file.ts';
import { FilePruning } from './file-pruning.ts';
import { hasLiveFiles, type ManifestFile } from './manifest-list.ts';
import type { RecordColumns } from './raw-columns.ts';
import type { InheritedEntry, TableFiles } from './table-files.ts';
import type { Snapshot, TableMetadata } from './table-metadata.ts';

/** A data file of a snapshot, with what was deleted of it. */
export interface ScannedFile {
  readonly key: string;
  readonly file: DataFile;
  readonly sequence: bigint;
  readonly deletes: readonly { readonly key: string }[];
}

export interface Scan {
  readonly metadata: TableMetadata;
  readonly snapshot: Snapshot | null;
  readonly columns: RecordColumns;
  readonly filter: ArchiveFilter;
}

const entriesMax = 1_000_000;
const deleteFilesMax = 100_000;
/** Of `file_path` in a file of position deletes. */
export const deletedPathId = 2_147_483_546;
export const deletedPositionId = 2_147_483_545;

/** Data files that may hold rows the filter lets through. */
export async function scanTable(
  files: TableFiles,
  scan: Scan,
  signal?: AbortSignal,
): Promise<readonly ScannedFile[]> {
  const { metadata, snapshot, columns, filter } = scan;
  const { location } = metadata;
  const manifests = (await files.manifests(snapshot, location, signal)).filter(hasLiveFiles);
  const deletes = await deleteFiles(files, manifests, location, signal);
  const pruning = new FilePruning(filter, columns, metadata.specs);
  const found: ScannedFile[] = [];
  for (const manifest of manifests) {
    if (manifest.content !== 'data' || !pruning.mayHoldManifest(manifest)) continue;
    for await (const entry of files.entries(manifest, location, signal)) {
      if (entry.status === 'deleted' || !pruning.mayHoldFile(entry.file)) continue;
      const key = files.paths.keyOf(entry.file.path, location);
      checkReadable(entry.file, key);
      if (found.length >= entriesMax) throw tooMany(entriesMax, 'data files');
      const { file, sequence } = entry;
      found.push({ key, file, sequence, deletes: deletesOf(entry, deletes) });
    }
  }
  return found;
}

interface DeleteFile {
  readonly key: string;
  readonly entry: InheritedEntry;
}

async function deleteFiles(
  files: TableFiles,
  manifests: readonly ManifestFile[],
  location: string,
  signal?: AbortSignal,
): Promise<readonly DeleteFile[]> {
  const found: DeleteFile[] = [];
  for (const manifest of manifests) {
    if (manifest.content !== 'deletes') continue;
    for await (const entry of files.entries(manifest, location, signal)) {
      if (entry.status === 'deleted') continue;
      const key = files.paths.keyOf(entry.file.path, location);
      if (entry.file.content === 'equality-deletes') throw equalityDeletes(key);
      checkReadable(entry.file, key);
      if (found.length >= deleteFilesMax) throw tooMany(deleteFilesMax, 'files of deletes');
      found.push({ key, entry });
    }
  }
  return found;
}

/** Deletes apply to files as old as they are, or older. */
function deletesOf(
  data: InheritedEntry,
  deletes: readonly DeleteFile[],
): readonly { readonly key: string }[] {
  const applying = deletes.filter(
    ({ entry }) => entry.sequence >= data.sequence && mayName(entry.file, data.file.path),
  );
  return applying.map(({ key }) => ({ key }));
}

/** Most files of deletes are about one data file, and their bounds say so; those are cut short for long paths. */
function mayName(deletes: DataFile, path: string): boolean {
  const lower = deletes.lower?.get(deletedPathId);
  const upper = deletes.upper?.get(deletedPathId);
  if (lower === undefined || upper === undefined) return true;
  const bytes = Buffer.from(path);
  return Buffer.compare(lower, bytes) <= 0 && Buffer.compare(bytes, upper) <= 0;
}

function checkReadable(file: DataFile, key: string): void {
  if (file.keyMetadata !== null) throw dataFileUnsupported(key, 'is encrypted');
  if (file.format !== 'PARQUET') throw dataFileUnsupported(key, `is ${file.format.slice(0, 40)}`);
}

export function dataFileUnsupported(key: string, what: string): StopError {
  return new StopError(
    'DATA_FILE_UNSUPPORTED',
    `The data file ${key} ${what}, and only plain Parquet with field ids is read. Rewrite it in its table.`,
  );
}

function equalityDeletes(key: string): StopError {
  return new StopError(
    'ICEBERG_EQUALITY_DELETES',
    `Rows of the table were deleted by value, in ${key}, which is not read here: without it they would come back. Compact the table with its writer (rewrite_data_files) first.`,
  );
}

function tooMany(max: number, what: string): StopError {
  return new StopError(
    'TABLE_TOO_LARGE',
    `The plan has more than ${max} ${what}: narrow its filter, or compact the table.`,
  );
}
