import { type Cursor, encodeCursor, noCursor, type ServerMessage } from '../../device/index.ts';
import { isAfter } from './event-history.ts';

export interface ResumeCounts {
  connects: number;
  broadcasts: number;
  /** Of broadcasts that the device had been sent before and had not acknowledged. */
  duplicates: number;
  /** Welcomes where more was missed than is sent again. */
  collapsed: number;
  readonly answers: Record<string, number>;
}

export function createResumeCounts(): ResumeCounts {
  return { connects: 0, broadcasts: 0, duplicates: 0, collapsed: 0, answers: {} };
}

const replayMax = 32;

/**
 * A device that forgets, when its connection goes, everything but what it acknowledged, and checks every message it is sent: each broadcast
 * is the next one, whether it comes again or for the first time; nothing is ever older than what it had before; a message comes
 * twice only where the device had not acknowledged it.
 */
export class ResumingDevice {
  readonly name: string;
  readonly #counts: ResumeCounts;
  /** What it acknowledged: all that it still knows after a disconnect. */
  acknowledged: Cursor = noCursor;
  /** Where it is in this connection; null before the greeting. */
  #at: Cursor | null = null;
  /** The newest that was ever sent to it. */
  #seen: Cursor = noCursor;
  /** Of the greeting: up to here it is owed what it missed. */
  #owed = 0;

  constructor(name: string, counts: ResumeCounts) {
    this.name = name;
    this.#counts = counts;
  }

  /** Where it is; null while it has not been greeted. */
  get at(): Cursor | null {
    return this.#at;
  }

  /** Whether all that was missed has come. */
  get caughtUp(): boolean {
    return this.#at !== null && this.#at.sequence >= this.#owed;
  }

  /** A new connection; what it says it has. */
  connect(): Cursor {
    this.#counts.connects += 1;
    this.#at = null;
    this.#owed = 0;
    return this.acknowledged;
  }

  acknowledge(): void {
    if (this.#at !== null) this.acknowledged = this.#at;
  }

  /** @throws when a gateway must not have sent this. */
  hear(message: ServerMessage): void {
    if (this.#at === null) this.#greeted(message);
    else if (message.type === 'broadcast') this.#broadcast(message, this.#at);
    else throw this.#wrong(message, 'a second greeting');
  }

  #greeted(message: ServerMessage): void {
    const { acknowledged } = this;
    const { epoch, sequence } = message;
    if (message.type === 'broadcast') throw this.#wrong(message, 'a broadcast before the greeting');
    if (isAfter(this.#seen, message)) throw this.#wrong(message, 'a state older than what was seen');
    const answer = message.type === 'welcome' ? 'welcome' : message.reason;
    this.#counts.answers[answer] = (this.#counts.answers[answer] ?? 0) + 1;
    if (message.type === 'welcome') {
      if (epoch !== acknowledged.epoch) throw this.#wrong(message, 'a welcome of another epoch');
      this.#owed = sequence;
      const collapsed = sequence - acknowledged.sequence > replayMax;
      if (collapsed) this.#counts.collapsed += 1;
      this.#at = collapsed ? { epoch, sequence: sequence - 1 } : acknowledged;
      return;
    }
    const expected = acknowledged.epoch === 0 ? 'NEW' : acknowledged.epoch === epoch ? 'TOO_OLD' : 'EPOCH';
    if (message.reason !== expected) throw this.#wrong(message, `not ${expected}`);
    this.#at = { epoch, sequence };
    this.#saw(message);
  }

  #broadcast(message: Cursor, at: Cursor): void {
    this.#counts.broadcasts += 1;
    const next = message.epoch === at.epoch && message.sequence === at.sequence + 1;
    if (!next && message.epoch <= at.epoch) throw this.#wrong(message, 'not the next one');
    if (!isAfter(message, this.acknowledged)) throw this.#wrong(message, 'what it acknowledged');
    if (!isAfter(message, this.#seen)) this.#counts.duplicates += 1;
    this.#at = { epoch: message.epoch, sequence: message.sequence };
    if (message.epoch > at.epoch) this.#owed = 0;
    this.#saw(message);
  }

  #saw({ epoch, sequence }: Cursor): void {
    const cursor = { epoch, sequence };
    if (isAfter(cursor, this.#seen)) this.#seen = cursor;
  }

  #wrong(message: Cursor, what: string): Error {
    const at = this.#at === null ? 'nowhere' : encodeCursor(this.#at);
    return new Error(
      `${this.name}, at ${at}, acknowledged ${encodeCursor(this.acknowledged)}, seen ${encodeCursor(this.#seen)}: ` +
        `was sent ${JSON.stringify(message)}: ${what}`,
    );
  }
}
