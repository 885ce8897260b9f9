import { must, unreachable } from '../foundation/index.ts';
import type { PropertyValue } from '../graph-store/index.ts';
import type { FieldRead, ValueKind, ValuePlan } from '../schemas/index.ts';
import { normalizers } from './normalizers/index.ts';
import type { Normalize } from './normalizers/normalizer.ts';
import { bad, compilePath, kindOf, type Read } from './read.ts';

/** The range of a JavaScript Date; far inside the safe integers. */
export const timeMsMax = 8_640_000_000_000_000;
const dayMs = 86_400_000;
/** More than any precision that a schema may declare needs; a megabyte would take seconds to make digits of. */
const decimalBytesMax = 1_024;
/** Digits behind the point that PostgreSQL's numeric can have. */
const scaleMax = 16_383;
/** Years 1 to 9999, which is all that ISO 8601 writes with four digits. */
const dayMin = -719_162;
const dayMax = 2_932_896;

/**
 * A property's value: boolean, int, double and text as they are, a long as bigint, an enum as its symbol; bytes as base64, a
 * decimal as its digits, a date as `2026-11-21`, a time of day as `20:15:00.000`, a point in time as milliseconds (microseconds
 * as their fraction). Null stays null. What is none of these is bad data (`VALUE_INVALID`).
 */
export function compileValue(plan: ValuePlan): Read<PropertyValue> {
  const read = compileSource(plan);
  const apply = plan.apply.map(
    (name) => must(normalizers.get(name), 'the compiler knows each function').normalize,
  );
  if (apply.length === 0) return read;
  return (roots) => applyAll(apply, read(roots));
}

function applyAll(apply: readonly Normalize[], given: PropertyValue): PropertyValue {
  let value = given;
  for (const normalize of apply) {
    if (value === null) return null;
    value = normalize(value);
  }
  return value;
}

function compileSource({ source, text }: ValuePlan): Read<PropertyValue> {
  switch (source.from) {
    case 'constant': {
      const { value } = source;
      return () => value;
    }
    case 'field':
      return compileField(source.field);
    case 'expression': {
      const { expression } = source;
      const canonical = compileCanonical(expression.kind, 0, text);
      return (roots) => {
        const value = expression.evaluate(roots);
        return value === null ? null : canonical(value);
      };
    }
    default:
      return unreachable(source);
  }
}

function compileField(field: FieldRead): Read<PropertyValue> {
  const read = compilePath(field);
  const canonical = compileCanonical(field.kind, field.scale, field.path);
  return (roots) => {
    const value = read(roots);
    return value === null ? null : canonical(value);
  };
}

/** A value that is not null, as avsc reads it, in the form in which the graph keeps it. */
function compileCanonical(
  kind: ValueKind,
  scale: number | null,
  path: string,
): (value: unknown) => PropertyValue {
  const wrong = (value: unknown): never => {
    throw bad('VALUE_INVALID', path, `is ${kindOf(value)}`);
  };
  switch (kind) {
    case 'boolean':
    case 'int':
    case 'long':
    case 'string':
    case 'enum':
    case 'uuid':
      return (value) => (isPlain(value) ? value : wrong(value));
    case 'double':
      return (value) => {
        if (typeof value === 'number' && Number.isFinite(value)) return value;
        throw bad('VALUE_INVALID', path, 'is not a finite number');
      };
    case 'bytes':
      return (value) => (value instanceof Uint8Array ? base64(value) : wrong(value));
    case 'decimal':
      if (scale === null) return (value) => scaledDecimal(value, path) ?? wrong(value);
      return (value) => (value instanceof Uint8Array ? decimal(value, scale, path) : wrong(value));
    case 'date':
      return (value) => (typeof value === 'number' ? dateText(value, path) : wrong(value));
    case 'time-millis':
      return (value) =>
        typeof value === 'number' ? timeText(BigInt(value) * 1_000n, 3, path) : wrong(value);
    case 'time-micros':
      return (value) => (typeof value === 'bigint' ? timeText(value, 6, path) : wrong(value));
    case 'timestamp-millis':
    case 'timestamp-micros': {
      const unitsPerMs = kind === 'timestamp-micros' ? 1_000 : 1;
      return (value) => (typeof value === 'bigint' ? timestamp(value, unitsPerMs, path) : wrong(value));
    }
    default:
      return unreachable(kind);
  }
}

function isPlain(value: unknown): value is string | number | bigint | boolean {
  const type = typeof value;
  return type === 'string' || type === 'number' || type === 'bigint' || type === 'boolean';
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

/** Two's complement, most significant byte first: how Avro writes a decimal's digits. No bytes are zero. */
function bigEndian(bytes: Uint8Array): bigint {
  if (bytes.length === 0) return 0n;
  return BigInt.asIntN(bytes.length * 8, BigInt(`0x${Buffer.from(bytes).toString('hex')}`));
}

function decimal(bytes: Uint8Array, scale: number, path: string): string {
  if (bytes.length > decimalBytesMax)
    throw bad('VALUE_INVALID', path, `is a decimal of more than ${decimalBytesMax} bytes`);
  return decimalText(bigEndian(bytes), scale);
}

/** A decimal that brings its own scale; null for what is none. */
function scaledDecimal(given: unknown, path: string): string | null {
  if (typeof given !== 'object' || given === null || !('scale' in given) || !('value' in given)) return null;
  const { scale, value } = given;
  if (typeof scale !== 'number' || !(value instanceof Uint8Array)) return null;
  if (Math.abs(scale) > scaleMax)
    throw bad('VALUE_INVALID', path, `is a decimal with a scale beyond ${scaleMax}`);
  // 12 at scale -2 is 1200.
  if (scale < 0)
    return `${decimal(value, 0, path)}${'0'.repeat(value.every((byte) => byte === 0) ? 0 : -scale)}`;
  return decimal(value, scale, path);
}

/** With all its digits behind the point: 1.50 is not 1.5 to those who write decimals. */
function decimalText(unscaled: bigint, scale: number): string {
  if (scale === 0) return String(unscaled);
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0');
  return `${unscaled < 0n ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

function dateText(day: number, path: string): string {
  if (day < dayMin || day > dayMax)
    throw bad('VALUE_INVALID', path, 'is no date between the years 1 and 9999');
  return new Date(day * dayMs).toISOString().slice(0, 10);
}

function timeText(micros: bigint, digits: 3 | 6, path: string): string {
  if (micros < 0n || micros >= 86_400_000_000n) throw bad('VALUE_INVALID', path, 'is no time of a day');
  const [text] = new Date(Number(micros / 1_000n)).toISOString().slice(11).split('Z');
  return digits === 3 ? (text ?? '') : `${text}${String(micros % 1_000n).padStart(3, '0')}`;
}

function timestamp(value: bigint, unitsPerMs: number, path: string): number {
  // Two microseconds are two values up to the year 2248, where a double's steps grow wider than one.
  const timeMs = Number(value) / unitsPerMs;
  if (timeMs > timeMsMax || timeMs < -timeMsMax)
    throw bad('VALUE_INVALID', path, 'is no time that a calendar holds');
  return timeMs;
}
