import type { Snapshot } from 'classic-level';
import { must } from '../foundation/index.ts';
import type {
  BulkReads,
  FarEndsPage,
  FarEndsQuery,
  NodeScanPage,
  NodeScanQuery,
  PackedFarEndsPage,
  PropertiesQuery,
} from './bulk-reads.ts';
import { onlyNamed } from './bulk-reads.ts';
import { ByteReader } from './codec.ts';
import { type DeletedTypes, decodeDeletedTypes, nothingDeleted } from './deleted-types.ts';
import type { NodeView } from './graph-store.ts';
import type { Level } from './level.ts';
import { indexPrefix } from './leveldb-node-index.ts';
import { withoutLineage } from './lineage.ts';
import { shareUpTo } from './memory-bulk-reads.ts';
import type { NodeRef } from './model.ts';
import { NamedProperties } from './named-properties.ts';
import { eventKeyBytes, nodeHashBytes } from './packed-format.ts';
import { PackedIdsWriter, packIds, unpackedIds } from './packed-ids.ts';
import { readTime } from './register-bytes.ts';
import * as rows from './rows.ts';
import type { Expiry } from './time-to-live.ts';

/** Rows that LevelDB's thread hands over at once. */
const chunkRowsMax = 1024;
const chunkBytesMax = 512 * 1024;
/** What a page makes room for before it knows. */
const idsGuessMax = 4096;

/** The value where it is asked for. */
type Row = readonly [key: Buffer, value?: Buffer | string];

/** Reads over many nodes: keys alone where they say enough, values by many at once off the event loop, and nothing decoded that is not asked for. */
export class LevelBulkReads implements BulkReads {
  readonly #db: Level;
  readonly #expiry: () => Expiry;
  readonly #node: (ref: NodeRef) => Promise<NodeView | null>;

  /** `node` is asked about the few that have no visible row of their own. */
  constructor(db: Level, expiry: () => Expiry, node: (ref: NodeRef) => Promise<NodeView | null>) {
    this.#db = db;
    this.#expiry = expiry;
    this.#node = node;
  }

  async scan({ type, after, limit }: NodeScanQuery): Promise<NodeScanPage> {
    const prefix = indexPrefix(type);
    const gte = after === null ? prefix : Buffer.concat([prefix, after, Buffer.of(0)]);
    const keys = await this.#db.keys({ gte, lt: behind(prefix), limit: limit + 1 });
    const page = keys.slice(0, limit);
    const idAt = prefix.length + nodeHashBytes;
    const last = page.at(-1);
    const next = keys.length > limit && last !== undefined ? last.subarray(prefix.length) : null;
    return { ids: page.map((key) => key.toString('utf8', idAt)), next, share: shareUpTo(next) };
  }

  async farEnds(query: FarEndsQuery): Promise<FarEndsPage> {
    const page = await this.packedFarEnds(query);
    return { ...page, ids: unpackedIds(page.ids) };
  }

