import type {
  ArchiveBatch,
  ArchiveFilter,
  ArchiveReader,
  ArchiveRow,
  PlannedFile,
} from '../../archive/index.ts';
import { must, RefusedError } from '../../foundation/index.ts';

export interface MemoryFile {
  readonly key: string;
  readonly partition: number;
  readonly topicId?: string;
  readonly sequence?: bigint;
  readonly rows: readonly ArchiveRow[];
  /** What its manifest says otherwise. */
  readonly said?: Partial<PlannedFile>;
}

/** Rows in memory as the files of an archive, in row groups; it throws where a test says so. */
export class MemoryArchive implements ArchiveReader {
  readonly files_: MemoryFile[];
  readonly groupRows: number;
  /** Called before each batch. */
  fault: (key: string, row: number) => void = () => undefined;
  /** Files open now, and the most there were. */
  open = 0;
  openMost = 0;

  constructor(files: readonly MemoryFile[], groupRows = 50) {
    this.files_ = [...files];
    this.groupRows = groupRows;
  }

  async files(filter: ArchiveFilter): Promise<readonly PlannedFile[]> {
    return this.files_.map(plannedFile).filter((file, i) => {
      const { rows } = must(this.files_[i], 'it was listed');
      if (filter.partitions !== null && !filter.partitions.includes(file.partition)) return false;
      if (filter.fromOffset !== undefined && file.lastOffset < filter.fromOffset) return false;
      return (filter.fromMs === null && filter.untilMs === null) || rows.some((row) => passes(row, filter));
    });
  }

  async *rows(file: PlannedFile, from: bigint, filter: ArchiveFilter): AsyncIterable<ArchiveBatch> {
    const found = this.files_.find(({ key }) => key === file.key);
    if (found === undefined) throw new RefusedError('OBJECT_MISSING', `There is no ${file.key}.`);
    this.open += 1;
    this.openMost = Math.max(this.openMost, this.open);
    try {
      for (let start = 0; start < found.rows.length; start += this.groupRows) {
        this.fault(file.key, start);
        const group = found.rows.slice(start, start + this.groupRows);
        const read = group.filter(({ offset }) => offset >= from);
        if (read.length === 0) continue;
        const rows = read.filter((row) => passes(row, filter));
        const place = {
          file: file.key,
          group: start / this.groupRows,
          row: start + group.length - read.length,
        };
        yield { rows, outside: read.length - rows.length, place };
      }
    } finally {
      this.open -= 1;
    }
  }

  async size(key: string): Promise<number> {
    const found = this.files_.find((file) => file.key === key);
    if (found === undefined) throw new RefusedError('OBJECT_MISSING', `There is no ${key}.`);
    return plannedFile(found).bytes;
  }
}

function plannedFile({ key, partition, topicId, sequence, rows, said }: MemoryFile): PlannedFile {
  const bytes = rows.reduce(
    (sum, { value, key: rowKey }) => sum + (value?.length ?? 0) + (rowKey?.length ?? 0),
    0,
  );
  return {
    ...{ key, partition, bytes, rows: rows.length, deletes: [] },
    topicId: topicId ?? 'archived',
    firstOffset: rows[0]?.offset ?? 0n,
    lastOffset: rows.at(-1)?.offset ?? 0n,
    sequence: sequence ?? 0n,
    ...said,
  };
}

function passes(
  { timestampMs, offset }: ArchiveRow,
  { fromMs, untilMs, fromOffset }: ArchiveFilter,
): boolean {
  if (fromOffset !== undefined && offset < fromOffset) return false;
  if (fromMs === null && untilMs === null) return true;
  return timestampMs >= 0 && timestampMs >= (fromMs ?? 0) && timestampMs < (untilMs ?? Infinity);
}
