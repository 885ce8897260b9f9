import { ByteReader } from './codec.ts';
import type { Level } from './level.ts';
import type { Moment } from './leveldb-moment.ts';
import { scanRows } from './leveldb-scan.ts';
import type { NodeRef } from './model.ts';
import * as rows from './rows.ts';

/** Edges to ends that are kept no longer which one look at a node passes over. Sweeping removes them, so there are seldom many. */
const expiredTouchesMax = 4_096;

/** Something that happened at a node; without a value when it is not known what. */
interface Touch {
  readonly timeMs: number;
  readonly value: Buffer | null;
}

/**
 * The newest step or occurrence at this node that is kept; null without any that is newer than `hiddenMs`. The newest of each kind comes first in key order.
 *
 * Occurrences that are hidden because their other end is kept no longer are passed over, but only `expiredTouchesMax` of them until
 * they are swept. What lies behind is not looked at: the node was mentioned and may have been since, so it counts as
 * there, and of a touch that was not found by then nobody says where it came from. To answer that it is not there could hide what is.
 */
export async function newestTouch(
  db: Level,
  ref: NodeRef,
  hiddenMs: number,
  { snapshot, expiry }: Moment,
): Promise<Touch | null> {
  const prefix = rows.nodePrefix(ref);
  let newest: Touch | null = null;
  let passed = 0;
  const kindRange = (kind: number): { gte: Buffer; lt: Buffer } => ({
    gte: Buffer.concat([prefix, Buffer.of(kind)]),
    lt: Buffer.concat([prefix, Buffer.of(kind + 1)]),
  });
  const steps = kindRange(rows.rowKind.step);
  for await (const [key, value] of scanRows(db, { ...steps, reverse: false }, 1, snapshot)) {
    const { timeMs } = new ByteReader(key, steps.gte.length).eventKey();
    if (timeMs > hiddenMs) newest = { timeMs, value };
    break;
  }
  for (const kind of [rows.rowKind.out, rows.rowKind.in]) {
    const range = kindRange(kind);
    const kindAt = range.gte.length;
    let from: Buffer | null = range.gte;
    // One round an edge type: there are as many as the graph schema has types at this node.
    while (from !== null) {
      let typeEnd: number | null = null;
      for await (const [key, value] of scanRows(
        db,
        { gte: from, lt: range.lt, reverse: false },
        1,
        snapshot,
      )) {
        const end = key.indexOf(0, kindAt) + 1;
        typeEnd ??= end;
        if (end !== typeEnd) break;
        from = key.subarray(0, typeEnd);
        const { timeMs } = new ByteReader(key, typeEnd).eventKey();
        const ofEdgeMs = expiry.ofEdge(key.toString('latin1', kindAt, typeEnd - 1));
        if (timeMs <= Math.max(hiddenMs, ofEdgeMs, newest?.timeMs ?? -1)) break;
        // An edge to a type that is kept no longer mentions nobody any more: an older one of the same type may.
        if (rows.expiredAt(key, value, expiry) !== null) {
          passed += 1;
          if (passed > expiredTouchesMax) return newest ?? { timeMs, value: null };
          continue;
        }
        newest = { timeMs, value };
        break;
      }
      if (typeEnd === null) break;
      const next: Buffer = Buffer.from(from.subarray(0, typeEnd));
      next[typeEnd - 1] = 1;
      from = next;
    }
  }
  return newest;
}
