import {
  type Column,
  type ColumnValues,
  createParquet,
  currentSchema,
  type DataFile,
  dataFileOf,
  dayText,
  eventColumnsOf,
  type IcebergTable,
  type ObjectStore,
  openParquet,
  type ParquetSink,
  rawColumns,
  type TableMetadata,
  type TablePaths,
} from '../../archive/index.ts';
import { BadDataError, type Clock, JourneyGraphError, must, StopError } from '../../foundation/index.ts';
import { type ArchivedFile, archivedFile } from './archived-file.ts';

export interface CompactionParts {
  readonly table: IcebergTable;
  readonly store: ObjectStore;
  readonly paths: TablePaths;
  readonly folder: string;
  readonly newUuid: () => string;
  readonly clock: Pick<Clock, 'now'>;
}

export interface CompactionLimits {
  /** Files are joined up to so many bytes. */
  readonly bytesMax: number;
  /** Files written after it are left: a writer may still be at their day. */
  readonly olderThanMs: number;
  readonly rowGroupRows: number;
}

export interface CompactionPlan {
  /** Whose rows are to be in one file each. */
  readonly groups: readonly (readonly ArchivedFile[])[];
  readonly snapshotId: bigint | null;
  /** Why nothing is done; null when there is no reason against it. */
  readonly refusal: string | null;
}

export interface CompactionReport {
  readonly groups: number;
  readonly files: number;
  readonly rows: number;
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  /** Groups that somebody else changed meanwhile: for the next time. */
  readonly conflicts: number;
}

const offsetColumn = must(
  rawColumns.find((column) => column.name === 'offset'),
  'records have offsets',
);
/** A file that is nearly large enough is not worth its rewriting. */
const largeShare = 0.75;

/** Which small files lie beside each other: of one partition, one life of the topic in one cluster and one day. */
export async function planCompaction(
  parts: CompactionParts,
  limits: CompactionLimits,
): Promise<CompactionPlan> {
  const { table, store, paths, folder } = parts;
  const { files, snapshotId, hasDeletes } = await table.files();
  if (hasDeletes) {
    const refusal = 'another writer deleted rows of it; let that writer rewrite its files first';
    return { groups: [], snapshotId, refusal };
  }
  const { metadata } = await table.load();
  const modified = new Map<string, number>();
  for await (const { key, modifiedMs } of store.list(`${folder}/data/`)) modified.set(key, modifiedMs);
  const isOld = (file: DataFile): boolean =>
    (modified.get(paths.keyOf(file.path, metadata.location)) ?? Number.POSITIVE_INFINITY) <
    limits.olderThanMs;
  const byPlace = new Map<string, ArchivedFile[]>();
  for (const file of files) {
    const archived = archivedFile(file);
    if (archived === null) continue;
    const { cluster, topicId, partition, day } = archived;
    const place = JSON.stringify([cluster, topicId, partition, day]);
    byPlace.set(place, [...(byPlace.get(place) ?? []), archived]);
  }
  const groups = [...byPlace.values()].flatMap((place) => groupsOf(place, limits.bytesMax, isOld));
  return { groups, snapshotId, refusal: null };
}

function groupsOf(
  place: readonly ArchivedFile[],
  bytesMax: number,
  isOld: (file: DataFile) => boolean,
): readonly (readonly ArchivedFile[])[] {
  const sorted = place.toSorted((a, b) => (a.firstOffset < b.firstOffset ? -1 : 1));
  const groups: ArchivedFile[][] = [];
  let group: ArchivedFile[] = [];
  let bytes = 0;
  const end = (): void => {
    if (group.length > 1) groups.push(group);
    group = [];
    bytes = 0;
  };
  let last = -1n;
  for (const each of sorted) {
    const isApart = each.firstOffset > last;
    last = each.lastOffset > last ? each.lastOffset : last;
    const { file } = each;
    // Rows of one file go before those of the next: where two lie across each other, neither is touched.
    if (!isApart) {
      group.pop();
      end();
      continue;
    }
    if (file.bytes >= bytesMax * largeShare || !isOld(file)) {
      end();
      continue;
    }
    if (bytes + file.bytes > bytesMax) end();
    group.push(each);
    bytes += file.bytes;
  }
  end();
  return groups;
}

