import type { ExportRow } from '../archive/index.ts';
import type { PageEncoder, TableFormat } from '../query-api/index.ts';
import { memberColumns, tableColumns } from './export-columns.ts';
import { tableEncoder } from './export-format.ts';
import { exportRow } from './export-rows.ts';

/** What the API's pages can be asked for beside JSON. */
export function pageEncoders(): readonly PageEncoder[] {
  return [pageEncoder('arrow'), pageEncoder('parquet')];
}

export function pageEncoder(format: TableFormat): PageEncoder {
  const encoder = tableEncoder(format);
  return {
    mime: encoder.mime,
    members: (pages, about) =>
      encoder.encode(
        memberColumns,
        rowsOf(pages, ({ type, id }) => [type, id]),
        about,
      ),
    steps: (pages, about) =>
      encoder.encode(
        tableColumns({ kind: 'steps' }, []),
        rowsOf(pages, (step) => exportRow({ kind: 'step', ...step }, [])),
        about,
      ),
  };
}

async function* rowsOf<T>(
  pages: AsyncIterable<readonly T[]>,
  rowOf: (item: T) => ExportRow,
): AsyncGenerator<readonly ExportRow[]> {
  for await (const page of pages) yield page.map(rowOf);
}
