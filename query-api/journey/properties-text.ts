import { unreachable } from '../../foundation/index.ts';
import type { Property, StepParts } from '../../graph-store/index.ts';
import type { JsonBytes } from '../json-bytes.ts';
import { propertiesObject } from '../node-type.ts';
import { safeNumber } from '../scalars.ts';

/** The properties of the step that `parts` is at, as `PropertiesAnswer` gives them. */
export function writeProperties(out: JsonBytes, parts: StepParts): void {
  // Of two of one name the later one counts, and names that are numbers come first: an object knows that.
  if (!keepTheirOrder(parts)) {
    out.raw(JSON.stringify(propertiesObject(decoded(parts))));
    return;
  }
  out.ascii('{');
  parts.toProperties();
  for (let first = true; parts.nextProperty(); first = false) {
    if (!first) out.ascii(',');
    out.text(parts.bytes, parts.name);
    out.ascii(':');
    writeValue(out, parts);
  }
  out.ascii('}');
}

function writeValue(out: JsonBytes, parts: StepParts): void {
  switch (parts.kind) {
    case 'text':
      out.text(parts.bytes, parts.value);
      break;
    case 'number':
      out.number(parts.number());
      break;
    case 'integer':
      writeInteger(out, parts.integer());
      break;
    case 'null':
    case 'false':
    case 'true':
      out.ascii(parts.kind);
      break;
    default:
      unreachable(parts.kind);
  }
}

function writeInteger(out: JsonBytes, integer: number | bigint): void {
  if (typeof integer === 'number') out.number(integer);
  else out.raw(JSON.stringify(safeNumber(integer)));
}

/** Each name is compared with those before it: more than so many are an object's matter. */
const comparedMax = 64;
/** Where the names begin and end that were met before. */
const starts: number[] = [];
const ends: number[] = [];

function keepTheirOrder(parts: StepParts): boolean {
  const { bytes, name } = parts;
  parts.toProperties();
  for (let count = 0; parts.nextProperty(); count += 1) {
    const first = bytes[name.start] ?? 0;
    if ((first >= 48 && first <= 57) || count >= comparedMax) return false;
    for (let at = 0; at < count; at += 1)
      if (isSame(bytes, starts[at] ?? 0, ends[at] ?? 0, name.start, name.end)) return false;
    starts[count] = name.start;
    ends[count] = name.end;
  }
  return true;
}

function isSame(bytes: Buffer, start: number, end: number, otherStart: number, otherEnd: number): boolean {
  if (end - start !== otherEnd - otherStart) return false;
  for (let i = 0; i < end - start; i += 1) if (bytes[start + i] !== bytes[otherStart + i]) return false;
  return true;
}

function decoded(parts: StepParts): Property[] {
  const properties: Property[] = [];
  parts.toProperties();
  while (parts.nextProperty())
    properties.push([parts.bytes.toString('utf8', parts.name.start, parts.name.end), propertyValue(parts)]);
  return properties;
}

function propertyValue(parts: StepParts): Property[1] {
  switch (parts.kind) {
    case 'text':
      return parts.bytes.toString('utf8', parts.value.start, parts.value.end);
    case 'number':
      return parts.number();
    case 'integer':
      return parts.integer();
    case 'null':
      return null;
    case 'false':
    case 'true':
      return parts.kind === 'true';
    default:
      return unreachable(parts.kind);
  }
}
