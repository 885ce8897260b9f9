import {
  type BulkReads,
  type FarEndsPage,
  type FarEndsQuery,
  type NodeScanPage,
  type NodeScanQuery,
  onlyNamed,
  type PropertiesQuery,
  placeOf,
} from './bulk-reads.ts';
import type { GraphReader, NodeView, OccurrenceView } from './graph-store.ts';
import * as rows from './rows.ts';

/** What the other adapters must do, in the plainest way: out of what single reads answer. */
export class MemoryBulkReads implements BulkReads {
  readonly #reader: Pick<GraphReader, 'adjacency' | 'nodes'>;
  readonly #idsOf: (type: string) => readonly string[];

  /** `idsOf` has the nodes of a type that have a row of their own, in any order. */
  constructor(reader: Pick<GraphReader, 'adjacency' | 'nodes'>, idsOf: (type: string) => readonly string[]) {
    this.#reader = reader;
    this.#idsOf = idsOf;
  }

  async scan({ type, after, limit }: NodeScanQuery): Promise<NodeScanPage> {
    const keyed = this.#idsOf(type).map((id) => ({ id, key: scanKey(placeOf({ type, id }), id) }));
    const ordered = keyed
      .filter(({ key }) => after === null || key.compare(after) > 0)
      .sort((a, b) => a.key.compare(b.key));
    const page = ordered.slice(0, limit);
    const next = ordered.length > limit ? (page.at(-1)?.key ?? null) : null;
    return { ids: page.map(({ id }) => id), next, share: shareUpTo(next) };
  }

  async farEnds({ keep, after, scanMax, farType, ...query }: FarEndsQuery): Promise<FarEndsPage> {
    const all = { ...query, limit: Number.POSITIVE_INFINITY, scanMax: Number.POSITIVE_INFINITY };
    const { occurrences } = await this.#reader.adjacency(all);
    const end = (view: OccurrenceView) => (query.direction === 'out' ? view.to : view.from);
    const behind = occurrences.filter(
      (view) => after === null || cursorOf(view, end(view)).compare(after) > 0,
    );
    const page = behind.slice(0, scanMax);
    const last = page.at(-1);
    const kept = page.filter((view) => end(view).type === farType && (keep?.(view.properties) ?? true));
    return {
      ids: kept.map((view) => end(view).id),
      scanned: page.length,
      next: behind.length > scanMax && last !== undefined ? cursorOf(last, end(last)) : null,
    };
  }

  async properties({
    type,
    ids,
    names,
  }: PropertiesQuery): Promise<readonly (NodeView['properties'] | null)[]> {
    const found = await this.#reader.nodes(ids.map((id) => ({ type, id })));
    return found.map((view) => onlyNamed(view, names));
  }
}

/** What stands behind the type in the embedded store's index of nodes. */
export function scanKey(place: number, id: string): Buffer {
  const key = Buffer.from(`....${id}`);
  key.writeUInt32BE(place);
  return key;
}

/** Of a page that ends at this place of the index; of one that ends it, all. */
export function shareUpTo(next: Uint8Array | null): number {
  if (next === null) return 1;
  return (Buffer.from(next).readUInt32BE(0) + 1) / 2 ** 32;
}

function cursorOf(view: OccurrenceView, end: OccurrenceView['to']): Buffer {
  return Buffer.concat([rows.eventKey(view), rows.nodeName(end), Buffer.from(view.key ?? '')]);
}
