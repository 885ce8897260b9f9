import type { ChainedBatch, ClassicLevel } from 'classic-level';
import { must } from '../foundation/index.ts';
import type { Applied, SourcePartition } from './graph-store.ts';
import { type HyperLogLog, mixHashes } from './hyperloglog.ts';
import { lineageBytesMax, type OriginIds, originKey, writeLineage } from './lineage.ts';
import type { EventOrigin } from './model.ts';
import type { NodeCache } from './node-cache.ts';
import type { NodeRowMerger } from './node-row.ts';
import {
  eventKeyBytes,
  eventLineageBytes,
  hashSlotBytes,
  prefixLengthBytes,
  rankBytes,
  tag,
} from './packed-format.ts';
import { metaKey, rowKind } from './rows.ts';

export type Level = ClassicLevel<Buffer, Buffer>;

/** What all groups of one writer share. */
export interface GroupContext {
  readonly db: Level;
  readonly cache: NodeCache;
  readonly merger: NodeRowMerger;
  readonly nodes: HyperLogLog;
  readonly edges: HyperLogLog;
  readonly hash: (bytes: Uint8Array) => number;
  readonly scratch: Scratch;
  readonly values: Scratch;
  readonly origins: OriginIds;
}

/** A packed batch, and where its events were read. */
export interface GroupBatch {
  readonly packed: Buffer;
  readonly source: SourcePartition;
  readonly origins: readonly EventOrigin[];
}

/**
 * One buffer with a view for every length up to a bound. LevelDB's binding copies keys and values at once, so a key can be
 * built here and handed over without making an object for it.
 */
export class Scratch {
  readonly bytes: Buffer;
  readonly #views: Buffer[] = [];

  constructor(bytesMax: number) {
    this.bytes = Buffer.allocUnsafeSlow(bytesMax);
    for (let length = 0; length <= bytesMax; length += 1) this.#views.push(this.bytes.subarray(0, length));
  }

  view(length: number): Buffer {
    return must(this.#views[length], 'a key is longer than any key can be');
  }
}

/** Values up to this size are copied; longer ones get a view. */
export const copiedValueBytesMax = 256;

/** Two prefixes, an edge type, an event key, an edge's key and change. */
export const keyBytesMax = 2 * (1024 + 128 + 3) + 128 + eventKeyBytes + 255 + 8;

/**
 * Several applied batches on their way into one atomic write. Steps and occurrences go straight into LevelDB's batch; node
 * rows are merged in memory first and put once, when the group is sealed.
 */
export class LevelGroup {
  readonly #context: GroupContext;
  readonly #batch: ChainedBatch<Level, Buffer, Buffer>;
  /** The group that is being written: its node rows are newer than what LevelDB answers. */
  #before: LevelGroup | null;
  readonly #nodeRows = new Map<string, string>();
  readonly #tombstones = new Map<string, number>();
  #estimatesChanged = false;
  #bytes = 0;
  #key: Buffer;
  #nodeWrites = 0;
  #nodeWritesSuppressed = 0;
  #nodeWritesCoalesced = 0;
  /** Of the event under way: its length, then itself. */
  readonly #lineage = Buffer.alloc(1 + lineageBytesMax);

  constructor(context: GroupContext, before: LevelGroup | null) {
    this.#context = context;
    this.#batch = context.db.batch();
    this.#before = before;
    this.#key = context.scratch.bytes;
  }

  get sizeBytes(): number {
    return this.#bytes;
  }

  putMeta(key: Buffer, value: Buffer): void {
    this.#batch.put(key, value);
  }

