import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { TimePosition } from '../../graph-store/index.ts';
import { badInput } from '../api-error.ts';
import { readCursor, writeCursor } from '../cursor.ts';

const version = 3;
const openBytes = 17;
const nonceBytes = 12;
const sealedBytes = 16;
const tagBytes = 16;
const bytes = openBytes + nonceBytes + sealedBytes + tagBytes;
const pattern = /^[A-Za-z0-9_-]{82}$/;
const cipher = 'aes-256-gcm';
export const cursorKeyBytes = 32;

/** Where a subscription goes on. */
export interface StepCursor {
  /**
   * In the feed; null when the cursor was given while steps were being caught up on, or by a page of a journey. An epoch of null is that of
   * another process: what its feed had to do with it is not known here.
   */
  readonly feed: { readonly epoch: bigint | null; readonly sequence: number } | null;
  /** In the journey: everything before it had been delivered, or was there before the subscription began. */
  readonly place: TimePosition;
}

/** As a subscription knows it. */
export interface OwnCursor extends StepCursor {
  readonly feed: { readonly epoch: bigint; readonly sequence: number } | null;
}

/**
 * Writes and reads cursors: one byte version, event time and occurrence of 8 bytes each, then epoch and sequence of 8 bytes each, encrypted. A
 * sequence counts the steps of everybody, those that its holder may not see among them; and it means nothing beyond this process, so
 * neither does the key. One that has no place in the feed is that of a page.
 */
export class StepCursors {
  readonly #key: Buffer;

  /** A key of {@link cursorKeyBytes} that no other process has. */
  constructor(key: Buffer) {
    this.#key = key;
  }

  write({ feed, place }: OwnCursor): string {
    if (feed === null) return writeCursor(place);
    const open = Buffer.alloc(openBytes);
    open[0] = version;
    open.writeBigUInt64BE(BigInt(place.timeMs), 1);
    open.writeBigUInt64BE(place.occurrence, 9);
    const plain = Buffer.alloc(sealedBytes);
    plain.writeBigUInt64BE(feed.epoch, 0);
    plain.writeBigUInt64BE(BigInt(feed.sequence), 8);
    const nonce = randomBytes(nonceBytes);
    const sealing = createCipheriv(cipher, this.#key, nonce).setAAD(open);
    const sealed = Buffer.concat([sealing.update(plain), sealing.final()]);
    return Buffer.concat([open, nonce, sealed, sealing.getAuthTag()]).toString('base64url');
  }

  /** Takes cursors of a journey's page too. Throws a GraphQLError that names the argument for anything else. */
  read(argument: string, text: string): StepCursor {
    if (!pattern.test(text)) return { feed: null, place: readCursor(argument, text) };
    const buffer = Buffer.from(text, 'base64url');
    const timeMs = Number(buffer.readBigUInt64BE(1));
    if (buffer[0] !== version || !Number.isSafeInteger(timeMs) || buffer.toString('base64url') !== text) {
      throw badInput(argument, 'a cursor that a subscription or a page of a journey gave');
    }
    return { feed: this.#opened(buffer), place: { timeMs, occurrence: buffer.readBigUInt64BE(9) } };
  }

  #opened(buffer: Buffer): NonNullable<StepCursor['feed']> {
    const sealedAt = openBytes + nonceBytes;
    const opening = createDecipheriv(cipher, this.#key, buffer.subarray(openBytes, sealedAt))
      .setAAD(buffer.subarray(0, openBytes))
      .setAuthTag(buffer.subarray(bytes - tagBytes));
    const plain = opening.update(buffer.subarray(sealedAt, bytes - tagBytes));
    try {
      opening.final();
    } catch {
      // Only another key can be the reason, or somebody's own making, which gets no more than the time that it names.
      return { epoch: null, sequence: 0 };
    }
    return { epoch: plain.readBigUInt64BE(0), sequence: Number(plain.readBigUInt64BE(8)) };
  }
}
