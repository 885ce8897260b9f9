import type { TimePosition } from '../../graph-store/index.ts';
import { badInput } from '../api-error.ts';
import { readCursor } from '../cursor.ts';

const version = 2;
const bytes = 33;
const pattern = /^[A-Za-z0-9_-]{44}$/;

/** Where a subscription goes on. */
export interface StepCursor {
  /** In the feed; null when the cursor was given while steps were being caught up on, or by a page of a journey. */
  readonly feed: { readonly epoch: bigint; readonly sequence: number } | null;
  /** In the journey: everything before it had been delivered, or was there before the subscription began. */
  readonly place: TimePosition;
}

/** One byte version, then epoch, sequence (0: none), event time and occurrence of 8 bytes each. */
export function writeStepCursor({ feed, place }: StepCursor): string {
  const buffer = Buffer.alloc(bytes);
  buffer[0] = version;
  buffer.writeBigUInt64BE(feed?.epoch ?? 0n, 1);
  buffer.writeBigUInt64BE(BigInt(feed?.sequence ?? 0), 9);
  buffer.writeBigUInt64BE(BigInt(place.timeMs), 17);
  buffer.writeBigUInt64BE(place.occurrence, 25);
  return buffer.toString('base64url');
}

/** Takes cursors of a journey's page too. Throws a GraphQLError that names the argument for anything else. */
export function readStepCursor(argument: string, text: string): StepCursor {
  if (!pattern.test(text)) return { feed: null, place: readCursor(argument, text) };
  const buffer = Buffer.from(text, 'base64url');
  const sequence = Number(buffer.readBigUInt64BE(9));
  const timeMs = Number(buffer.readBigUInt64BE(17));
  const fits = Number.isSafeInteger(sequence) && Number.isSafeInteger(timeMs);
  if (buffer[0] !== version || !fits || buffer.toString('base64url') !== text) {
    throw badInput(argument, 'a cursor that a subscription or a page of a journey gave');
  }
  const feed = sequence === 0 ? null : { epoch: buffer.readBigUInt64BE(1), sequence };
  return { feed, place: { timeMs, occurrence: buffer.readBigUInt64BE(25) } };
}
