import type { ExportRow } from '../archive/index.ts';
import { assert } from '../foundation/index.ts';
import { encodeSource, type GraphTableRow, serveTable } from '../graph-store/index.ts';
import { type PropertyColumn, tableColumns } from './export-columns.ts';
import { type ExportOptions, tableEncoder } from './export-format.ts';
import { exportRow } from './export-rows.ts';

/** The entry of a thread that reads a table of the graph and makes its file: started by `export-table.ts`, never imported. */
await serveTable(({ table, sources, pages }, options) => {
  assert(isExportOptions(options), 'an export says how it is written');
  const { format, properties, about } = options;
  return tableEncoder(format).encode(tableColumns(table, properties), rowsOf(pages, properties), {
    ...about,
    'journey_graph.positions': JSON.stringify(sources.map(encodeSource)),
  });
});

function isExportOptions(options: unknown): options is ExportOptions {
  return typeof options === 'object' && options !== null && 'format' in options && 'properties' in options;
}

async function* rowsOf(
  pages: AsyncIterable<readonly GraphTableRow[]>,
  properties: readonly PropertyColumn[],
): AsyncGenerator<readonly ExportRow[]> {
  for await (const page of pages) yield page.map((row) => exportRow(row, properties));
}