/** Rewrites the groups of a plan, each with a commit of its own. */
export async function compact(
  parts: CompactionParts,
  plan: CompactionPlan,
  limits: CompactionLimits,
  onRows: (rows: number) => void,
  signal: AbortSignal,
): Promise<CompactionReport> {
  let report = { groups: 0, files: 0, rows: 0, bytesBefore: 0, bytesAfter: 0, conflicts: 0 };
  for (const group of plan.groups) {
    if (signal.aborted) break;
    const { metadata } = await parts.table.load();
    const writtenFromMs = parts.clock.now();
    const rewrite = new GroupRewrite(parts, metadata, group, limits.rowGroupRows);
    const added = await rewrite.write((rows) => onRows(report.rows + rows), signal);
    if (added === null) break;
    try {
      const removed = group.map(({ file }) => file);
      const plannedAt = must(plan.snapshotId, 'there are files');
      await parts.table.replace(removed, [added], plannedAt, writtenFromMs);
    } catch (error) {
      if (!(error instanceof JourneyGraphError) || error.code !== 'REPLACE_CONFLICT') throw error;
      await parts.store.remove(rewrite.key);
      report = { ...report, conflicts: report.conflicts + 1 };
      continue;
    }
    report = {
      ...report,
      groups: report.groups + 1,
      files: report.files + group.length,
      rows: report.rows + added.rows,
      bytesBefore: report.bytesBefore + group.reduce((sum, { file }) => sum + file.bytes, 0),
      bytesAfter: report.bytesAfter + added.bytes,
    };
  }
  return report;
}

class GroupRewrite {
  readonly key: string;
  readonly #parts: CompactionParts;
  readonly #location: string;
  readonly #group: readonly ArchivedFile[];
  readonly #columns: readonly Column[];
  readonly #rowGroupRows: number;
  readonly #first: ArchivedFile;
  #rows = 0;
  #sum = 0n;
  #last = -1n;

  constructor(
    parts: CompactionParts,
    metadata: TableMetadata,
    group: readonly ArchivedFile[],
    rowGroupRows: number,
  ) {
    this.#parts = parts;
    this.#location = metadata.location;
    this.#group = group;
    this.#rowGroupRows = rowGroupRows;
    const isRaw = new Set(rawColumns.map((column) => column.id));
    const raw = currentSchema(metadata).columns.filter((column) => isRaw.has(column.id));
    this.#columns = [...raw, ...eventColumnsOf(metadata)];
    this.#first = must(group[0], 'a group has files');
    const { partition, firstOffset, day } = this.#first;
    const base = `${partition}-${firstOffset}-${parts.newUuid()}.parquet`;
    this.key = `${parts.folder}/data/timestamp_day=${dayText(day)}/${base}`;
  }

  /** Null: it was told to end, and left nothing. */
  async write(onRows: (rows: number) => void, signal: AbortSignal): Promise<DataFile | null> {
    const sink = createParquet({
      store: this.#parts.store,
      key: this.key,
      columns: this.#columns,
      limits: { rowGroupRows: this.#rowGroupRows, rowGroupBytes: 64 * 2 ** 20 },
      unique: new Set([7]),
    });
    try {
      for (const { file } of this.#group) {
        if (!signal.aborted) await this.#copy(file, sink, onRows, signal);
      }
      if (signal.aborted) {
        await sink.abort();
        return null;
      }
      const { cluster, topicId, partition, day } = this.#first;
      const constants = new Map<number, string | number>([
        [2, partition],
        [12, topicId],
        ...(cluster === null ? [] : [[13, cluster] as const]),
      ]);
      const written = dataFileOf(await sink.finish(), this.#parts.paths.uriOf(this.key), day, constants);
      await this.#verify(written);
      return written;
    } catch (error) {
      await sink.abort();
      await this.#parts.store.remove(this.key);
      throw error;
    }
  }

  async #copy(
    file: DataFile,
    sink: ParquetSink,
    onRows: (rows: number) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const { store, paths } = this.#parts;
    const key = paths.keyOf(file.path, this.#location);
    const opened = await openParquet(store, key, { bytes: file.bytes, rows: file.rows });
    for (const index of opened.groups.keys()) {
      if (signal.aborted) return;
      const batch = await opened.read(index, this.#columns);
      for (const offset of offsetsOf(batch.columns.get(offsetColumn.id))) {
        if (offset <= this.#last) throw this.#differs(key, 'has offsets out of order');
        this.#last = offset;
        this.#sum += offset;
      }
      this.#rows += batch.rows;
      await sink.append(batch);
      onRows(this.#rows);
    }
  }

  /** Read again before anything rests on it: what it replaces is gone some days later. */
  async #verify(written: DataFile): Promise<void> {
    const opened = await openParquet(this.#parts.store, this.key, {
      bytes: written.bytes,
      rows: written.rows,
    });
    let sum = 0n;
    let rows = 0;
    for (const index of opened.groups.keys()) {
      const batch = await opened.read(index, [offsetColumn]);
      for (const offset of offsetsOf(batch.columns.get(offsetColumn.id))) sum += offset;
      rows += batch.rows;
    }
    if (rows !== this.#rows || sum !== this.#sum)
      throw this.#differs(this.key, 'does not hold the rows it was made of');
  }

  #differs(key: string, what: string): StopError {
    return new StopError(
      'COMPACTION_DIFFERS',
      `The file ${key} ${what}. Nothing was replaced; see whether the archive's disk is sound.`,
    );
  }
}

function* offsetsOf(values: ColumnValues | undefined): Generator<bigint> {
  for (const value of values ?? []) {
    if (typeof value !== 'bigint') throw new BadDataError('PARQUET_DAMAGED', 'A row has no offset.');
    yield value;
  }
}
