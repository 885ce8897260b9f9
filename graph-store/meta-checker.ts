import { DeletedTypesSoFar, nothingDeleted } from './deleted-types.ts';
import type { GraphKey } from './graph-key.ts';
import { metaKey } from './rows.ts';
import { isStretchesRow } from './stretches.ts';

/** Whether the rows about the graph as a whole by which reads go say what its graph rows say. Graph rows come first. */
export class MetaChecker {
  /** Bounded by the types that mappings declare. */
  readonly #tombstones = new DeletedTypesSoFar(nothingDeleted);
  /** Null when it could not be read, which is a fault already. */
  #stored: NamesByKind | null = { nodes: [], edges: [] };

  graphRow(key: GraphKey): void {
    if (key.kind === 'tombstone') this.#tombstones.add('nodes', key.node.type);
    if (key.kind === 'edge-tombstone') this.#tombstones.add('edges', key.type);
  }

  /** What is wrong with one of these rows; null when nothing is, or when it is another. */
  row(key: Buffer, value: Buffer): string | null {
    if (key.equals(metaKey.timeToLive)) {
      return isTimeToLive(jsonOf(value)) ? null : 'the times to live cannot be read';
    }
    if (key.equals(metaKey.stretches)) {
      return isStretchesRow(jsonOf(value)) ? null : 'where stretches begin cannot be read';
    }
    if (!key.equals(metaKey.deletedTypes)) return null;
    const stored = jsonOf(value);
    this.#stored = isNamesByKind(stored) ? stored : null;
    return this.#stored === null ? 'the types of which something was deleted cannot be read' : null;
  }

  /** What the row of deleted types lacks, once all rows were shown: reads look for no tombstone of these types. */
  *lacking(): Generator<string> {
    if (this.#stored === null) return;
    for (const kind of ['nodes', 'edges'] as const) {
      for (const type of this.#tombstones[kind]) {
        if (this.#stored[kind].includes(type)) continue;
        yield `there are tombstones of ${kind} of type ${type}, which this row does not name, so reads pass over them`;
      }
    }
  }
}

interface NamesByKind {
  readonly nodes: readonly string[];
  readonly edges: readonly string[];
}

/** Undefined for what is no JSON. */
export function jsonOf(value: Buffer): unknown {
  try {
    return JSON.parse(value.toString());
  } catch {
    return undefined;
  }
}

function isNamesByKind(found: unknown): found is NamesByKind {
  if (!isObject(found) || !('nodes' in found && 'edges' in found)) return false;
  return [found.nodes, found.edges].every(
    (names) => Array.isArray(names) && names.every((name) => typeof name === 'string'),
  );
}

function isTimeToLive(found: unknown): boolean {
  if (!isObject(found) || !('nodes' in found && 'edges' in found)) return false;
  return [found.nodes, found.edges].every(
    (rules) => isObject(rules) && Object.values(rules).every((ttlMs) => typeof ttlMs === 'number'),
  );
}

function isObject(found: unknown): found is object {
  return typeof found === 'object' && found !== null;
}
