import type { ColumnValue, ExportRow } from '../archive/index.ts';
import { unreachable } from '../foundation/index.ts';
import type { GraphTableRow, Lineage, NodeRow, PropertyValue } from '../graph-store/index.ts';
import type { PropertyKind } from '../schemas/index.ts';
import type { PropertyColumn } from './export-columns.ts';

type Stored = PropertyValue | readonly PropertyValue[];
type NamedValues = readonly (readonly [name: string, value: Stored])[];

const datePattern = /^\d{4}-\d\d-\d\d$/;
const timePattern = /^(\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?$/;
const base64Pattern = /^[A-Za-z0-9+/]*={0,2}$/;
const dayMs = 86_400_000;
const longMax = 2n ** 63n;

/** A row of the graph as its table's columns have it. */
export function exportRow(row: GraphTableRow, properties: readonly PropertyColumn[]): ExportRow {
  switch (row.kind) {
    case 'node':
      return [
        ...[row.node.type, row.node.id, micros(row.timeMs)],
        ...propertyValues(nodeValues(row), properties),
        ...lineageValues(row.lineage),
      ];
    case 'edge':
      return [
        ...[row.type, row.from.type, row.from.id, row.to.type, row.to.id, row.key],
        ...[micros(row.timeMs), occurrenceText(row.occurrence)],
        ...propertyValues(row.properties, properties),
        ...lineageValues(row.lineage),
      ];
    case 'step':
      return [
        ...[row.owner.type, row.owner.id, micros(row.timeMs), occurrenceText(row.occurrence)],
        ...[row.domain, row.action],
        row.links.map(({ edge, direction, node }) => ({ edge, direction, type: node.type, id: node.id })),
        jsonOf(row.properties),
        ...lineageValues(row.lineage),
      ];
    default:
      return unreachable(row);
  }
}

function nodeValues({ properties }: NodeRow): NamedValues {
  return properties.map(({ name, value }) => [name, value]);
}

/** One value a column, and what has no column, or does not fit into its own, as JSON; null when there is nothing of that kind. */
function propertyValues(values: NamedValues, columns: readonly PropertyColumn[]): readonly ColumnValue[] {
  const byName = new Map(values);
  const typed = columns.map(({ property, kind, many }): ColumnValue => {
    const value = byName.get(property);
    if (value === undefined) return null;
    const found = many ? listOf(kind, value) : isList(value) ? undefined : columnValue(kind, value);
    if (found === undefined) return null;
    byName.delete(property);
    return found;
  });
  return [...typed, byName.size === 0 ? null : jsonOf([...byName])];
}

function isList(value: Stored): value is readonly PropertyValue[] {
  return Array.isArray(value);
}

/** Undefined when it is no list of that kind. */
function listOf(kind: PropertyKind, value: Stored): readonly ColumnValue[] | undefined {
  if (!isList(value)) return undefined;
  const items: ColumnValue[] = [];
  for (const item of value) {
    const found = columnValue(kind, item);
    if (found === undefined) return undefined;
    items.push(found);
  }
  return items;
}

/** Undefined when it is not of that kind: stored while the property was of another one. */
function columnValue(kind: PropertyKind, value: PropertyValue): ColumnValue | undefined {
  if (value === null) return null;
  switch (kind) {
    case 'text':
    case 'decimal':
      return typeof value === 'string' ? value : undefined;
    case 'boolean':
      return typeof value === 'boolean' ? value : undefined;
    case 'number':
      return typeof value === 'number' ? value : undefined;
    case 'integer':
      return wholeOf(value);
    case 'timestamp':
      return typeof value === 'number' ? timestampOf(value) : undefined;
    case 'date':
      return typeof value === 'string' ? dayOf(value) : undefined;
    case 'time of day':
      return typeof value === 'string' ? timeOf(value) : undefined;
    case 'bytes':
      return typeof value === 'string' && base64Pattern.test(value)
        ? new Uint8Array(Buffer.from(value, 'base64'))
        : undefined;
    default:
      return unreachable(kind);
  }
}

function wholeOf(value: PropertyValue): bigint | undefined {
  if (typeof value === 'bigint') return value >= -longMax && value < longMax ? value : undefined;
  return Number.isSafeInteger(value) ? BigInt(Number(value)) : undefined;
}

/** Microseconds behind the point are in the double. */
function timestampOf(timeMs: number): bigint | undefined {
  const whole = Math.round(timeMs * 1000);
  return Number.isFinite(whole) && Math.abs(whole) < Number(longMax) ? BigInt(whole) : undefined;
}

function dayOf(text: string): number | undefined {
  const ms = datePattern.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms / dayMs;
}

function timeOf(text: string): bigint | undefined {
  const match = timePattern.exec(text);
  if (match === null) return undefined;
  const [, hours, minutes, seconds, fraction = ''] = match;
  const whole = (Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds);
  return whole < 86_400 ? BigInt(whole) * 1_000_000n + BigInt(fraction.padEnd(6, '0')) : undefined;
}

function micros(timeMs: number): bigint {
  return BigInt(timeMs) * 1000n;
}

/** All 64 bits: no column type of Parquet and Arrow that every reader has holds them unsigned. */
export function occurrenceText(occurrence: bigint): string {
  return occurrence.toString(16).padStart(16, '0');
}

function lineageValues(lineage: Lineage | null): readonly ColumnValue[] {
  return lineage === null ? [null, null, null] : [lineage.topic, lineage.partition, lineage.offset];
}

/** As the API gives them: whole numbers that JSON readers would round are strings of digits. */
function jsonOf(values: NamedValues): string {
  return JSON.stringify(Object.fromEntries(values), (_key, value: unknown) => {
    if (typeof value !== 'bigint') return value;
    return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  });
}
