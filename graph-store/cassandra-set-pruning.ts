import { registerOf, registersIn } from './cassandra-cells.ts';
import type { CassandraConnection } from './cassandra-connection.ts';
import type { CellWrite } from './cassandra-node-cache.ts';
import { PartitionedWrites } from './cassandra-partitioned-writes.ts';
import { stampOf } from './cassandra-stamps.ts';
import { mapOf } from './cassandra-values.ts';
import { setElementsMax } from './model.ts';
import type { Register } from './register.ts';

/** Of so many elements that are written, one makes its writer look at the whole set. */
const elementsPerLook = 256;
const hashSpace = 2 ** 32;
const elementKind = 2;

/** Which of these nodes to look at, chosen by the hashes of elements that were written: so each set is looked at now and then, by whomever. */
export function nodesToPrune(
  writes: readonly CellWrite[],
  hash: (bytes: Uint8Array) => number,
): readonly Buffer[] {
  const chosen = ({ node, life, cells }: CellWrite): boolean =>
    life === 0 &&
    [...cells.keys()].some(
      (key) => isElement(key) && hash(Buffer.concat([node, key])) < hashSpace / elementsPerLook,
    );
  return writes.filter(chosen).map(({ node }) => node);
}

/** Removes elements of sets that no answer will ever have again. */
export async function pruneSets(connection: CassandraConnection, node: Buffer): Promise<void> {
  const nodes = connection.table('nodes');
  const [row] = await connection.rows(`SELECT registers FROM ${nodes} WHERE node = ? AND life = 0`, [node]);
  const writes = new PartitionedWrites();
  for (const { key, timeMs } of goneFor(mapOf(row?.[0]))) {
    writes.add('nodes', node, {
      query: `DELETE registers[?] FROM ${nodes} USING TIMESTAMP ? WHERE node = ? AND life = 0`,
      parameters: [key, stampOf(timeMs), node],
    });
  }
  await writes.write(connection);
}

/**
 * Elements older than all that a full set keeps, or than its clearing: newer ones can only become more, so these are out for good, and so is whatever else is written of them
 * with their time. Of the time of the oldest that is kept none is taken: there rank and content decide, and more may come.
 */
export function goneFor(
  cells: readonly (readonly [key: Buffer, value: Buffer])[],
): { readonly key: Buffer; readonly timeMs: number }[] {
  const oldestKept = new Map<string, number>();
  const kept = Map.groupBy(registersIn(cells), ({ name }) => name);
  for (const [name, registers] of kept) oldestKept.set(name, boundaryOf(registers));
  return cells.flatMap(([key, value]) => {
    const { name, timeMs, content } = registerOf(key, value);
    const isGone = content.kind === 'element' && timeMs < (oldestKept.get(name) ?? -1);
    return isGone ? [{ key, timeMs }] : [];
  });
}

function boundaryOf(registers: readonly Register[]): number {
  const elements = registers.filter(({ content }) => content.kind === 'element');
  const clearing = registers.find(({ content }) => content.kind === 'cleared');
  const full = elements.length < setElementsMax ? -1 : Math.min(...elements.map(({ timeMs }) => timeMs));
  return Math.max(full, clearing?.timeMs ?? -1);
}

/** A cell's key is a name, its kind, and more. */
function isElement(key: Buffer): boolean {
  return key[1 + (key[0] ?? 0)] === elementKind;
}
