import { must, StopError } from '../foundation/index.ts';
import { DeletedTypesSoFar, encodeDeletedTypes, nothingDeleted } from './deleted-types.ts';
import { decodeGraphKey, type GraphKey, reverseKey } from './graph-key.ts';
import type { Restorable } from './graph-store.ts';
import type { Level } from './level.ts';
import { putIndexMark, putIndexRow } from './leveldb-node-index.ts';
import { originKey, originRange, originsMax } from './lineage.ts';
import { jsonOf } from './meta-checker.ts';
import {
  decodePosition,
  encodePosition,
  isAsRestored,
  positionKey,
  positionOf,
  statusOf,
} from './position.ts';
import { uint32At } from './read-bytes.ts';
import { RowEstimates } from './row-estimates.ts';
import { folderFormat, graphRange, metaKey, positionRange } from './rows.ts';
import { Stretches } from './stretches.ts';

/** There from before the first row until together with the last: what holds it is no store. */
export const restoringKey = Buffer.from('mrestoring');
/** The id of the graph that was restored here; absent where it had none, or nothing was restored. */
const restoredKey = Buffer.from('mrestored');

export interface RestoreLimits {
  /** Of rows in one batch. */
  readonly batchBytesMax: number;
  /** What is written again at most after a restoring was interrupted. */
  readonly unmarkedBytesMax: number;
}

export const restoreLimitsDefault: RestoreLimits = {
  batchBytesMax: 4 * 2 ** 20,
  unmarkedBytesMax: 64 * 2 ** 20,
};

/** True when there is neither a graph nor a position. */
export async function isEmptyLevel(db: Level): Promise<boolean> {
  for (const range of [graphRange, originRange, positionRange]) {
    if ((await db.keys({ ...range, limit: 1 })).length > 0) return false;
  }
  return true;
}

/** True when this very graph was restored here and nobody has claimed a partition of it since. */
export async function isRestoredLevel(db: Level, snapshot: Restorable): Promise<boolean> {
  const id = (await db.get(restoredKey))?.toString() ?? null;
  const positions = await db.iterator({ ...positionRange }).all();
  const now = positions.map(([, value]) => statusOf(decodePosition(value)));
  return isAsRestored(id, now, snapshot);
}

/** How far a restoring that is not complete has come. */
export interface RestoringMark {
  /** Of what is being restored; null where it cannot go on. */
  readonly id: string | null;
  /** So many of its rows are on the disk. */
  readonly rows: number;
}

/** Null where nothing is being restored. */
export async function restoringMark(db: Level): Promise<RestoringMark | null> {
  const mark = await db.get(restoringKey);
  if (mark === undefined) return null;
  const found: unknown = JSON.parse(mark.toString());
  return isMark(found) ? found : { id: null, rows: 0 };
}

/** An earlier version wrote a 1. */
function isMark(found: unknown): found is RestoringMark {
  return typeof found === 'object' && found !== null && 'id' in found && 'rows' in found;
}

/**
 * Writes a graph into a database that nobody else writes and that is empty, or holds the first rows of the same graph: rows in blind batches
 * without waiting for the disk, then positions, times to live and estimates in one synced batch that also takes the mark of an
 * unfinished restoring away, and keeps the graph's id in its place.
 */
export async function restoreLevel(
  db: Level,
  snapshot: Restorable,
  limits: RestoreLimits = restoreLimitsDefault,
): Promise<void> {
  const { id = null } = snapshot;
  const before = await restoringMark(db);
  const kept = before !== null && before.id === id && id !== null ? before.rows : 0;
  if (kept === 0) await putMark(db, { id, rows: 0 });
  const estimates = new RowEstimates();
  const deleted = new DeletedTypesSoFar(nothingDeleted);
  const stretches = new Stretches();
  const writer = new BatchWriter(db, limits.batchBytesMax);
  const origins = new OriginNumbers();
  let rows = 0;
  let unmarkedBytes = 0;
  for await (const [key, value] of snapshot.rows()) {
    rows += 1;
    const put = rows > kept ? writer : nowhere;
    if (key[0] === originRange.gte[0]) {
      origins.add(key, value);
      put.put(key, value);
    } else {
      const what = decodeGraphKey(key);
      estimates.add(what, value);
      noteRow(stretches, what, key.length + value.length);
      if (what.kind === 'tombstone') deleted.add('nodes', what.node.type);
      if (what.kind === 'edge-tombstone') deleted.add('edges', what.type);
      putGraphRow(put, what, key, value);
    }
    if (!writer.isFull) continue;
    await writer.flush();
    unmarkedBytes += limits.batchBytesMax;
    if (id === null || unmarkedBytes < limits.unmarkedBytesMax) continue;
    unmarkedBytes = 0;
    await writer.written();
    await toDisk(db);
    await putMark(db, { id, rows });
  }
  origins.end();
  await writer.flush();
  await writer.written();
  await toDisk(db);
  const last = db.batch();
  for (const status of snapshot.sources) {
    const position = positionOf(status);
    last.put(Buffer.from(positionKey(position.source)), encodePosition(position));
  }
  last.put(metaKey.timeToLive, Buffer.from(JSON.stringify(snapshot.timeToLive)));
  last.put(metaKey.nodeEstimate, Buffer.from(estimates.nodes.registers));
  last.put(metaKey.edgeEstimate, Buffer.from(estimates.edges.registers));
  last.put(metaKey.deletedTypes, encodeDeletedTypes(deleted));
  last.put(metaKey.stretches, stretches.encode());
  last.put(metaKey.format, Buffer.from(folderFormat));
  putIndexMark(last);
  last.del(restoringKey);
  if (id !== null) last.put(restoredKey, Buffer.from(id));
  await last.write({ sync: true });
}

