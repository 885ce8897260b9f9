import { must } from '../foundation/index.ts';
import { type DeletedTypesSoFar, encodeDeletedTypes } from './deleted-types.ts';
import type { Applied, SourcePartition } from './graph-store.ts';
import { type HyperLogLog, mixHashes } from './hyperloglog.ts';
import type { Level } from './level.ts';
import { GroupDeletions } from './leveldb-group-deletions.ts';
import { indexKeyOf, putIndexRow } from './leveldb-node-index.ts';
import { type LineageBytes, type OriginIds, originKey } from './lineage.ts';
import type { EventOrigin } from './model.ts';
import { fnv1a, hashNodeName } from './node-hash.ts';
import { NodeNames } from './node-names.ts';
import type { NodeRowMerger } from './node-row.ts';
import type { NodeRows } from './node-rows.ts';
import {
  eventKeyBytes,
  eventLineageBytes,
  nameLengthBytes,
  nodeHashBytes,
  rankBytes,
  tag,
} from './packed-format.ts';
import { putUint32, uint16At, uint32At } from './read-bytes.ts';
import { readTime } from './register-bytes.ts';
import type { RowBatch, RowBatches } from './row-batches.ts';
import type { RowBuilder } from './row-builder.ts';
import type { QueuedRow, RowQueue } from './row-queue.ts';
import { kindAt, metaKey, nameAt, rowKind, timeBytes } from './rows.ts';
import type { Stretches } from './stretches.ts';

/** What all groups of one writer share. */
export interface GroupContext {
  readonly db: Level;
  readonly nodeRows: NodeRows;
  readonly merger: NodeRowMerger;
  readonly nodes: HyperLogLog;
  readonly edges: HyperLogLog;
  readonly builder: RowBuilder;
  readonly queue: RowQueue;
  readonly lineage: LineageBytes;
  readonly origins: OriginIds;
  readonly deleted: DeletedTypesSoFar;
  readonly batches: RowBatches;
  readonly stretches: Stretches;
  /** Groups that LevelDB does not have yet, the one being built included. */
  readonly pending: Set<LevelGroup>;
  /** Numbers groups, and parts of groups: each is given out once. */
  readonly nextNumber: () => number;
}

/** A packed batch, and where its events were read. */
export interface GroupBatch {
  readonly packed: Buffer;
  readonly eventCount: number;
  readonly source: SourcePartition;
  readonly origins: readonly EventOrigin[];
}

/** In the place of an event, which a node's row has none of: there was no row before. */
const isNew = 1;
/** Both sides of an edge. */
const rowsOfMutationMax = 2;

/**
 * Several applied batches on their way into one atomic write, in three acts: `add` notes which rows there will be and merges those of nodes in
 * memory, `seal` builds all of them in key order, `write` hands them to LevelDB.
 */
export class LevelGroup {
  readonly #context: GroupContext;
  #taken: RowBatch | null = null;
  readonly #packed: Buffer[] = [];
  /** Nodes whose rows it changed. */
  readonly #changed = new NodeNames();
  /** Of those, the ones that had no row, in the order of their keys. */
  #first: number[] = [];
  /** What it deletes, and what it takes away. */
  readonly deletions: GroupDeletions;
  #number: number;
  #estimatesChanged = false;
  #deletedChanged = false;
  #bytes = 0;
  #events = 0;
  #nodeWrites = 0;
  #nodeWritesSuppressed = 0;
  #nodeWritesCoalesced = 0;

  constructor(context: GroupContext) {
    this.#context = context;
    this.deletions = new GroupDeletions(context);
    this.#number = context.nextNumber();
    context.pending.add(this);
  }

