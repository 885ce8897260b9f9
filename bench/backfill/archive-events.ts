import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Column, ColumnBatch, ColumnValues } from '../../archive/columns.ts';
import { CatalogTable } from '../../archive/iceberg/catalog-table.ts';
import { type DataFile, dataFileOf } from '../../archive/iceberg/data-file.ts';
import { FileCatalog } from '../../archive/iceberg/file-catalog.ts';
import { randomIds } from '../../archive/iceberg/id-source.ts';
import { dayText, partitionDay } from '../../archive/iceberg/partition-day.ts';
import { rawColumns, topicProperty } from '../../archive/iceberg/raw-columns.ts';
import { newTableMetadata } from '../../archive/iceberg/table-creation.ts';
import { TablePaths } from '../../archive/iceberg/table-paths.ts';
import { LocalObjectStore, openParquet } from '../../archive/index.ts';
import { createParquet } from '../../archive/parquet/parquet-writer.ts';
import { systemClock } from '../../foundation/index.ts';
import { AvroSchema } from '../../schemas/index.ts';
import type { BenchEvent } from '../ingest/playback-events.ts';

/** Where it goes: `<folder>/<table>`, as a table of ours. */
export interface ArchiveTarget {
  readonly folder: string;
  readonly table: string;
  readonly topic: string;
  readonly schema: { readonly id: number; readonly text: string };
  readonly partitions: number;
  readonly rowsPerFile: number;
  readonly rowGroupRows: number;
}

const topicId = 'YmVuY2gtYXJjaGl2ZWQtdG9w';
const cluster = 'bench-cluster';
const frameBytes = 5;

/** What SQL sees of an event beside its bytes: all that rivals need for the same edges. */
const eventColumns: readonly Column[] = [
  { id: 1_000, name: 'event_id', required: false, type: { kind: 'string' } },
  { id: 1_001, name: 'occurred_at', required: false, type: { kind: 'long' } },
  { id: 1_002, name: 'account_id', required: false, type: { kind: 'string' } },
  { id: 1_003, name: 'title_id', required: false, type: { kind: 'string' } },
  { id: 1_004, name: 'title_name', required: false, type: { kind: 'string' } },
  { id: 1_005, name: 'device_id', required: false, type: { kind: 'string' } },
  { id: 1_006, name: 'seconds', required: false, type: { kind: 'long' } },
  { id: 1_007, name: 'completion', required: false, type: { kind: 'double' } },
  { id: 1_008, name: 'reason', required: false, type: { kind: 'string' } },
];

interface Decoded {
  readonly eventId: string;
  readonly occurredAt: bigint;
  readonly accountId: string;
  readonly title: { readonly id: string; readonly name: string };
  readonly device: { readonly id: string };
  readonly seconds: bigint;
  readonly completion: number;
  readonly reason: string;
}

