import type { TimePosition } from '../graph-store/index.ts';
import { badInput } from './api-error.ts';

const version = 1;
const bytes = 17;
const pattern = /^[A-Za-z0-9_-]{23}$/;

/**
 * An opaque place in a journey: one byte version, 8 bytes event time, 8 bytes occurrence. It names a key and not a count,
 * so pages stay right while steps are being added. It carries no right to anything: used with another journey it is just a
 * point in time.
 */
export function writeCursor(position: TimePosition): string {
  const buffer = Buffer.alloc(bytes);
  buffer[0] = version;
  buffer.writeBigUInt64BE(BigInt(position.timeMs), 1);
  buffer.writeBigUInt64BE(position.occurrence, 9);
  return buffer.toString('base64url');
}

/** Throws a GraphQLError that names the argument for anything {@link writeCursor} did not write. */
export function readCursor(argument: string, text: string): TimePosition {
  const buffer = pattern.test(text) ? Buffer.from(text, 'base64url') : Buffer.alloc(0);
  const timeMs = buffer.length === bytes ? Number(buffer.readBigUInt64BE(1)) : Number.NaN;
  // A time that a store cannot hold, or spare bits that another text would share: written by somebody else.
  if (buffer[0] !== version || !Number.isSafeInteger(timeMs) || buffer.toString('base64url') !== text) {
    throw badInput(argument, 'a cursor that an earlier page gave');
  }
  return { timeMs, occurrence: buffer.readBigUInt64BE(9) };
}
