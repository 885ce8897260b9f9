import { join } from 'node:path';
import {
  ArchivedSchemas,
  type ArchiveRow,
  CatalogTable,
  FileCatalog,
  IcebergReader,
  LocalObjectStore,
  type ObjectStore,
  openParquet,
  randomIds,
  TablePaths,
} from '../../archive/index.ts';
import { BadDataError, type Log, silentLog, systemClock } from '../../foundation/index.ts';
import { EventEncoder, type SchemaRegistry, wireLimitsDefault } from '../../schemas/index.ts';
import { defaultEmbeddedLogSettings, type EmbeddedLog, openEmbeddedLog } from '../embedded-log.ts';
import type { LogRecord } from '../embedded-log-format.ts';
import { EmbeddedLogSource } from '../embedded-log-source.ts';
import type { EventSource, SourceRecord } from '../event-source.ts';
import type { ArchiverLimits, ArchiverParts } from './archiver.ts';
import { EventSchemas } from './event-schemas.ts';
import { TopicTable } from './topic-table.ts';

export const topic = 'plays';
const recordsOfAppend = 20;
export const dayOne = Date.UTC(2026, 9, 30, 23, 59, 0);

export const limits: ArchiverLimits = {
  rowGroupRows: 50,
  bufferBytesMax: 4 * 2 ** 20,
  openFilesMax: 8,
  commitMs: 60_000,
  commitBytesMax: 64 * 2 ** 20,
  onGap: 'stop',
  retry: { baseMs: 1, maxMs: 20 },
};

/** Schemas by the ids under which they are given. */
export function registryOf(texts: ReadonlyMap<number, string>): SchemaRegistry {
  return {
    async schemaById(id) {
      const text = texts.get(id);
      if (text === undefined) throw new BadDataError('SCHEMA_NOT_FOUND', `No schema ${id}.`);
      return { id, text };
    },
    latest: async () => null,
    versions: async () => [],
    register: () => Promise.reject(new Error('nobody registers here')),
    close: async () => undefined,
  };
}

export const playText = JSON.stringify({
  type: 'record',
  name: 'Play',
  fields: [
    { name: 'member', type: 'string' },
    { name: 'seconds', type: 'int' },
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
    {
      name: 'device',
      type: ['null', { type: 'record', name: 'Device', fields: [{ name: 'os', type: 'string' }] }],
    },
  ],
});

/** The same, grown: a wider number, fields more, one of them inside another. */
export const grownText = JSON.stringify({
  type: 'record',
  name: 'Play',
  fields: [
    { name: 'member', type: 'string' },
    { name: 'seconds', type: 'long' },
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
    {
      name: 'device',
      type: [
        'null',
        {
          type: 'record',
          name: 'Device',
          fields: [
            { name: 'os', type: 'string' },
            { name: 'model', type: ['null', 'string'], default: null },
          ],
        },
      ],
    },
    { name: 'price', type: { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 } },
    { name: 'tags', type: { type: 'array', items: 'string' } },
    { name: 'anything', type: ['int', 'string'] },
  ],
});

export const schemaTexts: ReadonlyMap<number, string> = new Map([
  [7, playText],
  [8, grownText],
]);

const play = new EventEncoder(7, playText);

const grownPlay = new EventEncoder(8, grownText);

/** An event of the schema or of the one that came after it, by turns, and what its columns are to be. */
export function drawGrowing(
  count: number,
): readonly { readonly record: LogRecord; readonly columns: object }[] {
  return Array.from({ length: count }, (_, at) => {
    const base = { member: `member-${at}`, at: dayOne + at };
    const isGrown = at % 3 !== 0 && at > 10;
    const os = at % 2 === 0 ? null : 'tv';
    const seconds = isGrown ? 2 ** 40 + at : at;
    const model = at % 4 === 1 ? null : 'x1';
    const value = isGrown
      ? grownPlay.encode({
          ...base,
          seconds: BigInt(seconds),
          device: os === null ? null : { os, model },
          price: Buffer.from([at % 2 === 0 ? 0xff : 0x00, 0x85]),
          tags: ['a', `b${at}`],
          anything: at,
        })
      : play.encode({ ...base, seconds, device: os === null ? null : { os } });
    const price = at % 2 === 0 ? '-1.23' : '1.33';
    const columns = {
      ...base,
      seconds,
      device: os === null ? null : { os, model: isGrown ? model : null },
      price: isGrown ? price : null,
      tags: isGrown ? ['a', `b${at}`] : null,
    };
    return { record: { timestampMs: dayOne + at * 10_000, key: null, value, headers: null }, columns };
  });
}

/** Records of every kind that a log may hold, two days, a minute apart. */
export function drawRecords(count: number, first = 0): readonly LogRecord[] {
  return Array.from({ length: count }, (_, index) => {
    const at = first + index;
    const value =
      at % 11 === 5
        ? null
        : at % 13 === 6
          ? Buffer.from('rubbish')
          : play.encode({
              member: `member-${at % 5}`,
              seconds: at,
              at: dayOne + at,
              device: at % 3 === 0 ? null : { os: 'tv' },
            });
    return {
      timestampMs: at % 17 === 9 ? -1 : dayOne + (at % 4) * 60_000,
      key: at % 4 === 0 ? null : Buffer.from(`key-${at}`),
      value,
      headers: at % 5 === 0 ? [{ key: 'traceparent', value: at % 2 === 0 ? null : Buffer.from('00') }] : null,
    };
  });
}