  /** Takes a packed batch in. Any error here is a bug: `MutationBatch` checked what it packed, see `packed-format.ts`. */
  add({ packed, source, origins }: GroupBatch): Applied {
    const ids = origins.map((origin) => this.#originId(source, origin));
    this.#nodeWrites = 0;
    this.#nodeWritesSuppressed = 0;
    this.#nodeWritesCoalesced = 0;
    this.#bytes += packed.length;
    let at = 0;
    let eventAt = 0;
    while (at < packed.length) {
      switch (packed[at]) {
        case tag.event:
          eventAt = at + 1 + rankBytes;
          at = eventAt + eventKeyBytes;
          this.#startEvent(packed, at, ids, source.partition);
          at += eventLineageBytes;
          break;
        case tag.define:
          at = this.#define(packed, at + 1);
          break;
        case tag.node:
          at = this.#node(packed, at + 1, eventAt, false);
          break;
        case tag.nodeSets:
          at = this.#node(packed, at + 1, eventAt, true);
          break;
        case tag.edge:
          at = this.#edge(packed, at + 1, eventAt);
          break;
        case tag.step:
          at = this.#step(packed, at + 1, eventAt);
          break;
        case tag.nodeDelete:
          at = this.#nodeDelete(packed, at + 1, eventAt);
          break;
        case tag.edgeDelete:
          at = this.#edgeDelete(packed, at + 1, eventAt);
          break;
        default:
          must(null, 'a packed batch has an unknown tag');
      }
    }
    return {
      nodeWrites: this.#nodeWrites,
      nodeWritesSuppressed: this.#nodeWritesSuppressed,
      nodeWritesCoalesced: this.#nodeWritesCoalesced,
    };
  }

  /** Writes all of it durably, or rejects and nothing of it may be assumed. */
  async write(): Promise<void> {
    const { scratch, nodes, edges } = this.#context;
    // Its writing is over, and groups must not hold each other in a chain.
    this.#before = null;
    for (const [key, row] of this.#nodeRows) {
      const length = scratch.bytes.write(key, 0, 'latin1');
      scratch.bytes[length] = rowKind.node;
      const { values } = this.#context;
      const fits = row.length <= values.bytes.length;
      if (fits) values.bytes.write(row, 0, 'latin1');
      this.#batch.put(scratch.view(length + 1), fits ? values.view(row.length) : Buffer.from(row, 'latin1'));
    }
    for (const [key, timeMs] of this.#tombstones) {
      const value = Buffer.allocUnsafe(8);
      value.writeUInt32BE(Math.floor(timeMs / 2 ** 32));
      value.writeUInt32BE(timeMs % 2 ** 32, 4);
      this.#batch.put(Buffer.from(key, 'latin1'), value);
    }
    if (this.#estimatesChanged) {
      this.#batch.put(metaKey.nodeEstimate, Buffer.from(nodes.registers));
      this.#batch.put(metaKey.edgeEstimate, Buffer.from(edges.registers));
    }
    await this.#batch.write({ sync: true });
  }

  /** Of a row that time to live hides; null when there is nothing to remove. The row may have changed since it was looked at. */
  removeExpired(key: Buffer, hiddenMs: number): boolean {
    const kind = key[key.indexOf(0, key.indexOf(0) + 1) + 1];
    if (kind === rowKind.node && !this.#removeNode(key, hiddenMs)) return false;
    const isTombstone = kind === rowKind.tombstone || kind === rowKind.edgeTombstone;
    if (isTombstone && !this.#removeTombstone(key, hiddenMs)) return false;
    this.#batch.del(key);
    this.#bytes += key.length;
    return true;
  }

  #removeNode(key: Buffer, hiddenMs: number): boolean {
    const prefix = key.toString('latin1', 0, key.length - 1);
    const { cache } = this.#context;
    const row =
      this.#nodeRows.get(prefix) ??
      this.#before?.pendingRow(prefix) ??
      cache.get(prefix) ??
      this.#read(prefix);
    if (row === undefined || readUint64(Buffer.from(row.slice(0, 8), 'latin1'), 0) > hiddenMs) return false;
    this.#nodeRows.delete(prefix);
    cache.delete(prefix);
    return true;
  }

  /** A later delete may be on its way, which this one must not take away. */
  #removeTombstone(key: Buffer, hiddenMs: number): boolean {
    const text = key.toString('latin1');
    const timeMs =
      this.#tombstones.get(text) ?? this.#before?.pendingTombstone(text) ?? this.#storedTime(key);
    if (timeMs > hiddenMs) return false;
    this.#tombstones.delete(text);
    return true;
  }

  #storedTime(key: Buffer): number {
    const stored = this.#context.db.getSync(key);
    return stored === undefined ? -1 : readUint64(stored, 0);
  }

  #originId(source: SourcePartition, origin: EventOrigin): number {
    const found = this.#context.origins.idOf(source, origin);
    if (found === null) return 0;
    if (found.row !== null) this.#batch.put(originKey(found.id), found.row);
    return found.id;
  }

