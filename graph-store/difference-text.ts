import { ByteReader, decodeStepValue } from './codec.ts';
import type { DifferingRow, GraphDifference, LineageJson } from './graph-difference.ts';
import { decodeGraphKey, type GraphKey } from './graph-key.ts';
import type { Lineage } from './graph-store.ts';
import { type OriginRow, readLineage } from './lineage.ts';
import type { NodeRef, Property } from './model.ts';
import { decodeNodeRow } from './node-row.ts';
import { propertiesOf } from './register.ts';
import { decodeTime, timeLength } from './rows.ts';

type OriginOf = (id: number) => OriginRow | null;

const kinds = {
  node: 'node',
  step: 'step',
  out: 'edge',
  in: 'edge',
  tombstone: 'node-delete',
  'edge-tombstone': 'edge-delete',
} as const satisfies Record<GraphKey['kind'], GraphDifference['kind']>;

/** What two rows of one key say, for people; null for a row that is not there. */
export function differenceOf(
  key: Buffer,
  live: DifferingRow | null,
  other: DifferingRow | null,
): GraphDifference {
  const decoded = decodeGraphKey(key);
  const timed = 'timeMs' in decoded ? decoded : null;
  return {
    kind: kinds[decoded.kind],
    what: whatOf(decoded),
    timeMs: timed?.timeMs ?? null,
    occurrence: timed === null ? null : timed.occurrence.toString(16).padStart(16, '0'),
    live,
    other,
  };
}

function whatOf(key: GraphKey): string {
  const name = ({ type, id }: NodeRef): string => `${type}:${id}`;
  if (!('other' in key)) return name(key.node);
  const kept = key.key === null ? '' : ` [${key.key}]`;
  return `${name(key.node)} -${key.type}${kept}-> ${name(key.other)}`;
}

/** `hiddenMs`: up to which event time a node's properties are hidden. */
export function differingRow(key: Buffer, value: Buffer, hiddenMs: number, originOf: OriginOf): DifferingRow {
  const decoded = decodeGraphKey(key);
  const reader = new ByteReader(value);
  switch (decoded.kind) {
    case 'node': {
      const { mentionedMs, registers } = decodeNodeRow(value);
      const properties = Object.fromEntries(
        propertiesOf(registers, hiddenMs).map(({ name, value: held }) => [name, jsonOf(held)]),
      );
      const lineage = readLineage(new ByteReader(value, timeLength), originOf);
      return { content: { mentionedMs, properties }, lineage: lineageJson(lineage) };
    }
    case 'tombstone':
    case 'edge-tombstone':
      return { content: { timeMs: decodeTime(value) }, lineage: null };
    case 'step': {
      const lineage = readLineage(reader, originOf);
      const { properties, ...step } = decodeStepValue(reader);
      return { content: { ...step, properties: objectOf(properties) }, lineage: lineageJson(lineage) };
    }
    default: {
      const lineage = readLineage(reader, originOf);
      return { content: { properties: objectOf(reader.properties()) }, lineage: lineageJson(lineage) };
    }
  }
}

function objectOf(properties: readonly Property[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(properties.map(([name, value]) => [name, jsonOf(value)]));
}

/** Whole numbers as the API gives them: as digits where JSON readers would round them. */
function jsonOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(jsonOf);
  if (typeof value !== 'bigint') return value;
  return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
}

function lineageJson(lineage: Lineage | null): LineageJson | null {
  if (lineage === null) return null;
  const { topic, partition, offset, mapping } = lineage;
  return { topic, partition, offset: String(offset), mapping };
}
