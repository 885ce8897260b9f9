import { type Clock, didYouMean, RefusedError } from '../foundation/index.ts';
import type { EmbeddedStore, GraphTable, SnapshotFile } from '../graph-store/index.ts';
import type { TableRequest } from '../query-api/index.ts';
import type { GraphSchema } from '../schemas/index.ts';
import { propertyColumns } from './export-columns.ts';
import type { ExportOptions } from './export-format.ts';
import { productVersion } from './version.ts';

/** Opens a table of the graph at one position: typed as the mappings in force declare it. Throws RefusedError EXPORT_TYPE_UNKNOWN. */
export async function openExport(
  store: EmbeddedStore,
  { table, format, undeclared }: TableRequest,
  schema: GraphSchema,
  clock: Clock,
): Promise<SnapshotFile> {
  if (!undeclared) checkDeclared(table, schema);
  const options: ExportOptions = {
    format,
    properties: propertyColumns(table, schema),
    about: {
      'journey_graph.table': JSON.stringify(table),
      'journey_graph.taken_at': new Date(clock.now()).toISOString(),
      'journey_graph.version': productVersion(),
    },
  };
  // The published package holds JavaScript, a checkout TypeScript.
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const module = new URL(`./export-thread.${extension}`, import.meta.url).href;
  return await store.openTable(table, { module, options });
}

/** A name that was mistyped would give an empty file. */
function checkDeclared(table: GraphTable, { nodeTypes, edgeTypes }: GraphSchema): void {
  if (table.kind === 'steps') return;
  const names = (table.kind === 'nodes' ? nodeTypes : edgeTypes).map(({ name }) => name);
  if (names.includes(table.type)) return;
  const what = table.kind === 'nodes' ? 'node type' : 'edge type';
  const meant = didYouMean(table.type, names);
  throw new RefusedError(
    'EXPORT_TYPE_UNKNOWN',
    `No mapping in force declares a ${what} ${table.type}${meant}; pass --undeclared to export what is left of a type that no mapping declares any more.`,
  );
}
