import { must } from '../foundation/index.ts';
import { ByteReader, decodeStepValue, encodeProperties, encodeStepValue } from './codec.ts';
import { decodeGraphKey, reverseKey } from './graph-key.ts';
import type { Lineage, OccurrenceView, SourcePartition, StepView } from './graph-store.ts';
import {
  decodeOrigin,
  encodeLineage,
  type OriginRow,
  originKey,
  originRange,
  readLineage,
} from './lineage.ts';
import type { EventMutations, NodeRef } from './model.ts';
import { decodeNodeRow, encodeNodeRow, type NodeRow } from './node-row.ts';
import type { Register } from './register.ts';
import * as rows from './rows.ts';

type Row = readonly [key: Buffer, value: Buffer];

/** A node with all that lies at it. */
export interface MemoryNode {
  readonly ref: NodeRef;
  mentionedMs: number;
  deletedMs: number;
  registers: readonly Register[];
  lineage: Lineage | null;
  readonly steps: Map<string, StepView>;
  readonly out: Map<string, OccurrenceView>;
  readonly in: Map<string, OccurrenceView>;
}

export type EdgeTombstone = Pick<OccurrenceView, 'type' | 'from' | 'to' | 'key' | 'timeMs'>;

/** The graph in rows; `encode` gives a lineage as rows hold it, without its length. */
export function* memoryRows(
  nodes: Iterable<MemoryNode>,
  edgeTombstones: Iterable<EdgeTombstone>,
  encode: (lineage: Lineage | null) => Buffer,
): Generator<Row> {
  const withLineage = (lineage: Lineage | null, value: Buffer): Buffer => {
    const bytes = encode(lineage);
    return Buffer.concat([Buffer.of(bytes.length), bytes, value]);
  };
  for (const { ref, mentionedMs, deletedMs, registers, lineage, steps, out } of nodes) {
    if (mentionedMs >= 0) {
      yield [rows.nodeKey(ref), encodeNodeRow({ mentionedMs, lineage: encode(lineage), registers })];
    }
    if (deletedMs >= 0) yield [rows.tombstoneKey(ref), rows.timeBytes(deletedMs)];
    for (const step of steps.values()) {
      const key = Buffer.concat([rows.stepsPrefix(ref), rows.eventKey(step)]);
      yield [key, withLineage(step.lineage, encodeStepValue(step))];
    }
    for (const occurrence of out.values()) {
      const { type, to, key: edgeKey, timeMs, occurrence: id } = occurrence;
      const at = { node: to, other: ref, type, timeMs, occurrence: id, key: edgeKey };
      yield [
        reverseKey({ kind: 'in', ...at }),
        withLineage(occurrence.lineage, encodeProperties(occurrence.properties)),
      ];
    }
  }
  for (const { type, from, to, key, timeMs } of edgeTombstones) {
    yield [rows.edgeTombstoneKey(type, from, to, key), rows.timeBytes(timeMs)];
  }
}

export async function* rowsInTurn<T>(list: readonly T[]): AsyncGenerator<T> {
  yield* list;
}

/** Null when the event does not say where it was read. */
export function lineageOf(
  { lineage }: EventMutations,
  { cluster, topic, topicId, partition }: SourcePartition,
  origins: LineageOrigins,
): Lineage | null {
  if (lineage === undefined) return null;
  const { schemaId, subject, version } = lineage.origin;
  const view = { topic, partition, offset: lineage.offset, schemaId, mapping: { subject, version } };
  origins.set(view, { cluster, topic, topicId, schemaId, subject, version });
  return view;
}

/** Of each lineage that the store in memory keeps, what a view of it leaves out. By identity: what one event wrote shares one lineage. */
export type LineageOrigins = WeakMap<Lineage, OriginRow>;

/** Numbers the origins of lineages as they come, and keeps their rows. */
export class OriginRows {
  readonly #origins: LineageOrigins;
  readonly #ids = new Map<string, number>();
  readonly rows: Row[] = [];

  constructor(origins: LineageOrigins) {
    this.#origins = origins;
  }

  /** A lineage as rows hold it, without its length; empty when it is unknown. */
  encode(lineage: Lineage | null): Buffer {
    if (lineage === null) return Buffer.alloc(0);
    const origin = must(this.#origins.get(lineage), 'the store knows where its lineages come from');
    const text = JSON.stringify(origin);
    let id = this.#ids.get(text);
    if (id === undefined) {
      id = this.#ids.size + 1;
      this.#ids.set(text, id);
      this.rows.push([originKey(id), Buffer.from(text)]);
    }
    return encodeLineage(id, lineage.partition, lineage.offset);
  }
}

/** A row of a snapshot as the store in memory keeps it. */
export type RestoredRow =
  | { readonly kind: 'origin' }
  | { readonly kind: 'node'; readonly node: NodeRef; readonly row: NodeRow; readonly lineage: Lineage | null }
  | { readonly kind: 'tombstone'; readonly node: NodeRef; readonly timeMs: number }
  | { readonly kind: 'step'; readonly view: StepView }
  | { readonly kind: 'occurrence'; readonly view: OccurrenceView }
  | { readonly kind: 'edge-tombstone'; readonly tombstone: EdgeTombstone };

/** Reads rows in the order of a snapshot: the origins that lineage names come first. */
export class RestoredRows {
  readonly #origins = new Map<number, OriginRow>();
  readonly #of: LineageOrigins;

  constructor(origins: LineageOrigins) {
    this.#of = origins;
  }

  read([key, value]: Row): RestoredRow {
    if (key[0] === originRange.gte[0]) {
      this.#origins.set(key.readUInt32BE(1), decodeOrigin(value));
      return { kind: 'origin' };
    }
    const what = decodeGraphKey(key);
    const { kind, node } = what;
    const reader = new ByteReader(value);
    switch (kind) {
      case 'node': {
        const row = decodeNodeRow(value);
        const lineage = this.#lineage(Buffer.concat([Buffer.of(row.lineage.length), row.lineage]));
        return { kind, node, row, lineage };
      }
      case 'tombstone':
        return { kind, node, timeMs: rows.decodeTime(value) };
      case 'step': {
        const lineage = this.#lineage(value);
        reader.at = 1 + reader.byte();
        const { timeMs, occurrence } = what;
        return { kind, view: { owner: node, timeMs, occurrence, ...decodeStepValue(reader), lineage } };
      }
      case 'edge-tombstone': {
        const { type, other: to, key: edgeKey } = what;
        return { kind, tombstone: { type, from: node, to, key: edgeKey, timeMs: rows.decodeTime(value) } };
      }
      default: {
        must(kind === 'out' ? kind : null, 'a snapshot has no reverse rows');
        const { type, other: to, key: edgeKey, timeMs, occurrence } = what;
        const lineage = this.#lineage(value);
        reader.at = 1 + reader.byte();
        const properties = reader.properties();
        return {
          kind: 'occurrence',
          view: { type, from: node, to, key: edgeKey, timeMs, occurrence, properties, lineage },
        };
      }
    }
  }

  #lineage(value: Buffer): Lineage | null {
    let origin: OriginRow | null = null;
    const lineage = readLineage(new ByteReader(value), (id) => {
      origin = must(this.#origins.get(id), 'a lineage names an origin that the snapshot has');
      return origin;
    });
    if (lineage !== null && origin !== null) this.#of.set(lineage, origin);
    return lineage;
  }
}
