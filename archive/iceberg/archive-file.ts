import type { ParquetExpectations, ParquetFile } from '../parquet/parquet-file.ts';
import { isMissing } from './file-catalog.ts';
import { fileMissing } from './table-files.ts';
import { dataFileUnsupported } from './table-scan.ts';

/** Opens a Parquet file of the table's store. */
export type OpenParquet = (
  key: string,
  expected: ParquetExpectations,
  signal?: AbortSignal,
) => Promise<ParquetFile>;

/** Opens data files of one table, and makes sure that they are what its manifests say. */
export class ArchiveFile {
  readonly #open: OpenParquet;
  readonly #idOf: ((path: readonly string[]) => number | null) | null;

  /** `idOf` is the table's name mapping, for files that have no field ids. */
  constructor(open: OpenParquet, idOf: ((path: readonly string[]) => number | null) | null) {
    this.#open = open;
    this.#idOf = idOf;
  }

  /** @throws StopError `ARCHIVE_FILE_MISSING`, `DATA_FILE_UNSUPPORTED`; BadDataError `PARQUET_DAMAGED`. */
  async open(
    said: { readonly key: string; readonly bytes?: number; readonly rows?: number },
    signal?: AbortSignal,
  ): Promise<ParquetFile> {
    const { key, ...counts } = said;
    const expected = this.#idOf === null ? counts : { ...counts, idOf: this.#idOf };
    try {
      const file = await this.#open(key, expected, signal);
      if (file.fieldIds.size === 0) throw dataFileUnsupported(key, 'has no field ids');
      return file;
    } catch (error) {
      if (isMissing(error)) throw fileMissing(key, error);
      throw error;
    }
  }
}
