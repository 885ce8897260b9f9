import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual, promisify } from 'node:util';
import { currentSchema, randomIds } from '../../archive/index.ts';
import { must, systemClock } from '../../foundation/index.ts';
import {
  archiverParts,
  dayOne,
  drawGrowing,
  limits,
  openLog,
  openTestArchive,
  sourceOf,
  type TestArchive,
  topic,
} from '../../ingest/archive/archive-testing.ts';
import { archiveToEnd } from '../../ingest/archive/archive-to-end.ts';
import { compact, planCompaction } from '../../ingest/archive/compaction.ts';
import { expire, planExpiry } from '../../ingest/archive/expiry.ts';
import type { LogRecord } from '../../ingest/embedded-log-format.ts';
import { pythonWithPackages } from '../python/venv.ts';
import { readTestEnvironment } from '../services/environment.ts';
import { findJavaTools } from '../services/java-tools.ts';
import { fetchPackage } from '../services/packages.ts';
import { ServiceError } from '../services/service-error.ts';

const run = promisify(execFile);
const records = 3_000;
const recordsBeforeGrowth = 11;
const flatColumns = ['topic', 'partition', 'offset', 'timestamp', 'schema_id', 'key', 'value', 'topic_id'];
const flatEventColumns = ['member', 'seconds', 'at', 'price'];

interface Drawn {
  readonly record: LogRecord;
  readonly columns: object;
}

interface Reader {
  readonly python: string;
  readonly jar: string;
  readonly javaHome: string;
}

interface Seen {
  readonly rows: Readonly<Record<string, readonly Row[]>>;
  readonly snapshots: readonly { readonly operation: string; readonly rows: number }[];
  readonly files: number;
  readonly versions: Readonly<Record<string, string>>;
}

type Row = Readonly<Record<string, unknown>>;