  async packedFarEnds(query: FarEndsQuery): Promise<PackedFarEndsPage> {
    await using snapshot = this.#db.snapshot();
    const { of, type, direction, farType, after, scanMax, keep } = query;
    const expiry = this.#expiry();
    const deleted = this.#deletedTypes(snapshot);
    // Both ends' times to live and the edge's own hide all that is older, whichever occurrence it is.
    const ownMs = deleted.nodes.has(of.type)
      ? rows.decodeTime(this.#db.getSync(rows.tombstoneKey(of), { snapshot }))
      : -1;
    const hiddenMs = Math.max(ownMs, expiry.ofNode(of.type), expiry.ofEdge(type), expiry.ofNode(farType));
    const prefix = rows.adjacencyPrefix(of, direction, type);
    const range = rows.timeRange(prefix, Math.max(query.sinceMs, hiddenMs + 1), query.untilMs);
    if (range === null) return { ids: packIds(farType, []), scanned: 0, next: null };
    const gte = after === null ? range.gte : later(range.gte, Buffer.concat([prefix, after, Buffer.of(0)]));
    const farName = Buffer.from(`${farType}\0`);
    const nameStart = prefix.length + eventKeyBytes;
    const looksUp = deleted.nodes.has(farType) || deleted.edges.has(type);
    const ids = new PackedIdsWriter(farType, Math.min(scanMax, idsGuessMax));
    let scanned = 0;
    let last: Buffer | null = null;
    for await (const chunk of this.#chunks({ gte, lt: range.lt }, scanMax + 1, keep !== null, snapshot)) {
      const found: Row[] = [];
      for (const row of chunk) {
        const [key, value] = row;
        if (scanned >= scanMax) {
          this.#take(
            await this.#visible(query, found, nameStart, looksUp, deleted, snapshot),
            nameStart,
            farName.length,
            ids,
          );
          const next = must(last, 'a row was looked at').subarray(prefix.length);
          return { ids: ids.packed(), scanned, next };
        }
        scanned += 1;
        last = key;
        if (!standsAt(farName, key, nameStart)) continue;
        if (Buffer.isBuffer(value) && keep?.(new ByteReader(withoutLineage(value)).properties()) === false)
          continue;
        found.push(row);
      }
      this.#take(
        await this.#visible(query, found, nameStart, looksUp, deleted, snapshot),
        nameStart,
        farName.length,
        ids,
      );
    }
    return { ids: ids.packed(), scanned, next: null };
  }

  async properties(query: PropertiesQuery): Promise<readonly (NodeView['properties'] | null)[]> {
    const { type, ids, names } = query;
    const found: (NodeView['properties'] | null)[] = [];
    for (const [i, values] of (await this.rowsOf(query)).entries())
      found.push(values ?? onlyNamed(await this.#node({ type, id: ids[i] ?? '' }), names));
    return found;
  }

  /** What rows of their own say; null of a node that has none that can be seen, which only the rows that mention it tell. */
  async rowsOf({ type, ids, names }: PropertiesQuery): Promise<readonly (NodeView['properties'] | null)[]> {
    await using snapshot = this.#db.snapshot();
    const expiresMs = this.#expiry().ofNode(type);
    const isDeleted = this.#deletedTypes(snapshot).nodes.has(type);
    const stored = await this.#db.getMany(rows.nodeKeys(type, ids), { snapshot });
    const tombstones = isDeleted
      ? await this.#db.getMany(
          ids.map((id) => rows.tombstoneKey({ type, id })),
          { snapshot },
        )
      : [];
    const wanted = new NamedProperties(names);
    const found: (NodeView['properties'] | null)[] = [];
    for (const [i, row] of stored.entries()) {
      const hiddenMs = isDeleted ? Math.max(expiresMs, rows.decodeTime(tombstones[i])) : expiresMs;
      const isSeen = row !== undefined && readTime(row, 0) > hiddenMs;
      found.push(isSeen ? wanted.of(row, hiddenMs) : null);
    }
    return found;
  }

  #take(found: readonly Row[], nameStart: number, typeLength: number, ids: PackedIdsWriter): void {
    const idAt = nameStart + typeLength;
    for (const [key] of found) ids.add(key, idAt, nulFrom(key, idAt));
  }

  /** Leaves out what a delete of the far end or of the edge hides. Where nothing of those types was ever deleted nobody looks. */
  async #visible(
    { of, type, direction, farType }: FarEndsQuery,
    found: readonly Row[],
    nameStart: number,
    looksUp: boolean,
    deleted: DeletedTypes,
    snapshot: Snapshot,
  ): Promise<readonly Row[]> {
    if (!looksUp || found.length === 0) return found;
    const asked: Buffer[] = [];
    const times = found.map(([key]) => {
      const reader = new ByteReader(key, nameStart - eventKeyBytes);
      const { timeMs } = reader.eventKey();
      const far = reader.nodeName();
      const edgeKey = key.toString('utf8', reader.at);
      const [from, to] = direction === 'out' ? [of, far] : [far, of];
      if (deleted.nodes.has(farType)) asked.push(rows.tombstoneKey(far));
      if (deleted.edges.has(type))
        asked.push(rows.edgeTombstoneKey(type, from, to, edgeKey === '' ? null : edgeKey));
      return timeMs;
    });
    const tombstones = (await this.#db.getMany(asked, { snapshot })).map(rows.decodeTime);
    const perRow = asked.length / found.length;
    return found.filter((_row, i) => {
      const hiddenMs = Math.max(-1, ...tombstones.slice(i * perRow, (i + 1) * perRow));
      return (times[i] ?? -1) > hiddenMs;
    });
  }

  /** Values are read only where somebody looks at them. */
  async *#chunks(
    range: { readonly gte: Buffer; readonly lt: Buffer },
    rowsWanted: number,
    withValues: boolean,
    snapshot: Snapshot,
  ): AsyncGenerator<readonly Row[]> {
    const options = { ...range, snapshot, highWaterMarkBytes: chunkBytesMax };
    await using iterator = withValues ? this.#db.iterator(options) : this.#db.keysAlone(options);
    for (let left = rowsWanted; left > 0; ) {
      const chunk: readonly Row[] = await iterator.nextv(Math.min(left, chunkRowsMax));
      if (chunk.length === 0) return;
      yield chunk;
      left -= chunk.length;
    }
  }

  #deletedTypes(snapshot: Snapshot): DeletedTypes {
    const stored = this.#db.getSync(rows.metaKey.deletedTypes, { snapshot });
    return stored === undefined ? nothingDeleted : decodeDeletedTypes(stored);
  }
}

/** By hand: what is compared is shorter than a call into native code takes, and it is done a million times. */
function standsAt(name: Buffer, key: Buffer, at: number): boolean {
  for (let i = 0; i < name.length; i += 1) if (key[at + i] !== name[i]) return false;
  return true;
}

function nulFrom(key: Buffer, at: number): number {
  let end = at;
  while (end < key.length && key[end] !== 0) end += 1;
  return end;
}

function behind(prefix: Buffer): Buffer {
  const end = Buffer.from(prefix);
  end[end.length - 1] = 1;
  return end;
}

function later(a: Buffer, b: Buffer): Buffer {
  return a.compare(b) >= 0 ? a : b;
}
