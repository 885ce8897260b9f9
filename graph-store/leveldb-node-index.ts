import type { Level } from './level.ts';
import { graphRange, kindAt, nameAt, rowKind } from './rows.ts';

/**
 * Which nodes of a type have a row of their own: `i<type>\0`, the four bytes of the name's hash, the id. Rows of the graph lie by the hash alone, so
 * without this the few hundred titles of a franchise would be found by reading everything. By type and then hash, so that the beginning of a type is a
 * sample of it. One small row is put when a node's row is made, and goes with it when a sweep takes that away: what time to live hides until then is
 * answered by its node.
 */
export const indexComplete = Buffer.from('mindex');
const emptyValue = Buffer.alloc(0);
const chunkRows = 4096;

export function indexPrefix(type: string): Buffer {
  return Buffer.from(`i${type}\0`);
}

/** Of a node's key, as `rows.ts` has it. */
export function indexKeyOf(nodeKey: Buffer): Buffer {
  const typeEnd = nodeKey.indexOf(0, nameAt);
  const kind = kindAt(nodeKey);
  return Buffer.concat([
    Buffer.from('i'),
    nodeKey.subarray(nameAt, typeEnd + 1),
    nodeKey.subarray(1, nameAt),
    nodeKey.subarray(typeEnd + 1, kind - 1),
  ]);
}

interface Puts {
  put(key: Buffer, value: Buffer): unknown;
}

/** Beside the node's row, in the same batch. Putting it twice changes nothing. */
export function putIndexRow(batch: Puts, nodeKey: Buffer): void {
  batch.put(indexKeyOf(nodeKey), emptyValue);
}

/** Says that the index has all nodes: put last, when the rows are on the disk. */
export function putIndexMark(batch: Puts): void {
  batch.put(indexComplete, Buffer.from('1'));
}

/** A store of before there was an index gets one, once: each key is read. The mark comes last, so a start that was cut off begins anew. */
export async function completeIndex(db: Level): Promise<void> {
  if ((await db.get(indexComplete)) !== undefined) return;
  await using rows = db.keysAlone({ ...graphRange, fillCache: false });
  for (;;) {
    const chunk = await rows.nextv(chunkRows);
    if (chunk.length === 0) break;
    const batch = db.batch();
    for (const [key] of chunk) if (key[kindAt(key)] === rowKind.node) putIndexRow(batch, key);
    await batch.write();
  }
  // Any range will do: LevelDB first writes what it has in memory into a table and syncs that. The mark's own synced write would not do for rows that went
  // into a log file before the one it goes into.
  await db.compactRange(indexComplete, indexComplete);
  const mark = db.batch();
  putIndexMark(mark);
  await mark.write({ sync: true });
}