export async function openLog(folder: string, retentionBytesMax = 2 ** 30): Promise<EmbeddedLog> {
  return await openEmbeddedLog({
    ...defaultEmbeddedLogSettings,
    folder: join(folder, 'log'),
    retentionBytesMax,
  });
}

/** In appends of a few, because a reader gets no less than what was appended at a time. */
export async function fill(log: EmbeddedLog, partition: number, count: number, first = 0): Promise<void> {
  for (let at = 0; at < count; at += recordsOfAppend)
    await log.append(topic, partition, drawRecords(Math.min(recordsOfAppend, count - at), first + at));
}

export interface TestArchive {
  readonly store: ObjectStore;
  readonly table: CatalogTable;
  readonly topicTable: TopicTable;
  readonly schemas: EventSchemas;
  readonly archived: ArchivedSchemas;
  readonly paths: TablePaths;
  readonly name: string;
}

/** Handles of one process on the archive in that folder. */
export function openTestArchive(
  folder: string,
  over: {
    readonly store?: ObjectStore;
    readonly registry?: SchemaRegistry;
    readonly topic?: string;
    readonly columnsMax?: number;
  } = {},
): TestArchive {
  const root = join(folder, 'archive');
  const store = over.store ?? new LocalObjectStore(root);
  const warehouse = `file://${root}`;
  const name = 'test/plays';
  const paths = new TablePaths(warehouse, name);
  const catalog = new FileCatalog(store, warehouse);
  const table = new CatalogTable({
    ...{ catalog, table: name, store, paths, ids: randomIds, clock: systemClock, random: Math.random },
    open: (key, expected, signal) => openParquet(store, key, expected, signal),
  });
  const topicTable = new TopicTable({
    topic: over.topic ?? topic,
    folder: name,
    isInFiles: true,
    newUuid: randomIds.uuid,
    clock: systemClock,
    ...{ name, table, catalog, store, paths },
  });
  const archived = new ArchivedSchemas(store, name);
  const registry = over.registry ?? registryOf(schemaTexts);
  const schemas = new EventSchemas(
    { table: topicTable, archived, registry, clock: systemClock },
    {
      columnsMax: over.columnsMax ?? 100,
      wireLimits: wireLimitsDefault,
      schemasMax: 100,
      negativeMs: 60_000,
    },
  );
  return { store, table, topicTable, schemas, archived, paths, name };
}

export function archiverParts(
  archive: TestArchive,
  source: EventSource,
  log: Log = silentLog,
): ArchiverParts {
  return {
    source,
    table: archive.topicTable,
    schemas: archive.schemas,
    clock: systemClock,
    random: Math.random,
    log,
    newUuid: randomIds.uuid,
  };
}

export function sourceOf(log: EmbeddedLog): EmbeddedLogSource {
  const settings = { topic, readBytesMax: 2_000, retry: limits.retry };
  return new EmbeddedLogSource(log, settings, systemClock, Math.random);
}

/** What the log has, partition by partition, as the archive would say it. */
export async function logRows(log: EmbeddedLog): Promise<readonly (readonly ArchiveRow[])[]> {
  const partitions: (readonly ArchiveRow[])[] = [];
  for (const [partition, { low, end }] of log.ends(topic).entries()) {
    const rows: ArchiveRow[] = [];
    for (let next = low; next < end; ) {
      const read = await log.read(topic, partition, next, 2 ** 20);
      rows.push(...read.records.map(rowOf));
      next = read.next;
    }
    partitions.push(rows);
  }
  return partitions;
}

function rowOf(record: SourceRecord): ArchiveRow {
  const { offset, timestampMs, key, value, headers } = record;
  const isFramed = value !== null && value[0] === 0;
  return {
    offset,
    timestampMs,
    schemaId: isFramed ? Buffer.from(value).readInt32BE(1) : null,
    key: bytes(key),
    value: bytes(value),
    headers: (headers ?? []).map((header) => ({ key: header.key, value: bytes(header.value) })),
  };
}

/** Of one kind, so that tests compare bytes and not classes. */
function bytes(value: Uint8Array | null): Uint8Array | null {
  return value === null ? null : new Uint8Array(value);
}

/** What the archive has, by partition and offset; rows that are there twice are there twice. */
export async function archivedRows(
  { table, paths, name }: TestArchive,
  partitions: number,
  topicId: string | null = null,
): Promise<readonly (readonly ArchiveRow[])[]> {
  const reader = new IcebergReader({ name, table, paths, snapshotId: null });
  const found: ArchiveRow[][] = Array.from({ length: partitions }, () => []);
  const filter = { fromMs: null, untilMs: null, partitions: null };
  for (const file of await reader.files(filter)) {
    if (topicId !== null && file.topicId !== topicId) continue;
    for await (const batch of reader.rows(file, 0n, filter)) {
      found[file.partition]?.push(
        ...batch.rows.map((row) => ({
          ...row,
          key: bytes(row.key),
          value: bytes(row.value),
          headers: row.headers.map((header) => ({ key: header.key, value: bytes(header.value) })),
        })),
      );
    }
  }
  for (const rows of found) rows.sort((a, b) => Number(a.offset - b.offset));
  return found;
}