/** Has Spark read a table of the archiver's after each thing that happens to one: see docs/archive.md. */
async function main(): Promise<void> {
  const reader = await findReader();
  const folder = await mkdtemp(join(tmpdir(), 'journey-graph-spark-'));
  try {
    await readAll(reader, folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function findReader(): Promise<Reader> {
  const environment = readTestEnvironment(process.env);
  const java = await findJavaTools(environment);
  if (!java.found) throw new ServiceError(`Spark cannot run: it needs ${java.lacking}.`);
  const lib = await fetchPackage('spark-iceberg', java.tools, environment.cacheDirectory);
  const jar = (await readdir(lib)).find((file) => file.startsWith('iceberg-spark-runtime'));
  const python = await pythonWithPackages(join(import.meta.dirname, 'requirements.txt'));
  const javaHome = join(java.tools.java, '..', '..');
  return { python, jar: join(lib, must(jar, 'the package has its JAR')), javaHome };
}

async function readAll(reader: Reader, folder: string): Promise<void> {
  const log = await openLog(folder);
  await log.createTopic(topic, 1);
  const archive = openTestArchive(folder);
  const drawn = drawGrowing(records).map(({ record, columns }, at) => varied(record, columns, at));
  const expected: Row[] = [];
  const topicId = must(log.topics()[0], 'the topic was created').topicId;
  const archived = async (from: number, until: number): Promise<void> => {
    const part = drawn.slice(from, until);
    expected.push(...part.map((one, index) => expectedRow(one, from + index, log.cluster, topicId)));
    await log.append(
      topic,
      0,
      part.map(({ record }) => record),
    );
    await archiveToEnd(archiverParts(archive, sourceOf(log)), limits);
  };
  const check = async (stage: string): Promise<void> =>
    await compareAll(stage, reader, folder, archive, expected);

  await archived(0, recordsBeforeGrowth);
  await check('appended');
  for (let from = recordsBeforeGrowth; from < records; from += 500)
    await archived(from, Math.min(records, from + 500));
  await check('columns grown');
  await compactAll(archive);
  await check('compacted');
  await expireAll(archive);
  await check('expired');
  await log.close();
}

/** Keys, headers, tombstones and rubbish among the events. */
function varied(record: LogRecord, columns: object, at: number): Drawn {
  const key = at % 4 === 0 ? null : Buffer.from(`key-${at}`);
  const headers =
    at % 5 === 0 ? [{ key: 'traceparent', value: at % 2 === 0 ? null : Buffer.from('00') }] : null;
  const bare = Object.fromEntries(Object.keys(columns).map((name) => [name, null]));
  if (at % 97 === 5) return { record: { ...record, key, headers, value: null }, columns: bare };
  if (at % 101 === 6)
    return { record: { ...record, key, headers, value: Buffer.from('rubbish') }, columns: bare };
  return { record: { ...record, key, headers }, columns };
}

function expectedRow({ record, columns }: Drawn, offset: number, cluster: string, topicId: string): Row {
  const hex = (bytes: Uint8Array | null): string | null =>
    bytes === null ? null : Buffer.from(bytes).toString('hex');
  const isEvent = record.value !== null && record.value[0] === 0;
  return {
    ...{ topic, partition: 0, offset, timestamp: record.timestampMs },
    schema_id: isEvent ? (record.value?.[4] ?? null) : null,
    ...{ key: hex(record.key), value: hex(record.value) },
    headers: (record.headers ?? []).map(({ key, value }) => ({ key, value: hex(value) })),
    ...{ topic_id: topicId, cluster },
    ...columns,
  };
}

async function compactAll({ store, table, paths, name }: TestArchive): Promise<void> {
  const parts = { table, store, paths, folder: name, newUuid: randomIds.uuid, clock: systemClock };
  const all = { bytesMax: 2 ** 27, olderThanMs: Number.POSITIVE_INFINITY, rowGroupRows: 1_000 };
  const plan = await planCompaction(parts, all);
  const { groups } = await compact(parts, plan, all, () => undefined, new AbortController().signal);
  if (groups === 0) throw new Error('Nothing was compacted, so nothing was tried.');
}

async function expireAll({ table }: TestArchive): Promise<void> {
  const keep = { snapshotsMin: 1, olderThanMs: Date.now(), rowsBeforeMs: null };
  const { files } = await expire(table, await planExpiry(table, keep), keep);
  if (files === 0) throw new Error('No file expired, so nothing was tried.');
}

async function compareAll(
  stage: string,
  { python, jar, javaHome }: Reader,
  folder: string,
  { table, name }: TestArchive,
  expected: readonly Row[],
): Promise<void> {
  const warehouse = join(folder, 'archive');
  const { token, metadata } = await table.load();
  const known = new Set(currentSchema(metadata).columns.map((column) => column.name));
  const flat = [...flatColumns, ...flatEventColumns].filter((column) => known.has(column));
  const day = new Date(dayOne).toISOString().slice(0, 10);
  const metadataFile = join(warehouse, name, 'metadata', `v${token}.metadata.json`);
  const program = join(import.meta.dirname, 'spark_read.py');
  const { stdout } = await run(python, [program, jar, warehouse, name, metadataFile, flat.join(','), day], {
    maxBuffer: 2 ** 28,
    env: { ...process.env, JAVA_HOME: javaHome, SPARK_LOCAL_IP: '127.0.0.1', PYSPARK_PYTHON: python },
  });
  const seen: Seen = JSON.parse(stdout);
  // The first events' schema has one field less, also inside the device.
  const all = expected.map((row) => only(known.has('price') ? row : withoutModel(row), known));
  const dayEnd = Date.parse(day) + 86_400_000;
  const wanted: Readonly<Record<string, readonly Row[]>> = {
    catalog: all,
    folder: all,
    'metadata file': all,
    'flat columns': all.map((row) => only(row, new Set(flat))),
    'one day': all.filter((row) => Number(row.timestamp) < dayEnd),
  };
  const { versions, snapshots, files } = seen;
  const about = Object.entries(versions).map(([what, version]) => `${what} ${version}`);
  console.log(
    `${stage}: metadata v${token}, ${snapshots.length} snapshots, ${files} files (${about.join(', ')})`,
  );
  for (const [way, rows] of Object.entries(wanted)) compare(way, byOffset(seen.rows[way] ?? []), rows);
}

function compare(way: string, found: readonly Row[], wanted: readonly Row[]): void {
  const at = wanted.findIndex((row, index) => !isDeepStrictEqual(row, found[index]));
  if (at < 0 && found.length === wanted.length) {
    console.log(`  ${way.padEnd(14)} ${found.length} rows, equal`);
    return;
  }
  process.exitCode = 1;
  console.log(
    `  ${way.padEnd(14)} ${found.length} rows instead of ${wanted.length}, first difference at row ${at}`,
  );
  console.log(`    found  ${JSON.stringify(found[at])}\n    wanted ${JSON.stringify(wanted[at])}`);
}

function only(row: Row, names: ReadonlySet<string>): Row {
  return Object.fromEntries(Object.entries(row).filter(([name]) => names.has(name)));
}

function withoutModel(row: Row): Row {
  const { device } = row;
  if (typeof device !== 'object' || device === null || !('os' in device)) return row;
  return { ...row, device: { os: device.os } };
}

function byOffset(rows: readonly Row[]): readonly Row[] {
  return rows.toSorted((a, b) => Number(a.offset) - Number(b.offset));
}

await main();
