import { BadDataError, unreachable } from '../foundation/index.ts';
import { nodeIdBytesMax, type PropertyValue } from '../graph-store/index.ts';
import type { FieldRead } from '../schemas/index.ts';

/** Reads one value out of a decoded event. Throws `BadDataError` naming the path. */
export type Read<T> = (event: unknown) => T;

/** No UTF-16 unit takes more than three bytes of UTF-8. */
const nodeIdUnitsSafe = Math.floor(nodeIdBytesMax / 3);
/** The range of a JavaScript Date; far inside the safe integers. */
const timeMsMax = 8_640_000_000_000_000;

function bad(code: string, field: FieldRead, what: string): BadDataError {
  return new BadDataError(code, `\`${field.path}\` ${what}.`, { context: { path: field.path } });
}

/** Names a class of values, never a value: payloads do not belong into logs. */
function kindOf(value: unknown): string {
  if (value === undefined) return 'missing';
  return value === null ? 'null' : `a ${typeof value}`;
}

/** Walks the field names; a null on the way gives null. */
function compilePath(steps: readonly string[]): Read<unknown> {
  const [first = '', second, ...more] = steps;
  if (second === undefined) return (event) => step(event, first);
  if (more.length === 0) {
    return (event) => {
      const outer = step(event, first);
      return outer === null ? null : step(outer, second);
    };
  }
  return (event) => {
    let value = event;
    for (const name of steps) {
      value = step(value, name);
      if (value === null) return null;
    }
    return value;
  };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

/** Undefined cannot come out of a decoded event whose schema the path was resolved against. */
function step(value: unknown, name: string): unknown {
  return isRecord(value) ? value[name] : undefined;
}

/**
 * A property's value: boolean, int, double and text as they are, a long as bigint, an enum as its symbol, a timestamp as
 * milliseconds; null stays null. Not finite numbers and times outside a Date's range are bad data (`VALUE_INVALID`).
 */
export function compileValue(field: FieldRead): Read<PropertyValue> {
  const read = compilePath(field.steps);
  switch (field.kind) {
    case 'timestamp-millis':
    case 'timestamp-micros': {
      const time = compileMilliseconds(field, 'VALUE_INVALID');
      return (event) => time(event);
    }
    case 'double':
      return (event) => {
        const value = read(event);
        if (value === null) return null;
        if (typeof value !== 'number' || !Number.isFinite(value))
          throw bad('VALUE_INVALID', field, 'is not a finite number');
        return value;
      };
    case 'boolean':
    case 'int':
    case 'long':
    case 'string':
    case 'enum':
      return (event) => {
        const value = read(event);
        switch (typeof value) {
          case 'string':
          case 'number':
          case 'bigint':
          case 'boolean':
            return value;
          default:
            if (value === null) return null;
            throw bad('VALUE_INVALID', field, `is ${kindOf(value)}`);
        }
      };
    default:
      return unreachable(field.kind);
  }
}

/**
 * A node's id as text. Null where the event has none; empty ids, ids over 1,024 bytes of UTF-8 and ids that hold NUL are
 * bad data (`INVALID_NODE_ID`).
 */
export function compileId(field: FieldRead): Read<string | null> {
  const read = compilePath(field.steps);
  return (event) => {
    const value = read(event);
    if (typeof value === 'string') {
      if (value.length === 0) throw bad('INVALID_NODE_ID', field, 'is empty and cannot be an id');
      if (value.length > nodeIdUnitsSafe && Buffer.byteLength(value) > nodeIdBytesMax) {
        throw bad('INVALID_NODE_ID', field, `has more than ${nodeIdBytesMax} bytes and cannot be an id`);
      }
      if (value.includes('\0')) throw bad('INVALID_NODE_ID', field, 'holds NUL and cannot be an id');
      return value;
    }
    if (value === null) return null;
    if (typeof value === 'bigint' || typeof value === 'number') return String(value);
    throw bad('INVALID_NODE_ID', field, `is ${kindOf(value)} and cannot be an id`);
  };
}

/**
 * The event's time in milliseconds since the Unix epoch: a safe integer, 0 or more, at most `futureMsMax` ahead of `nowMs`.
 * Anything else is bad data (`EVENT_TIME_OUT_OF_RANGE`, or `EVENT_TIME_MISSING` where it is null).
 */
export function compileTime(
  field: FieldRead,
  futureMsMax: number,
): (event: unknown, nowMs: number) => number {
  const read = compileMilliseconds(field, 'EVENT_TIME_OUT_OF_RANGE');
  return (event, nowMs) => {
    const timeMs = read(event);
    if (timeMs === null) throw bad('EVENT_TIME_MISSING', field, 'is null, and an event needs its time');
    if (timeMs < 0) throw bad('EVENT_TIME_OUT_OF_RANGE', field, 'lies before 1970');
    if (timeMs > nowMs + futureMsMax) {
      throw bad('EVENT_TIME_OUT_OF_RANGE', field, `lies more than ${futureMsMax} ms ahead of the clock`);
    }
    return timeMs;
  };
}

function compileMilliseconds(field: FieldRead, code: string): Read<number | null> {
  const read = compilePath(field.steps);
  const unitsPerMs = field.kind === 'timestamp-micros' ? 1000 : 1;
  return (event) => {
    const value = read(event);
    if (value === null) return null;
    if (typeof value !== 'bigint') throw bad(code, field, `is ${kindOf(value)}`);
    // Rounding can only happen beyond 2^53, which is refused in either unit or, in microseconds, below one millisecond.
    const timeMs = unitsPerMs === 1 ? Number(value) : Math.floor(Number(value) / unitsPerMs);
    if (timeMs > timeMsMax || timeMs < -timeMsMax) throw bad(code, field, 'is no time that a calendar holds');
    return timeMs;
  };
}
