import { assert } from '../foundation/index.ts';
import type { EncodeTable } from './graph-table.ts';
import type { Level } from './level.ts';
import type { InspectionOrder, InspectionReply } from './leveldb-inspection-protocol.ts';
import { serveInspection } from './leveldb-inspection-serving.ts';
import { levelSources } from './leveldb-snapshot.ts';
import { LevelTableRows } from './leveldb-table-rows.ts';
import { Expiry } from './time-to-live.ts';

/** What the module does that a {@link GraphTableEncoding} names, as the entry of a thread: reads a table and makes its bytes there. */
export async function serveTable(encode: EncodeTable): Promise<void> {
  await serveInspection((level, order, signal) => tableOf(level, order, encode, signal));
}

async function* tableOf(
  level: Level,
  { job }: InspectionOrder,
  encode: EncodeTable,
  signal: AbortSignal,
): AsyncGenerator<InspectionReply> {
  assert(job.kind === 'table', 'this thread writes tables');
  const { table, encoding, timeToLive, nowMs } = job;
  await using snapshot = level.snapshot();
  const sources = await levelSources(level, snapshot);
  yield { kind: 'ready' };
  const pages = new LevelTableRows(level, snapshot, new Expiry(timeToLive, nowMs)).pages(table, signal);
  for await (const bytes of encode({ table, sources, pages }, encoding.options))
    yield { kind: 'bytes', bytes };
}
