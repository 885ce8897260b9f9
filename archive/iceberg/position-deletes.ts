import type { Column } from '../columns.ts';
import type { ParquetFile } from '../parquet/parquet-file.ts';
import { deletedPathId, deletedPositionId } from './table-scan.ts';

const pathColumn: Column = { id: deletedPathId, name: 'file_path', required: true, type: { kind: 'string' } };
const positionColumn: Column = { id: deletedPositionId, name: 'pos', required: true, type: { kind: 'long' } };

/** Positions of one data file's rows, from the file's start, that a file of deletes takes away. */
export async function addDeletedRows(
  deletes: ParquetFile,
  isOfFile: (path: string) => boolean,
  deleted: Set<number>,
  signal?: AbortSignal,
): Promise<void> {
  for (let group = 0; group < deletes.groups.length; group += 1) {
    const { columns, rows } = await deletes.read(group, [pathColumn, positionColumn], signal);
    const paths = columns.get(deletedPathId);
    const positions = columns.get(deletedPositionId);
    // Sorted by path, so the same one comes many times over.
    let path: unknown = null;
    let isWanted = false;
    for (let row = 0; row < rows; row += 1) {
      if (paths?.[row] !== path) {
        path = paths?.[row];
        isWanted = typeof path === 'string' && isOfFile(path);
      }
      if (isWanted) deleted.add(Number(positions?.[row]));
    }
  }
}
