import { edgeKeyBytesMax, nodeIdBytesMax, type PropertyValue } from '../graph-store/index.ts';
import type { FieldRead, ValuePlan } from '../schemas/index.ts';
import { bad, kindOf, type Read } from './read.ts';
import { compileValue } from './value.ts';

/** No UTF-16 unit takes more than three bytes of UTF-8. */
const nodeIdUnitsSafe = Math.floor(nodeIdBytesMax / 3);
const edgeKeyUnitsSafe = Math.floor(edgeKeyBytesMax / 3);

/**
 * A node's id as text. Null where the event has none; empty ids, ids over 1,024 bytes of UTF-8 and ids that hold NUL are
 * bad data (`INVALID_NODE_ID`).
 */
export function compileId(plan: ValuePlan): Read<string | null> {
  const read = compileValue(plan);
  const { text } = plan;
  return (roots) => idText(read(roots), text);
}

/** Tells edges between two nodes apart: as an id, of 255 bytes at most and never null (`EDGE_KEY_MISSING`, `INVALID_EDGE_KEY`). */
export function compileEdgeKey(plan: ValuePlan, edgeType: string): Read<string> {
  const read = compileValue(plan);
  const { text } = plan;
  return (roots) => {
    const value = read(roots);
    if (value === null)
      throw bad('EDGE_KEY_MISSING', text, `is null, but tells edges of the type ${edgeType} apart`);
    const key = String(value);
    if (key !== '' && key.length <= edgeKeyUnitsSafe) return key;
    if (key === '' || Buffer.byteLength(key) > edgeKeyBytesMax) {
      const why = key === '' ? 'is empty' : `has more than ${edgeKeyBytesMax} bytes`;
      throw bad('INVALID_EDGE_KEY', text, `${why} and cannot tell edges apart`);
    }
    return key;
  };
}

/** An event's own id, by the rules of a node's. */
export function compileEventId(field: FieldRead): Read<string | null> {
  return compileId({ source: { from: 'field', field }, apply: [], kind: field.kind, text: field.path });
}

function idText(value: PropertyValue, path: string): string | null {
  if (typeof value === 'string') {
    if (value.length === 0) throw bad('INVALID_NODE_ID', path, 'is empty and cannot be an id');
    if (value.length > nodeIdUnitsSafe && Buffer.byteLength(value) > nodeIdBytesMax) {
      throw bad('INVALID_NODE_ID', path, `has more than ${nodeIdBytesMax} bytes and cannot be an id`);
    }
    if (value.includes('\0')) throw bad('INVALID_NODE_ID', path, 'holds NUL and cannot be an id');
    return value;
  }
  if (value === null) return null;
  if (typeof value === 'bigint' || typeof value === 'number') return String(value);
  throw bad('INVALID_NODE_ID', path, `is ${kindOf(value)} and cannot be an id`);
}
