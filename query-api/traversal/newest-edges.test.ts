import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NewestEdges } from './newest-edges.ts';
import { occurrenceBytes, type WalkedEdge } from './walked-edge.ts';

function edgeAt(timeMs: number, id: number): WalkedEdge {
  const [parent, node] = [
    { type: 'Account', id: 'a' },
    { type: 'Title', id: 'x'.repeat(id % 7) + id },
  ];
  const occurrence = {
    type: 'WATCHED',
    from: parent,
    to: node,
    key: null,
    timeMs,
    occurrence: BigInt(id),
    properties: [],
    lineage: null,
  };
  return { parent, node, way: 'out', occurrence };
}

/** In the order of time, of one time in that in which they came. */
function sorted(edges: readonly WalkedEdge[]): readonly WalkedEdge[] {
  return [...edges].sort((a, b) => b.occurrence.timeMs - a.occurrence.timeMs);
}

function bytesOf(edges: readonly WalkedEdge[]): number {
  return edges.reduce((sum, { occurrence }) => sum + occurrenceBytes(occurrence), 0);
}

const times = fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 60 });

describe('The newest edges', () => {
  it('are those that sorting all of them gives', () => {
    const property = fc.property(times, fc.integer({ min: 1, max: 12 }), (list, capacity) => {
      const edges = list.map(edgeAt);
      const kept = new NewestEdges(capacity);
      for (const edge of edges) kept.add(edge);
      const expected = sorted(edges).slice(0, capacity);
      expect(kept.list()).toEqual(expected);
      expect(kept.bytes).toBe(bytesOf(expected));
      expect(kept.isFull).toBe(edges.length >= capacity);
      const floorMs = kept.isFull ? (expected.at(-1)?.occurrence.timeMs ?? 0) + 1 : 0;
      expect(kept.floorMs).toBe(floorMs);
      for (let timeMs = 0; timeMs < 10; timeMs += 1) expect(kept.takes(timeMs)).toBe(timeMs >= floorMs);
    });
    fc.assert(property, { seed: 7 });
  });

  it('leave out the oldest where they are too large', () => {
    const property = fc.property(times, fc.integer({ min: 0, max: 4000 }), (list, bytesMax) => {
      const edges = list.map(edgeAt);
      const kept = new NewestEdges(100);
      for (const edge of edges) kept.add(edge);
      kept.shrinkTo(bytesMax);
      const left = kept.list();
      expect(left).toEqual(sorted(edges).slice(0, left.length));
      expect(kept.bytes).toBeLessThanOrEqual(bytesMax);
      expect(bytesOf(sorted(edges).slice(0, left.length + 1))).toSatisfy(
        (bytes: number) => left.length === edges.length || bytes > bytesMax,
      );
    });
    fc.assert(property, { seed: 7 });
  });
});