  /** Made when the first row is known, which for most groups is when they are sealed. */
  get #batch(): RowBatch {
    this.#taken ??= this.#context.batches.take();
    return this.#taken;
  }

  get sizeBytes(): number {
    return this.#bytes;
  }

  get events(): number {
    return this.#events;
  }

  /** Names of the nodes whose rows are newer than what LevelDB answers. */
  get changed(): NodeNames {
    return this.#changed;
  }

  putMeta(key: Buffer, value: Buffer): void {
    this.#batch.put(key, value);
  }

  /** Takes a packed batch in. Any error here is a bug: `MutationBatch` checked what it packed, see `packed-format.ts`. */
  add({ packed, eventCount, source, origins }: GroupBatch): Applied {
    const ids = origins.map((origin) => this.#originId(source, origin));
    const { lineage } = this.#context;
    this.#nodeWrites = 0;
    this.#nodeWritesSuppressed = 0;
    this.#nodeWritesCoalesced = 0;
    this.#bytes += packed.length;
    this.#events += eventCount;
    this.#packed.push(packed);
    let at = 0;
    let eventAt = 0;
    let lineageAt = 0;
    while (at < packed.length) {
      switch (packed[at]) {
        case tag.event: {
          eventAt = at + 1 + rankBytes;
          this.#context.stretches.note(Number.MAX_SAFE_INTEGER - readTime(packed, eventAt));
          at = eventAt + eventKeyBytes;
          const place = uint16At(packed, at);
          const id = place === 0 ? 0 : (ids[place - 1] ?? 0);
          lineageAt = lineage.add(id, source.partition, packed, at + 2);
          at += eventLineageBytes;
          break;
        }
        case tag.define:
          at = this.#define(packed, at + 1);
          break;
        case tag.node:
          at = this.#node(packed, at + 1, eventAt, lineageAt, false);
          break;
        case tag.nodeSets:
          at = this.#node(packed, at + 1, eventAt, lineageAt, true);
          break;
        case tag.edge:
          at = this.#edge(packed, at + 1, eventAt, lineageAt);
          break;
        case tag.step:
          at = this.#step(packed, at + 1, eventAt, lineageAt);
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

  /** Builds what is to be written. Nothing is added afterwards. */
  seal(): void {
    const { nodes, edges, lineage, deleted, stretches } = this.#context;
    this.#drain();
    lineage.clear();
    for (const [key, timeMs] of this.deletions.tombstones) {
      this.#batch.put(Buffer.from(key, 'latin1'), timeBytes(timeMs));
    }
    if (this.#estimatesChanged) {
      this.#batch.put(metaKey.nodeEstimate, Buffer.from(nodes.registers));
      this.#batch.put(metaKey.edgeEstimate, Buffer.from(edges.registers));
    }
    if (this.#events > 0) this.#batch.put(metaKey.stretches, stretches.encode());
    if (this.#deletedChanged) this.#batch.put(metaKey.deletedTypes, encodeDeletedTypes(deleted));
    this.#packed.length = 0;
  }

  /** Writes all of it durably, or rejects and nothing of it may be assumed. */
  async write(): Promise<void> {
    const batch = this.#batch;
    await batch.write();
    this.#taken = null;
    this.#context.pending.delete(this);
    await this.#context.batches.leave(batch);
  }

  /** Of a row that time to live hides; null when there is nothing to remove, of a tombstone its time. The row may have changed since it was looked at. */
  removeExpired(key: Buffer, hiddenMs: number): { readonly deletedMs: number | null } | null {
    const kind = key[kindAt(key)];
    if (kind === rowKind.node && !this.#removeNode(key, hiddenMs)) return null;
    const isTombstone = kind === rowKind.tombstone || kind === rowKind.edgeTombstone;
    const deletedMs = isTombstone ? this.deletions.removeTombstone(key, hiddenMs) : null;
    if (isTombstone && deletedMs === null) return null;
    this.#batch.del(this.#context.stretches.storedKey(key));
    // Should the node come back, in this group or a later one, it is new and puts its row there again.
    if (kind === rowKind.node) this.#batch.del(indexKeyOf(key));
    this.#bytes += key.length;
    return { deletedMs };
  }

  #removeNode(key: Buffer, hiddenMs: number): boolean {
    const { nodeRows } = this.#context;
    const end = key.length - 1;
    const hash = uint32At(key, 1);
    const slot = this.#rowOf(key, nameAt, end, hash);
    if (slot < 0 || readTime(nodeRows.bytes, nodeRows.start(slot)) > hiddenMs) return false;
    nodeRows.delete(key, nameAt, end, hash);
    this.deletions.removeNode(key.toString('latin1', nameAt, end));
    return true;
  }

  #originId(source: SourcePartition, origin: EventOrigin): number {
    const found = this.#context.origins.idOf(source, origin);
    if (found === null) return 0;
    if (found.row !== null) this.#batch.put(originKey(found.id), found.row);
    return found.id;
  }

  #define(packed: Buffer, at: number): number {
    const hashAt = at + nameLengthBytes;
    const start = hashAt + nodeHashBytes;
    const end = start + uint16At(packed, at);
    const hash = hashNodeName(packed, start, end);
    putUint32(packed, hashAt, hash);
    if (this.#context.nodes.add(hash)) this.#estimatesChanged = true;
    return end;
  }

  #node(packed: Buffer, at: number, eventAt: number, lineageAt: number, withSets: boolean): number {
    const { nodeRows, merger, lineage, queue } = this.#context;
    this.#makeRoom();
    const node = uint32At(packed, at);
    const start = at + 8;
    const end = start + uint32At(packed, at + 4);
    const named = node + nameLengthBytes + nodeHashBytes;
    const namedEnd = named + uint16At(packed, node);
    const hash = uint32At(packed, node + nameLengthBytes);
    const slot = this.#rowOf(packed, named, namedEnd, hash);
    const mutation = {
      bytes: packed,
      start,
      end,
      timeMs: Number.MAX_SAFE_INTEGER - readTime(packed, eventAt),
      rank: readTime(packed, eventAt - rankBytes),
      lineage: lineage.bytes,
      lineageStart: lineageAt + 1,
      lineageEnd: lineage.end(lineageAt),
    };
    const rowStart = slot < 0 ? 0 : nodeRows.start(slot);
    const rowEnd = slot < 0 ? 0 : nodeRows.end(slot);
    const changed = withSets
      ? merger.mergeSets(nodeRows.bytes, rowStart, rowEnd, mutation)
      : merger.merge(nodeRows.bytes, rowStart, rowEnd, mutation);
    if (!changed) {
      this.#nodeWritesSuppressed += 1;
      return end;
    }
    const joins = slot >= 0 && nodeRows.group(slot) === this.#number;
    // A row is larger than what changes it: by the changes alone a group could hold any amount.
    this.#bytes += merger.outLength - (joins ? rowEnd - rowStart : 0);
    if (joins) {
      this.#nodeWritesCoalesced += 1;
    } else {
      this.#nodeWrites += 1;
      queue.push(hash, rowKind.node, 0, this.#changed.length, slot < 0 ? isNew : 0, 0);
      // Before it is set: from there on it is pinned, and setting it may be what makes the rows forget their older half.
      this.#changed.add(packed, named, namedEnd, hash);
    }
    if (slot < 0 || !nodeRows.replace(slot, merger.out, merger.outLength, this.#number))
      nodeRows.set(packed, named, namedEnd, hash, merger.out, merger.outLength, this.#number);
    return end;
  }

  /** Where the node's row is, read when it must be; -1 when there is none. */
  #rowOf(name: Buffer, start: number, end: number, hash: number): number {
    const { db, nodeRows, builder } = this.#context;
    const slot = nodeRows.find(name, start, end, hash);
    if (slot >= 0) return slot;
    if (this.deletions.isNodeRemoved(name, start, end)) return -1;
    const stored = db.getSync(builder.nodeKey(name, start, end, hash));
    if (stored === undefined) return -1;
    nodeRows.set(name, start, end, hash, stored, stored.length, 0);
    return nodeRows.find(name, start, end, hash);
  }

  #edge(packed: Buffer, at: number, eventAt: number, lineageAt: number): number {
    const from = uint32At(packed, at);
    const to = uint32At(packed, at + 4);
    const typeAt = at + 8;
    const keyAt = typeAt + 1 + (packed[typeAt] ?? 0);
    const keyEnd = keyAt + 1 + (packed[keyAt] ?? 0);
    const fromHash = uint32At(packed, from + nameLengthBytes);
    const toHash = uint32At(packed, to + nameLengthBytes);
    this.#makeRoom();
    const batch = this.#packed.length - 1;
    this.#context.queue.push(fromHash, rowKind.out, batch, at, eventAt, lineageAt);
    this.#context.queue.push(toHash, rowKind.in, batch, at, eventAt, lineageAt);
    const hash = mixHashes(mixHashes(fromHash, toHash), fnv1a(packed, typeAt, keyEnd));
    if (this.#context.edges.add(hash)) this.#estimatesChanged = true;
    return keyEnd + 4 + uint32At(packed, keyEnd);
  }

  #step(packed: Buffer, at: number, eventAt: number, lineageAt: number): number {
    const hash = uint32At(packed, uint32At(packed, at) + nameLengthBytes);
    this.#makeRoom();
    this.#context.queue.push(hash, rowKind.step, this.#packed.length - 1, at, eventAt, lineageAt);
    return at + 8 + uint32At(packed, at + 4);
  }

  #nodeDelete(packed: Buffer, at: number, eventAt: number): number {
    const node = uint32At(packed, at);
    const named = node + nameLengthBytes + nodeHashBytes;
    const type = packed.toString('latin1', named, packed.indexOf(0, named));
    if (this.#context.deleted.add('nodes', type)) this.#deletedChanged = true;
    this.deletions.bury(this.#context.builder.tombstoneKey(packed, node), packed, eventAt);
    return at + 4;
  }

  #edgeDelete(packed: Buffer, at: number, eventAt: number): number {
    const keyAt = at + 9 + (packed[at + 8] ?? 0);
    if (this.#context.deleted.add('edges', packed.toString('latin1', at + 9, keyAt)))
      this.#deletedChanged = true;
    this.deletions.bury(this.#context.builder.edgeTombstoneKey(packed, at), packed, eventAt);
    return keyAt + 1 + (packed[keyAt] ?? 0);
  }

  #makeRoom(): void {
    if (!this.#context.queue.hasRoom(rowsOfMutationMax)) this.#drain();
  }

  /** All rows so far into LevelDB's batch. What changes a node from here on is no longer part of its row there, hence the new number. */
  #drain(): void {
    this.#context.queue.drain((row) => this.#put(row));
    this.#putIndexRows();
    this.#number = this.#context.nextNumber();
  }

  #put(row: QueuedRow): void {
    const { builder, lineage } = this.#context;
    if (row.kind === rowKind.node) {
      this.#putNode(row.mutationAt, row.eventAt === isNew);
      return;
    }
    const packed = must(this.#packed[row.batch], 'a row was queued with its batch');
    if (row.kind === rowKind.step) {
      const { mutationAt } = row;
      const start = mutationAt + 8;
      const end = start + uint32At(packed, mutationAt + 4);
      const value = builder.value(lineage, row.lineageAt, packed, start, end);
      this.#putEventRow(
        builder.stepKey(packed, uint32At(packed, mutationAt), row.eventAt),
        value,
        packed,
        row,
      );
      return;
    }
    const typeAt = row.mutationAt + 8;
    const keyAt = typeAt + 1 + (packed[typeAt] ?? 0);
    const keyEnd = keyAt + 1 + (packed[keyAt] ?? 0);
    const start = keyEnd + 4;
    const value = builder.value(lineage, row.lineageAt, packed, start, start + uint32At(packed, keyEnd));
    this.#putEventRow(builder.occurrenceKey(packed, row), value, packed, row);
  }

  /** The key is the builder's, which writes its first byte anew each time. */
  #putEventRow(key: Buffer, value: Buffer, packed: Buffer, { eventAt }: QueuedRow): void {
    const { stretches } = this.#context;
    const firstByte = stretches.firstByteAt(packed, eventAt);
    key[0] = firstByte;
    this.#batch.put(key, value);
    stretches.noteBytes(firstByte, key.length + value.length);
  }

  /** Together: between rows of the graph each would cost LevelDB the neighbourhood of two. */
  #putIndexRows(): void {
    const { builder } = this.#context;
    const names = this.#changed;
    for (const i of this.#first) {
      const key = builder.nodeKey(names.bytes, names.start(i), names.end(i), names.hash(i));
      putIndexRow(this.#batch, key);
    }
    this.#first = [];
  }

  #putNode(index: number, isFirst: boolean): void {
    const { builder, nodeRows } = this.#context;
    const names = this.#changed;
    const start = names.start(index);
    const end = names.end(index);
    const hash = names.hash(index);
    const slot = nodeRows.find(names.bytes, start, end, hash);
    if (slot < 0) {
      const isRemoved = this.deletions.removes(names.bytes.toString('latin1', start, end));
      must(isRemoved ? index : null, 'a changed row is kept until it is written or removed');
      return;
    }
    const value = builder.copied(nodeRows.bytes, nodeRows.start(slot), nodeRows.end(slot));
    const key = builder.nodeKey(names.bytes, start, end, hash);
    this.#batch.put(key, value);
    if (isFirst) this.#first.push(index);
  }
}
