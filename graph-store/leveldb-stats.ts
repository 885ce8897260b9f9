import { AssertionError } from 'node:assert';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Snapshot } from 'classic-level';
import { OutageError } from '../foundation/index.ts';
import { decodeGraphKey, type GraphKey } from './graph-key.ts';
import type { GraphEstimate } from './graph-store.ts';
import type { Level } from './level.ts';
import type { LevelSettings } from './leveldb-protocol.ts';
import { levelRowChunks, levelSources } from './leveldb-snapshot.ts';
import { originRange } from './lineage.ts';
import { noRows, type RowName, rowNameOf } from './row-counts.ts';
import { folderFormat, graphRange, metaKey, rowKindOf } from './rows.ts';
import { encodeSource } from './source-json.ts';
import type { LevelFigures, StoreStats, TypeFigures } from './store-inspection.ts';
import { timeToLiveOf } from './time-to-live.ts';

/** A sample: so many places, evenly apart between the first key and the last, and so many rows from each on. */
const samplePlaces = 32;
const sampleRows = 2048;
/** Key bytes behind the first one that tell places apart. */
const placeBytes = 6;
/** Types are as many as mappings declare; what is beyond counts in no type. */
const typesMax = 10_000;

/**
 * Figures of a store at one moment. Without `exact` only a sample of the rows is read; counting all of them ends early with OutageError
 * STORE_READ_FAILED when `signal` says so.
 */
export async function levelStats(
  db: Level,
  settings: LevelSettings,
  estimate: GraphEstimate,
  exact: boolean,
  signal: AbortSignal | null = null,
): Promise<StoreStats> {
  await using snapshot = db.snapshot();
  // A store that is no larger than a sample is counted.
  const counted = new Tally();
  const rowsMax = exact ? Number.POSITIVE_INFINITY : samplePlaces * sampleRows;
  const isExact = await count(db, snapshot, counted, rowsMax, () => {
    if (signal?.aborted === true) throw stopped(settings.folder);
  });
  const tally = isExact ? counted : new Tally();
  if (!isExact) await sample(db, snapshot, tally);
  const scale = isExact ? 1 : (await rowsOnDisk(db, tally)) / Math.max(1, tally.total);
  const { rowsByKind, rowsByType, unknownRows } = tally.scaled(scale);
  rowsByKind.origins = (await db.keys({ ...originRange, snapshot })).length;
  return {
    format: db.getSync(metaKey.format, { snapshot })?.toString() ?? folderFormat,
    folder: settings.folder,
    ...(await filesIn(settings.folder)),
    levels: levelsOf(db.getProperty('leveldb.stats')),
    exact: isExact,
    rows: Object.values(rowsByKind).reduce((sum, count) => sum + count, unknownRows),
    rowsByKind,
    rowsByType,
    unknownRows,
    oldestEventMs: tally.oldestEventMs,
    newestEventMs: tally.newestEventMs,
    estimate,
    cacheBytes: {
      blocksMax: settings.blockCacheBytes,
      nodesMax: settings.nodeCacheBytes,
      levelDbUses: Number(db.getProperty('leveldb.approximate-memory-usage')),
    },
    timeToLive: timeToLiveOf(db.getSync(metaKey.timeToLive, { snapshot })),
    sources: (await levelSources(db, snapshot)).map(encodeSource),
  };
}

class Tally {
  readonly #byKind = noRows();
  readonly #byType = new Map<string, { kind: RowName; type: string; rows: number }>();
  /** Rows whose keys say nothing: `verify` names them. */
  #unknown = 0;
  total = 0;
  oldestEventMs: number | null = null;
  newestEventMs: number | null = null;
  /** Of each place that was looked at. */
  readonly spans: { readonly first: Buffer; readonly last: Buffer; readonly rows: number }[] = [];

  add(key: Buffer): void {
    this.total += 1;
    const decoded = decodedOrNull(key);
    const name = decoded === null ? null : rowNameOf(rowKindOf(key));
    if (decoded === null || name === null) {
      this.#unknown += 1;
      return;
    }
    this.#byKind[name] += 1;
    this.#addType(name, 'type' in decoded ? decoded.type : decoded.node.type);
    if ('timeMs' in decoded) this.#addTime(decoded);
  }