  #startEvent(packed: Buffer, at: number, ids: readonly number[], partition: number): void {
    const place = packed.readUInt16BE(at);
    const id = place === 0 ? 0 : (ids[place - 1] ?? 0);
    const bytes = this.#lineage;
    bytes[0] = id === 0 ? 0 : writeLineage(bytes, 1, id, partition, packed, at + 2) - 1;
  }

  #define(packed: Buffer, at: number): number {
    const lengthAt = at + hashSlotBytes;
    const start = lengthAt + prefixLengthBytes;
    const end = start + packed.readUInt16BE(lengthAt);
    const hash = this.#context.hash(packed.subarray(start, end));
    packed.writeUInt32BE(hash, at);
    if (this.#context.nodes.add(hash)) this.#estimatesChanged = true;
    return end;
  }

  #node(packed: Buffer, at: number, eventAt: number, withSets: boolean): number {
    const { cache, merger } = this.#context;
    const node = packed.readUInt32BE(at);
    const start = at + 8;
    const end = start + packed.readUInt32BE(at + 4);
    const key = packed.toString('latin1', node + prefixLengthBytes, prefixEnd(packed, node));
    const before =
      this.#nodeRows.get(key) ?? this.#before?.pendingRow(key) ?? cache.get(key) ?? this.#read(key);
    const mutation = {
      bytes: packed,
      start,
      end,
      timeMs: eventTime(packed, eventAt),
      rank: readUint64(packed, eventAt - rankBytes),
      lineage: this.#lineage.subarray(1, 1 + (this.#lineage[0] ?? 0)),
    };
    const row = withSets ? merger.mergeSets(before, mutation) : merger.merge(before, mutation);
    if (row === null) {
      this.#nodeWritesSuppressed += 1;
    } else {
      if (this.#nodeRows.has(key)) this.#nodeWritesCoalesced += 1;
      else this.#nodeWrites += 1;
      // A row is larger than what changes it: by the changes alone a group could hold any amount.
      this.#bytes += row.length - (this.#nodeRows.get(key)?.length ?? 0);
      this.#nodeRows.set(key, row);
      cache.set(key, row);
    }
    return end;
  }

  pendingRow(key: string): string | undefined {
    return this.#nodeRows.get(key);
  }

  pendingTombstone(key: string): number | undefined {
    return this.#tombstones.get(key);
  }

  #read(key: string): string | undefined {
    const { db, scratch } = this.#context;
    const length = scratch.bytes.write(key, 0, 'latin1');
    scratch.bytes[length] = rowKind.node;
    return db.getSync(scratch.view(length + 1))?.toString('latin1');
  }

  #edge(packed: Buffer, at: number, eventAt: number): number {
    const from = packed.readUInt32BE(at);
    const to = packed.readUInt32BE(at + 4);
    const typeAt = at + 8;
    const typeEnd = typeAt + 1 + (packed[typeAt] ?? 0);
    const keyEnd = typeEnd + 1 + (packed[typeEnd] ?? 0);
    const start = keyEnd + 4;
    const end = start + packed.readUInt32BE(keyEnd);
    const value = this.#value(packed, start, end);
    const out = this.#occurrenceKey(packed, from, rowKind.out, typeAt, typeEnd, eventAt, to, keyEnd);
    this.#batch.put(this.#context.scratch.view(out), value);
    const back = this.#occurrenceKey(packed, to, rowKind.in, typeAt, typeEnd, eventAt, from, keyEnd);
    this.#batch.put(this.#context.scratch.view(back), value);
    const hash = mixHashes(
      mixHashes(packed.readUInt32BE(from - hashSlotBytes), packed.readUInt32BE(to - hashSlotBytes)),
      nameHash(packed, typeAt, keyEnd),
    );
    if (this.#context.edges.add(hash)) this.#estimatesChanged = true;
    return end;
  }

  #step(packed: Buffer, at: number, eventAt: number): number {
    const owner = packed.readUInt32BE(at);
    const start = at + 8;
    const end = start + packed.readUInt32BE(at + 4);
    let length = this.#copy(packed, owner + prefixLengthBytes, prefixEnd(packed, owner), 0);
    this.#key[length++] = rowKind.step;
    length = this.#copy(packed, eventAt, eventAt + eventKeyBytes, length);
    this.#batch.put(this.#context.scratch.view(length), this.#value(packed, start, end));
    return end;
  }

  #nodeDelete(packed: Buffer, at: number, eventAt: number): number {
    const node = packed.readUInt32BE(at);
    const length = this.#copy(packed, node + prefixLengthBytes, prefixEnd(packed, node), 0);
    this.#key[length] = rowKind.tombstone;
    this.#bury(length + 1, eventTime(packed, eventAt));
    return at + 4;
  }

  #edgeDelete(packed: Buffer, at: number, eventAt: number): number {
    const from = packed.readUInt32BE(at);
    const to = packed.readUInt32BE(at + 4);
    const typeAt = at + 8;
    const typeEnd = typeAt + 1 + (packed[typeAt] ?? 0);
    const keyEnd = typeEnd + 1 + (packed[typeEnd] ?? 0);
    let length = this.#copy(packed, from + prefixLengthBytes, prefixEnd(packed, from), 0);
    this.#key[length++] = rowKind.edgeTombstone;
    length = this.#copy(packed, typeAt + 1, typeEnd, length);
    this.#key[length++] = 0;
    length = this.#copy(packed, to + prefixLengthBytes, prefixEnd(packed, to), length);
    length = this.#copy(packed, typeEnd + 1, keyEnd, length);
    this.#bury(length, eventTime(packed, eventAt));
    return keyEnd;
  }

  /** Tombstones combine by max. Deletes are rare, so each reads what is stored. */
  #bury(keyLength: number, timeMs: number): void {
    const view = this.#context.scratch.view(keyLength);
    const key = view.toString('latin1');
    const before = this.#tombstones.get(key) ?? this.#before?.pendingTombstone(key) ?? this.#storedTime(view);
    if (timeMs > before) this.#tombstones.set(key, timeMs);
  }

  #occurrenceKey(
    packed: Buffer,
    of: number,
    kind: number,
    typeAt: number,
    typeEnd: number,
    eventAt: number,
    other: number,
    keyEnd: number,
  ): number {
    let length = this.#copy(packed, of + prefixLengthBytes, prefixEnd(packed, of), 0);
    this.#key[length++] = kind;
    length = this.#copy(packed, typeAt + 1, typeEnd, length);
    this.#key[length++] = 0;
    length = this.#copy(packed, eventAt, eventAt + eventKeyBytes, length);
    length = this.#copy(packed, other + prefixLengthBytes, prefixEnd(packed, other), length);
    return this.#copy(packed, typeEnd + 1, keyEnd, length);
  }

  /** The event's lineage, then the row's own bytes. Short ones go by a scratch, which costs less than a buffer of their own does to make and to collect. */
  #value(packed: Buffer, start: number, end: number): Buffer {
    const lineage = this.#lineage;
    const lineageEnd = 1 + (lineage[0] ?? 0);
    const { bytes } = this.#context.values;
    const length = lineageEnd + end - start;
    if (length > bytes.length)
      return Buffer.concat([lineage.subarray(0, lineageEnd), packed.subarray(start, end)]);
    for (let i = 0; i < lineageEnd; i += 1) bytes[i] = lineage[i] ?? 0;
    for (let i = start, to = lineageEnd; i < end; i += 1, to += 1) bytes[to] = packed[i] ?? 0;
    return this.#context.values.view(length);
  }

  #copy(packed: Buffer, start: number, end: number, at: number): number {
    const key = this.#key;
    let to = at;
    for (let i = start; i < end; i += 1) key[to++] = packed[i] ?? 0;
    return to;
  }
}

function prefixEnd(packed: Buffer, node: number): number {
  return node + prefixLengthBytes + packed.readUInt16BE(node);
}

function eventTime(packed: Buffer, eventAt: number): number {
  return Number.MAX_SAFE_INTEGER - readUint64(packed, eventAt);
}

/** Of what is known to be a safe integer. */
function readUint64(bytes: Buffer, at: number): number {
  return bytes.readUInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4);
}

/** FNV-1a of an edge type: a few bytes, for which entering WebAssembly would cost more than hashing. */
export function nameHash(bytes: Buffer, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let i = start; i < end; i += 1) hash = Math.imul(hash ^ (bytes[i] ?? 0), 0x01000193);
  return hash >>> 0;
}
