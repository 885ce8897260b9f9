import type { PlannedFile } from '../archive-reader.ts';
import type { Column, ColumnBatch } from '../columns.ts';
import type { ArchiveFile } from './archive-file.ts';
import type { DataFile } from './data-file.ts';
import { fileRange } from './file-pruning.ts';
import type { RecordColumns } from './raw-columns.ts';
import { dataFileUnsupported, type ScannedFile } from './table-scan.ts';

/** One topic's partition in one file, which may hold several of them when another writer made it. */
interface Share {
  readonly topicId: string;
  readonly partition: number;
  readonly firstOffset: bigint;
  readonly lastOffset: bigint;
}

/** What a plan says of scanned files: from the manifest's bounds, and where they do not say it, from the files themselves. */
export class PlannedFiles {
  readonly #columns: RecordColumns;
  readonly #open: ArchiveFile;

  constructor(columns: RecordColumns, open: ArchiveFile) {
    this.#columns = columns;
    this.#open = open;
  }

  async of(scanned: ScannedFile, signal?: AbortSignal): Promise<readonly PlannedFile[]> {
    const { key, file, sequence, deletes } = scanned;
    if (file.rows === 0) return [];
    const share = this.#fromBounds(file);
    const shares = share === null ? await this.#fromRows(scanned, signal) : [share];
    return shares.map((each) => ({ key, bytes: file.bytes, rows: file.rows, ...each, deletes, sequence }));
  }

  #fromBounds(file: DataFile): Share | null {
    const { offset, partition, topicId } = this.#columns;
    const offsets = fileRange(file, offset);
    const partitions = fileRange(file, partition);
    const topic = topicId === null ? '' : constantText(file, topicId);
    if (offsets === null || partitions === null || topic === null || partitions.min !== partitions.max)
      return null;
    return {
      topicId: topic,
      partition: Number(partitions.min),
      firstOffset: offsets.min,
      lastOffset: offsets.max,
    };
  }

  async #fromRows(scanned: ScannedFile, signal?: AbortSignal): Promise<readonly Share[]> {
    const { key, file } = scanned;
    const opened = await this.#open.open({ key, bytes: file.bytes, rows: file.rows }, signal);
    const { offset, partition, topicId } = this.#columns;
    const wanted: Column[] = topicId === null ? [offset, partition] : [offset, partition, topicId];
    const shares = new Map<string, Share>();
    for (let group = 0; group < opened.groups.length; group += 1)
      this.#addShares(shares, await opened.read(group, wanted, signal));
    const found = [...shares.values()];
    if (new Set(found.map((share) => share.topicId)).size > 1)
      throw dataFileUnsupported(key, 'holds rows of several topics');
    return found;
  }

  #addShares(shares: Map<string, Share>, batch: ColumnBatch): void {
    const { columns, rows } = batch;
    const offsets = columns.get(this.#columns.offset.id);
    const partitions = columns.get(this.#columns.partition.id);
    const topics = this.#columns.topicId === null ? undefined : columns.get(this.#columns.topicId.id);
    for (let row = 0; row < rows; row += 1) {
      const at = BigInt(String(offsets?.[row]));
      const partition = Number(partitions?.[row]);
      const topicId = String(topics?.[row] ?? '');
      const share = shares.get(`${partition}/${topicId}`) ?? {
        topicId,
        partition,
        firstOffset: at,
        lastOffset: at,
      };
      const firstOffset = at < share.firstOffset ? at : share.firstOffset;
      const lastOffset = at > share.lastOffset ? at : share.lastOffset;
      shares.set(`${partition}/${topicId}`, { ...share, firstOffset, lastOffset });
    }
  }
}

/** Bounds of a text may be cut short, and then the upper one is greater: equal ones are the text itself. */
function constantText(file: DataFile, column: Column): string | null {
  const lower = file.lower?.get(column.id);
  const upper = file.upper?.get(column.id);
  if (lower === undefined || upper === undefined || Buffer.compare(lower, upper) !== 0) return null;
  return Buffer.from(lower).toString('utf8');
}

export function byPlace(a: PlannedFile, b: PlannedFile): number {
  if (a.topicId !== b.topicId) return a.topicId < b.topicId ? -1 : 1;
  if (a.partition !== b.partition) return a.partition - b.partition;
  if (a.firstOffset !== b.firstOffset) return a.firstOffset < b.firstOffset ? -1 : 1;
  return a.key < b.key ? -1 : 1;
}
