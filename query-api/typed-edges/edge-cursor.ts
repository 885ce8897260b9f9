import { JourneyGraphError } from '../../foundation/index.ts';
import { checkEdgeKey, checkNodeId, nameBytesMax, type OccurrencePosition } from '../../graph-store/index.ts';
import { badInput } from '../api-error.ts';

const version = 2;
const eventBytes = 17;
const charactersMax = 2048;
const pattern = /^[A-Za-z0-9_-]+$/;
const takes = 'a cursor that an earlier page gave';

/**
 * An opaque place among the edges of one type at a node: one byte version, 8 bytes event time, 8 bytes occurrence, then the far end's
 * type, its id and the edge's key with a NUL between each two. It names a key and not a count, so pages stay right while
 * edges are being added.
 */
export function writeEdgeCursor({ timeMs, occurrence, far, key }: OccurrencePosition): string {
  const event = Buffer.alloc(eventBytes);
  event[0] = version;
  event.writeBigUInt64BE(BigInt(timeMs), 1);
  event.writeBigUInt64BE(occurrence, 9);
  return Buffer.concat([event, Buffer.from(`${far.type}\0${far.id}\0${key ?? ''}`)]).toString('base64url');
}

/** Throws a GraphQLError that names the argument for anything {@link writeEdgeCursor} did not write. */
export function readEdgeCursor(argument: string, text: string): OccurrencePosition {
  const fits = text.length <= charactersMax && pattern.test(text);
  const buffer = fits ? Buffer.from(text, 'base64url') : Buffer.alloc(0);
  if (buffer.length <= eventBytes || buffer[0] !== version) throw badInput(argument, takes);
  const timeMs = Number(buffer.readBigUInt64BE(1));
  const [type = '', id = '', key = '', ...rest] = buffer.toString('utf8', eventBytes).split('\0');
  const position = {
    timeMs,
    occurrence: buffer.readBigUInt64BE(9),
    far: { type, id },
    key: key === '' ? null : key,
  };
  const isOurs = Number.isSafeInteger(timeMs) && rest.length === 0 && isPlace(position);
  // Bytes that are no UTF-8, or spare bits that another text would share, come back as another text.
  if (!isOurs || writeEdgeCursor(position) !== text) throw badInput(argument, takes);
  return position;
}

function isPlace({ far, key }: OccurrencePosition): boolean {
  if (far.type === '' || far.type.length > nameBytesMax) return false;
  try {
    checkNodeId(far.id);
    if (key !== null) checkEdgeKey(key);
    return true;
  } catch (error) {
    if (error instanceof JourneyGraphError) return false;
    throw error;
  }
}
