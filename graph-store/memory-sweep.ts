import type { Swept } from './graph-store.ts';
import { expiredEdgeMs, type MemoryGraph } from './memory-graph.ts';
import { hidingTypeOf, type SweptHorizon } from './swept-horizon.ts';
import type { Expiry } from './time-to-live.ts';

/** Removes all that is hidden; \`isRaised\` says that tombstones went, whose times \`swept\` has now. */
export function sweepMemory(
  graph: MemoryGraph,
  expiry: Expiry,
  swept: SweptHorizon,
): Swept & { readonly isRaised: boolean } {
  let scanned = 0;
  let removed = 0;
  let isRaised = false;
  const sweepMap = <T>(map: Map<string, T>, isExpired: (row: T) => boolean): void => {
    for (const [key, row] of map) {
      scanned += 1;
      if (isExpired(row) && map.delete(key)) removed += 1;
    }
  };
  for (const node of graph.nodes.values()) {
    const ofNode = expiry.ofNode(node.ref.type);
    if (node.mentionedMs >= 0 && node.mentionedMs <= ofNode) {
      Object.assign(node, { mentionedMs: -1, registers: [], lineage: null });
      removed += 1;
    }
    sweepMap(node.steps, ({ timeMs }) => timeMs <= ofNode);
    sweepMap(node.out, (occurrence) => occurrence.timeMs <= expiredEdgeMs(occurrence, expiry));
    sweepMap(node.in, (occurrence) => occurrence.timeMs <= expiredEdgeMs(occurrence, expiry));
    if (node.deletedMs >= 0 && node.deletedMs <= ofNode) {
      if (swept.removed({ kind: 'nodes', type: node.ref.type }, node.deletedMs)) isRaised = true;
      node.deletedMs = -1;
      removed += 1;
    }
  }
  sweepMap(graph.edgeTombstones, (tombstone) => {
    if (tombstone.timeMs > expiredEdgeMs(tombstone, expiry)) return false;
    const { type, from: node, to: other, key, timeMs } = tombstone;
    const hiding = hidingTypeOf({ kind: 'edge-tombstone', type, node, other, key }, expiry);
    if (hiding !== null && swept.removed(hiding, timeMs)) isRaised = true;
    return true;
  });
  return { scanned, removed, next: null, isRaised };
}