  scaled(factor: number): {
    rowsByKind: Record<RowName, number>;
    rowsByType: readonly TypeFigures[];
    unknownRows: number;
  } {
    const rowsByKind = noRows();
    for (const name of rowNames) rowsByKind[name] = Math.round(this.#byKind[name] * factor);
    const rowsByType = [...this.#byType.values()]
      .map((figures) => ({ ...figures, rows: Math.round(figures.rows * factor) }))
      .sort((a, b) => b.rows - a.rows);
    return { rowsByKind, rowsByType, unknownRows: Math.round(this.#unknown * factor) };
  }

  #addType(kind: RowName, type: string): void {
    const at = `${kind} ${type}`;
    const known = this.#byType.get(at);
    if (known !== undefined) known.rows += 1;
    else if (this.#byType.size < typesMax) this.#byType.set(at, { kind, type, rows: 1 });
  }

  #addTime({ timeMs }: Extract<GraphKey, { timeMs: number }>): void {
    this.oldestEventMs = Math.min(this.oldestEventMs ?? timeMs, timeMs);
    this.newestEventMs = Math.max(this.newestEventMs ?? timeMs, timeMs);
  }
}

/** Null of a key that is damaged. */
function decodedOrNull(key: Buffer): GraphKey | null {
  try {
    return decodeGraphKey(key);
  } catch (error) {
    // A reader that runs into bytes that are none of ours, as in row-checker.ts.
    if (!(error instanceof AssertionError || error instanceof RangeError)) throw error;
    return null;
  }
}

const rowNames = [
  'nodes',
  'nodeTombstones',
  'steps',
  'occurrences',
  'reverseOccurrences',
  'edgeTombstones',
] as const satisfies readonly RowName[];

/** False when there are more than `rowsMax`. What `mayGoOn` throws ends it. */
async function count(
  db: Level,
  snapshot: Snapshot,
  tally: Tally,
  rowsMax: number,
  mayGoOn: () => void,
): Promise<boolean> {
  for await (const chunk of levelRowChunks(db, graphRange, snapshot)) {
    mayGoOn();
    for (const [key] of chunk) {
      if (tally.total >= rowsMax) return false;
      tally.add(key);
    }
  }
  return true;
}

function stopped(folder: string): OutageError {
  return new OutageError(
    'STORE_READ_FAILED',
    `Counting the rows of the store in ${folder} was stopped before it had ended; ask again.`,
  );
}

/** Places lie evenly apart in the space of keys. */
async function sample(db: Level, snapshot: Snapshot, tally: Tally): Promise<void> {
  const [first] = await db.keys({ ...graphRange, snapshot, limit: 1 });
  const [last] = await db.keys({ ...graphRange, snapshot, limit: 1, reverse: true });
  if (first === undefined || last === undefined) return;
  const from = placeOf(first);
  const step = Math.max(1, Math.floor((placeOf(last) - from) / samplePlaces));
  let after = first;
  for (let place = 0; place < samplePlaces; place += 1) {
    const start = keyAt(from + place * step);
    const gte = start.compare(after) > 0 ? start : after;
    const keys = await db.keys({ gte, lt: graphRange.lt, snapshot, limit: sampleRows, fillCache: false });
    const [begin] = keys;
    const end = keys.at(-1);
    if (begin === undefined || end === undefined) return;
    for (const key of keys) tally.add(key);
    tally.spans.push({ first: begin, last: end, rows: keys.length });
    after = Buffer.concat([end, Buffer.of(0)]);
  }
}

function placeOf(key: Buffer): number {
  const bytes = Buffer.alloc(placeBytes);
  key.copy(bytes, 0, 1, 1 + placeBytes);
  return bytes.readUIntBE(0, placeBytes);
}

function keyAt(place: number): Buffer {
  const key = Buffer.concat([graphRange.gte, Buffer.alloc(placeBytes)]);
  key.writeUIntBE(place, 1, placeBytes);
  return key;
}

/** By the size of the files and what a row of the sample takes of them; what is still in LevelDB's memory is not seen. */
async function rowsOnDisk(db: Level, tally: Tally): Promise<number> {
  const all = await db.approximateSize(graphRange.gte, graphRange.lt);
  let bytes = 0;
  let rows = 0;
  for (const span of tally.spans) {
    const size = await db.approximateSize(span.first, span.last);
    if (size === 0) continue;
    bytes += size;
    rows += span.rows;
  }
  return bytes === 0 ? tally.total : Math.max(tally.total, (all / bytes) * rows);
}

async function filesIn(folder: string): Promise<{ files: number; bytesOnDisk: number }> {
  let files = 0;
  let bytesOnDisk = 0;
  for (const name of await readdir(folder)) {
    try {
      bytesOnDisk += (await stat(join(folder, name))).size;
      files += 1;
    } catch (error) {
      // A compaction has removed it meanwhile.
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    }
  }
  return { files, bytesOnDisk };
}

/** LevelDB prints a table: level, files, megabytes, and what compactions have cost. */
function levelsOf(text: string): readonly LevelFigures[] {
  const lines = text.matchAll(/^\s*(\d+)\s+(\d+)\s+(\d+(?:\.\d+)?)\s/gm);
  return [...lines].map(([, level, files, megabytes]) => ({
    level: Number(level),
    files: Number(files),
    megabytes: Number(megabytes),
  }));
}