/**
 * Origins come in any order: files that versions before wrote of Neo4j have them as its index did, 1, 10, 2. But none may be missing: rows name them by their numbers, and
 * the writer goes on counting where these end.
 */
class OriginNumbers {
  /** Bounded by `originsMax`. */
  readonly #seen = new Set<number>();
  #greatest = 0;

  add(key: Buffer, value: Buffer): void {
    const id = key.length === originKey(1).length ? uint32At(key, 1) : 0;
    if (id < 1 || id > originsMax) throw damaged(`an origin has the number ${id}, which none may have`);
    if (this.#seen.has(id)) throw damaged(`origin ${id} is there twice`);
    if (jsonOf(value) === undefined) throw damaged(`origin ${id} is no JSON`);
    this.#seen.add(id);
    this.#greatest = Math.max(this.#greatest, id);
  }

  end(): void {
    for (let id = 1; id <= this.#greatest; id += 1)
      if (!this.#seen.has(id))
        throw damaged(`origin ${id} is missing, and there is origin ${this.#greatest}`);
  }
}

function damaged(what: string): StopError {
  return new StopError(
    'SNAPSHOT_DAMAGED',
    `What is restored is damaged: ${what}; take another copy of the snapshot, or another snapshot.`,
  );
}

/** All lies in the first stretch, and fills it. */
function noteRow(stretches: Stretches, what: GraphKey, bytes: number): void {
  if (!('timeMs' in what)) return;
  stretches.note(what.timeMs);
  // An occurrence is put twice: it is seen from both its ends.
  stretches.noteBytes(stretches.firstByteOf(0), what.kind === 'out' ? 2 * bytes : bytes);
}

interface RowPutter {
  put(key: Buffer, value: Buffer): void;
}

/** For rows that the database has already, which are counted all the same. */
const nowhere: RowPutter = { put: () => undefined };

function putGraphRow(writer: RowPutter, what: GraphKey, key: Buffer, value: Buffer): void {
  writer.put(key, value);
  if (what.kind === 'node') putIndexRow(writer, key);
  must(what.kind === 'in' ? null : what, 'a snapshot has no reverse rows');
  if (what.kind === 'out') writer.put(reverseKey(what), value);
}

async function putMark(db: Level, mark: RestoringMark): Promise<void> {
  await db.put(restoringKey, Buffer.from(JSON.stringify(mark)), { sync: true });
}

/**
 * Any range will do: LevelDB first writes what it has in memory into a table and syncs that. A synced write alone would not do for what
 * went into a log file before the one it goes into.
 */
async function toDisk(db: Level): Promise<void> {
  await db.compactRange(restoringKey, restoringKey);
}

/** Fills one batch while LevelDB writes the one before: two at most are in memory. */
class BatchWriter {
  readonly #db: Level;
  readonly #bytesMax: number;
  #batch: ReturnType<Level['batch']>;
  #bytes = 0;
  #writing: Promise<void> = Promise.resolve();
  #failure: { readonly cause: unknown } | null = null;

  constructor(db: Level, bytesMax: number) {
    this.#db = db;
    this.#bytesMax = bytesMax;
    this.#batch = db.batch();
  }

  get isFull(): boolean {
    return this.#bytes >= this.#bytesMax;
  }

  put(key: Buffer, value: Buffer): void {
    this.#batch.put(key, value);
    this.#bytes += key.length + value.length;
  }

  async flush(): Promise<void> {
    await this.written();
    // Its failure is thrown by the next call: nobody waits for this promise meanwhile.
    this.#writing = this.#batch.write().then(
      () => undefined,
      (cause: unknown) => {
        this.#failure = { cause };
      },
    );
    this.#batch = this.#db.batch();
    this.#bytes = 0;
  }

  async written(): Promise<void> {
    await this.#writing;
    if (this.#failure !== null) throw this.#failure.cause;
  }
}
