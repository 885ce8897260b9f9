import { nameBytesMax, type PackedEvent, propertyTextBytesMax, textValue } from '../graph-store/index.ts';
import type { PlainField, ValueKind } from '../schemas/index.ts';
import { timeMsMax } from './value.ts';

/** Writes the value that stands at a place of an event's bytes, which the wire scan has checked; false where it breaks a rule. */
export type WriteValue = (bytes: Uint8Array, place: number, out: PackedEvent) => boolean;

/** A number in Avro's zigzag, or NaN where it might not be a safe one. */
export function wholeAt(bytes: Uint8Array, place: number): number {
  const first = bytes[place] ?? 0;
  if (first < 128) return (first & 1) === 0 ? first >>> 1 : -((first + 1) >>> 1);
  let zigzag = 0;
  for (let at = place, factor = 1; ; at += 1, factor *= 128) {
    const byte = bytes[at] ?? 0;
    zigzag += (byte & 127) * factor;
    if (zigzag > Number.MAX_SAFE_INTEGER) return Number.NaN;
    if (byte < 128) return (first & 1) === 0 ? zigzag / 2 : -(zigzag + 1) / 2;
  }
}

/** Where the number at the place ends: a length's text begins there, or a branch's value. */
export function behindWhole(bytes: Uint8Array, place: number): number {
  let at = place;
  while ((bytes[at] ?? 0) > 127) at += 1;
  return at + 1;
}

/** Null where the value takes more than copying, such as a date. */
export function compilePlainValue({ wire, nullBranch }: PlainField, kind: ValueKind): WriteValue | null {
  const write = wire.kind === 'symbol' ? symbolWriter(wire.symbols, kind) : writerOf(wire.kind, kind);
  if (write === null || nullBranch === null) return write;
  return (bytes, place, out) => {
    if (wholeAt(bytes, place) !== nullBranch) return write(bytes, behindWhole(bytes, place), out);
    out.null();
    return true;
  };
}

function writerOf(wire: 'text' | 'whole' | 'double' | 'boolean', kind: ValueKind): WriteValue | null {
  switch (kind) {
    case 'string':
    case 'uuid':
      return wire === 'text' ? writeText : null;
    case 'int':
      return wire === 'whole' ? writeInt : null;
    case 'long':
      return wire === 'whole' ? writeLong : null;
    case 'timestamp-millis':
      return wire === 'whole' ? timestampWriter(1) : null;
    case 'timestamp-micros':
      return wire === 'whole' ? timestampWriter(1_000) : null;
    case 'double':
      return wire === 'double' ? writeDouble : null;
    case 'boolean':
      return wire === 'boolean' ? writeBoolean : null;
    default:
      return null;
  }
}

function writeText(bytes: Uint8Array, place: number, out: PackedEvent): boolean {
  const length = wholeAt(bytes, place);
  if (length > propertyTextBytesMax) return false;
  const start = behindWhole(bytes, place);
  out.text(bytes, start, start + length);
  return true;
}

function writeInt(bytes: Uint8Array, place: number, out: PackedEvent): boolean {
  out.number(wholeAt(bytes, place));
  return true;
}

function writeLong(bytes: Uint8Array, place: number, out: PackedEvent): boolean {
  const value = wholeAt(bytes, place);
  if (Number.isNaN(value)) return false;
  out.integer(value);
  return true;
}

function timestampWriter(unitsPerMs: number): WriteValue {
  return (bytes, place, out) => {
    const timeMs = wholeAt(bytes, place) / unitsPerMs;
    if (!(Math.abs(timeMs) <= timeMsMax)) return false;
    out.number(timeMs);
    return true;
  };
}

const doubleBytes = new Uint8Array(8);
const doubleView = new DataView(doubleBytes.buffer);

/** Through eight bytes of our own: a view of each event's would cost more than all else. */
function writeDouble(bytes: Uint8Array, place: number, out: PackedEvent): boolean {
  for (let i = 0; i < 8; i += 1) doubleBytes[i] = bytes[place + i] ?? 0;
  const value = doubleView.getFloat64(0, true);
  if (!Number.isFinite(value)) return false;
  out.number(value);
  return true;
}

function writeBoolean(bytes: Uint8Array, place: number, out: PackedEvent): boolean {
  out.boolean(bytes[place] === 1);
  return true;
}

/** Each symbol is written once, when the mapping is compiled. */
function symbolWriter(symbols: readonly string[], kind: ValueKind): WriteValue | null {
  if (kind !== 'enum' || symbols.some(({ length }) => length > nameBytesMax)) return null;
  const written = symbols.map(textValue);
  return (bytes, place, out) => {
    const symbol = written[wholeAt(bytes, place)];
    if (symbol === undefined) return false;
    out.raw(symbol);
    return true;
  };
}
