import { Message } from 'apache-arrow';
import { BadDataError, JourneyGraphError } from '../foundation/index.ts';
import { arrowMessages } from './arrow-messages.ts';
import type { ObjectStore } from './object-store.ts';
import { readFooter } from './parquet/footer.ts';
import type { TableNotes } from './table-encoder.ts';

export interface TableSummary {
  readonly bytes: number;
  readonly rows: number;
  readonly about: TableNotes;
}

const arrowHeadPrefix = 8;

/** What a table that an encoder wrote says of itself. Throws BadDataError TABLE_DAMAGED when it did not come whole. */
export async function readTableSummary(
  store: ObjectStore,
  key: string,
  format: 'arrow' | 'parquet',
): Promise<TableSummary> {
  const bytes = await store.size(key);
  try {
    const found = format === 'arrow' ? await ofArrow(store, key, bytes) : await ofParquet(store, key, bytes);
    return { bytes, ...found };
  } catch (cause) {
    if (cause instanceof JourneyGraphError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new BadDataError('TABLE_DAMAGED', `The table ${key} is not whole: ${reason}.`, { cause });
  }
}

async function ofArrow(
  store: ObjectStore,
  key: string,
  bytes: number,
): Promise<Pick<TableSummary, 'rows' | 'about'>> {
  let rows = 0;
  let about: TableNotes = {};
  for await (const message of arrowMessages(store, key, bytes, undefined)) {
    rows += message.rows;
    if (message.kind !== 'schema') continue;
    const decoded = Message.decode(message.head.subarray(arrowHeadPrefix));
    if (decoded.isSchema()) about = Object.fromEntries(decoded.header().metadata);
  }
  return { rows, about };
}

async function ofParquet(
  store: ObjectStore,
  key: string,
  bytes: number,
): Promise<Pick<TableSummary, 'rows' | 'about'>> {
  const footer = await readFooter(store, key, bytes, undefined);
  const kept = (footer.key_value_metadata ?? []).map(({ key: name, value = '' }) => [name, value] as const);
  return { rows: Number(footer.num_rows), about: Object.fromEntries(kept) };
}
