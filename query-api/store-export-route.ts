import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { JourneyGraphError } from '../foundation/index.ts';
import type { GraphTable, SnapshotFile } from '../graph-store/index.ts';
import { clientGone } from './client-gone.ts';
import type { StoreOperations, TableRequest } from './store-operations.ts';

const namePattern = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;

const mimes: Readonly<Record<TableRequest['format'], string>> = {
  arrow: 'application/vnd.apache.arrow.stream',
  parquet: 'application/vnd.apache.parquet',
};

/** What is asked for, or what is wrong with it. */
export function tableRequestOf(query: URLSearchParams): TableRequest | string {
  const format = query.get('format') ?? 'arrow';
  if (format !== 'arrow' && format !== 'parquet') return '`format` is arrow or parquet.';
  const table = tableOf(query.get('table'), query.get('type'));
  if (typeof table === 'string') return table;
  return { table, format, undeclared: query.get('undeclared') === 'true' };
}

function tableOf(kind: string | null, type: string | null): GraphTable | string {
  if (kind === 'steps') return type === null ? { kind } : '`steps` are of all types: leave `type` out.';
  if (kind !== 'nodes' && kind !== 'edges') return '`table` is nodes, edges or steps.';
  if (type === null || !namePattern.test(type)) return '`type` is the name of a node type or edge type.';
  return { kind, type };
}

/** Streams a table as fast as its client takes it, until that goes away. Its own format says whether it came whole. */
export async function sendTable(
  operations: StoreOperations,
  response: ServerResponse,
  request: TableRequest,
): Promise<void> {
  const gone = clientGone(response);
  await using table = await operations.openTable(request);
  if (gone.aborted) return;
  // A pipeline looks at its client when it has a piece for it, and the first of a rare type may be minutes away.
  gone.addEventListener('abort', () => void table[Symbol.asyncDispose](), { once: true });
  response.writeHead(200, { 'content-type': mimes[request.format] });
  await pipeline(piecesOf(table, gone), response);
}

/** That reading was stopped is no failure where nobody waits for it any more. */
async function* piecesOf(table: SnapshotFile, gone: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    yield* table.bytes();
  } catch (error) {
    if (!(gone.aborted && error instanceof JourneyGraphError)) throw error;
  }
}
