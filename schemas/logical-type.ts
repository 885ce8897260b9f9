import type { Type } from 'avsc';

/**
 * What an Avro type means beyond its bytes, by Avro 1.12's specification, or by the name that Kafka Connect's converters keep where
 * Avro has none; unknown and malformed ones are none, as it asks.
 */
export type LogicalType =
  | {
      readonly kind:
        | 'timestamp-millis'
        | 'timestamp-micros'
        | 'date'
        | 'time-millis'
        | 'time-micros'
        | 'uuid';
    }
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number };

const carriers: Readonly<Record<string, string>> = {
  'timestamp-millis': 'long',
  'timestamp-micros': 'long',
  'time-micros': 'long',
  'time-millis': 'int',
  date: 'int',
  uuid: 'string',
};
/** Tells types of one schema, or of several; avsc makes each type anew, so that none is in two of them. */
export interface LogicalTypes {
  /** What a value of the type means beyond its bytes; null when nothing. */
  logicalType(type: Type): LogicalType | null;
}

/** Debezium's semantic types that are another's bytes and meaning, under a name that Avro does not know. */
const connectNames: Readonly<Record<string, string>> = {
  'io.debezium.time.Date': 'date',
  'io.debezium.time.Time': 'time-millis',
  'io.debezium.time.MicroTime': 'time-micros',
  'io.debezium.time.Timestamp': 'timestamp-millis',
  'io.debezium.time.MicroTimestamp': 'timestamp-micros',
  'io.debezium.data.Uuid': 'uuid',
};
/** Decimals beyond it are refused by every database that we know of. */
const precisionMax = 1_000;

/** Reads the attributes of one type in a schema; null when it is only what its bytes are. */
export function logicalTypeOf(schema: Readonly<Record<string, unknown>>): LogicalType | null {
  const { type } = schema;
  const logicalType = schema.logicalType ?? connectType(schema['connect.name']);
  switch (logicalType) {
    case 'timestamp-millis':
    case 'timestamp-micros':
    case 'date':
    case 'time-millis':
    case 'time-micros':
    case 'uuid':
      return carriers[logicalType] === type ? { kind: logicalType } : null;
    case 'decimal':
      return type === 'bytes' || type === 'fixed' ? decimal(schema) : null;
    default:
      return null;
  }
}

function connectType(name: unknown): unknown {
  return typeof name === 'string' && Object.hasOwn(connectNames, name) ? connectNames[name] : undefined;
}

function decimal({ precision, scale = 0 }: Readonly<Record<string, unknown>>): LogicalType | null {
  if (typeof precision !== 'number' || typeof scale !== 'number') return null;
  if (!Number.isInteger(precision) || precision < 1 || precision > precisionMax) return null;
  if (!Number.isInteger(scale) || scale < 0 || scale > precision) return null;
  return { kind: 'decimal', precision, scale };
}
