import { must } from '../foundation/index.ts';
import { DeletedTypesSoFar, encodeDeletedTypes, nothingDeleted } from './deleted-types.ts';
import { decodeGraphKey, reverseKey } from './graph-key.ts';
import type { GraphSnapshot } from './graph-store.ts';
import type { Level } from './leveldb-group.ts';
import { putIndexMark, putIndexRow } from './leveldb-node-index.ts';
import { decodeOrigin, originKey, originRange } from './lineage.ts';
import { encodePosition, positionKey, positionOf } from './position.ts';
import { RowEstimates } from './row-estimates.ts';
import { graphRange, metaKey, positionRange } from './rows.ts';

/** There from before the first row until together with the last: what holds it is no store. */
export const restoringKey = Buffer.from('mrestoring');

const batchBytesMax = 4 * 2 ** 20;

/** True when there is neither a graph nor a position. */
export async function isEmptyLevel(db: Level): Promise<boolean> {
  for (const range of [graphRange, originRange, positionRange]) {
    if ((await db.keys({ ...range, limit: 1 }).all()).length > 0) return false;
  }
  return true;
}

/**
 * Writes a graph into an empty database that nobody else writes: rows in blind batches without waiting for the disk, then
 * positions, times to live and estimates in one synced batch that also takes the mark of an unfinished restoring away.
 */
export async function restoreLevel(
  db: Level,
  snapshot: Pick<GraphSnapshot, 'sources' | 'timeToLive' | 'rows'>,
): Promise<void> {
  await db.put(restoringKey, Buffer.from('1'), { sync: true });
  const estimates = new RowEstimates();
  const deleted = new DeletedTypesSoFar(nothingDeleted);
  const writer = new BatchWriter(db);
  let origins = 0;
  for await (const [key, value] of snapshot.rows()) {
    if (key[0] === originRange.gte[0]) {
      // The writer goes on counting where these end.
      origins += 1;
      must(key.equals(originKey(origins)) ? key : null, 'origins are numbered from 1');
      decodeOrigin(value);
      writer.put(key, value);
    } else {
      const what = decodeGraphKey(key);
      estimates.add(what, value);
      if (what.kind === 'tombstone') deleted.add('nodes', what.node.type);
      if (what.kind === 'edge-tombstone') deleted.add('edges', what.type);
      writer.put(key, value);
      if (what.kind === 'node') putIndexRow(writer, key);
      must(what.kind === 'in' ? null : what, 'a snapshot has no reverse rows');
      if (what.kind === 'out') writer.put(reverseKey(what), value);
    }
    if (writer.isFull) await writer.flush();
  }
  await writer.flush();
  await writer.written();
  // Any range will do: LevelDB first writes what it has in memory into a table and syncs that. A synced write alone
  // would not do for what went into a log file before the one it goes into.
  await db.compactRange(restoringKey, restoringKey);
  const last = db.batch();
  for (const status of snapshot.sources) {
    const position = positionOf(status);
    last.put(Buffer.from(positionKey(position.source)), encodePosition(position));
  }
  last.put(metaKey.timeToLive, Buffer.from(JSON.stringify(snapshot.timeToLive)));
  last.put(metaKey.nodeEstimate, Buffer.from(estimates.nodes.registers));
  last.put(metaKey.edgeEstimate, Buffer.from(estimates.edges.registers));
  last.put(metaKey.deletedTypes, encodeDeletedTypes(deleted));
  putIndexMark(last);
  last.del(restoringKey);
  await last.write({ sync: true });
}

/** Fills one batch while LevelDB writes the one before: two at most are in memory. */
class BatchWriter {
  readonly #db: Level;
  #batch: ReturnType<Level['batch']>;
  #bytes = 0;
  #writing: Promise<void> = Promise.resolve();
  #failure: { readonly cause: unknown } | null = null;

  constructor(db: Level) {
    this.#db = db;
    this.#batch = db.batch();
  }

  get isFull(): boolean {
    return this.#bytes >= batchBytesMax;
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