/** Writes the events, dealt to partitions in turn, as a table of the archive; one commit. Says how many bytes its files have. */
export async function archiveEvents(
  target: ArchiveTarget,
  count: number,
  next: (index: number) => BenchEvent,
): Promise<{ readonly bytes: number; readonly files: number }> {
  const { folder, table: name, partitions } = target;
  await mkdir(join(folder, name), { recursive: true });
  const store = new LocalObjectStore(folder);
  const warehouse = pathToFileURL(folder).href;
  const catalog = new FileCatalog(store, warehouse);
  const paths = new TablePaths(warehouse, name);
  const columns = [...rawColumns, ...eventColumns];
  const metadata = newTableMetadata({
    uuid: randomIds.uuid(),
    location: `${warehouse}/${name}`,
    columns,
    dayOf: 4,
    lastColumnId: 1_100,
    properties: { [topicProperty]: target.topic },
    nowMs: Date.now(),
  });
  await catalog.swap(name, null, metadata);
  const files: DataFile[] = [];
  const waiting: { offset: number; event: BenchEvent }[][] = Array.from({ length: partitions }, () => []);
  const write = async (partition: number): Promise<void> => {
    const rows = waiting[partition] ?? [];
    waiting[partition] = [];
    for (const [day, ofDay] of Map.groupBy(rows, ({ event }) => partitionDay(event.timeMs)))
      files.push(await writeFile(target, store, paths, columns, partition, day, ofDay));
  };
  const offsets = Array.from({ length: partitions }, () => 0);
  for (let index = 0; index < count; index += 1) {
    const partition = index % partitions;
    const offset = offsets[partition] ?? 0;
    offsets[partition] = offset + 1;
    waiting[partition]?.push({ offset, event: next(index) });
    if ((waiting[partition]?.length ?? 0) >= target.rowsPerFile) await write(partition);
  }
  for (let partition = 0; partition < partitions; partition += 1) await write(partition);
  const table = new CatalogTable({
    ...{ catalog, table: name, store, paths, ids: randomIds, clock: systemClock, random: Math.random },
    open: (key, expected, signal) => openParquet(store, key, expected, signal),
  });
  const positions = Object.fromEntries(
    offsets.map((offset, partition) => [`${cluster}/${topicId}/${partition}`, String(offset)]),
  );
  await table.append(files, { 'jg.positions': JSON.stringify(positions) }, () => true);
  return { bytes: files.reduce((sum, { bytes }) => sum + bytes, 0), files: files.length };
}

async function writeFile(
  { table, topic, schema, rowGroupRows }: ArchiveTarget,
  store: LocalObjectStore,
  paths: TablePaths,
  columns: readonly Column[],
  partition: number,
  day: number | null,
  rows: readonly { readonly offset: number; readonly event: BenchEvent }[],
): Promise<DataFile> {
  const key = `${table}/data/timestamp_day=${dayText(day)}/${randomIds.uuid()}.parquet`;
  const limits = { rowGroupRows, rowGroupBytes: 67_108_864 };
  const sink = createParquet({ store, key, columns, limits, unique: new Set([1_000]) });
  const { type } = new AvroSchema(schema.text);
  for (let start = 0; start < rows.length; start += rowGroupRows) {
    const group = rows.slice(start, start + rowGroupRows);
    const events = group.map(({ event }): Decoded => type.fromBuffer(event.value.subarray(frameBytes)));
    await sink.append(batchOf({ topic, partition, schemaId: schema.id }, group, events));
  }
  const constants = new Map<number, string | number>([
    [1, topic],
    [2, partition],
    [12, topicId],
    [13, cluster],
  ]);
  return dataFileOf(await sink.finish(), paths.uriOf(key), day, constants);
}

function batchOf(
  of: { readonly topic: string; readonly partition: number; readonly schemaId: number },
  group: readonly { readonly offset: number; readonly event: BenchEvent }[],
  events: readonly Decoded[],
): ColumnBatch {
  const columns = new Map<number, ColumnValues>([
    [1, group.map(() => of.topic)],
    [2, group.map(() => of.partition)],
    [3, group.map(({ offset }) => BigInt(offset))],
    [4, group.map(({ event }) => BigInt(event.timeMs) * 1_000n)],
    [5, group.map(() => of.schemaId)],
    [6, group.map(({ event }) => event.key)],
    [7, group.map(({ event }) => event.value)],
    [8, group.map(() => [])],
    [12, group.map(() => topicId)],
    [13, group.map(() => cluster)],
    [1_000, events.map(({ eventId }) => eventId)],
    [1_001, events.map(({ occurredAt }) => BigInt(occurredAt))],
    [1_002, events.map(({ accountId }) => accountId)],
    [1_003, events.map(({ title }) => title.id)],
    [1_004, events.map(({ title }) => title.name)],
    [1_005, events.map(({ device }) => device.id)],
    [1_006, events.map(({ seconds }) => BigInt(seconds))],
    [1_007, events.map(({ completion }) => completion)],
    [1_008, events.map(({ reason }) => reason)],
  ]);
  return { rows: group.length, columns };
}
