import { ClassicLevel } from 'classic-level';
import { nameOf } from './main-job-comparison.ts';
import type { Oracle } from './main-job-oracle.ts';

/** Everything the store holds, counted from its raw keys: what no question about a known node can bring to light. */
export interface Inventory {
  readonly nodes: ReadonlySet<string>;
  readonly steps: number;
  readonly occurrencesOut: number;
  readonly occurrencesIn: number;
  readonly tombstones: number;
}

/**
 * Reads a closed store's folder. The key layout is the one documented in `graph-store/rows.ts`; it is parsed here again,
 * so that a mistake there cannot hide itself.
 */
export async function takeInventory(folder: string): Promise<Inventory> {
  const db = new ClassicLevel<Buffer, Buffer>(folder, { keyEncoding: 'buffer', valueEncoding: 'buffer' });
  const nodes = new Set<string>();
  const rows = new Map<string, number>();
  try {
    for await (const key of db.keys({ gte: Buffer.from('g'), lt: Buffer.from('h') })) {
      // Behind `g` and four bytes of a hash.
      const typeAt = 5;
      const typeEnd = key.indexOf(0, typeAt);
      const idEnd = key.indexOf(0, typeEnd + 1);
      const type = key.toString('latin1', typeAt, typeEnd);
      nodes.add(nameOf({ type, id: key.toString('utf8', typeEnd + 1, idEnd) }));
      const kind = key.toString('latin1', idEnd + 1, idEnd + 2);
      rows.set(kind, (rows.get(kind) ?? 0) + 1);
    }
  } finally {
    await db.close();
  }
  return {
    nodes,
    steps: rows.get('s') ?? 0,
    occurrencesOut: rows.get('>') ?? 0,
    occurrencesIn: rows.get('<') ?? 0,
    tombstones: (rows.get('t') ?? 0) + (rows.get('x') ?? 0),
  };
}

/** What {@link takeInventory} must find. */
export function expectedInventory(oracle: Oracle): Inventory {
  const occurrences = oracle.edges.reduce((sum, { count }) => sum + count, 0);
  return {
    nodes: new Set(oracle.nodes.map(nameOf)),
    steps: oracle.journeys.reduce((sum, { steps }) => sum + steps.length, 0),
    occurrencesOut: occurrences,
    occurrencesIn: occurrences,
    tombstones: 0,
  };
}
