import type { DeviceClaims } from '../ports.ts';
import type { EventFeed } from './event-feed.ts';

/** Where the frames of a broadcast go: a connection of Node's is one. */
export interface Outlet {
  /** False once it is ended or broken; nothing may be written then. */
  readonly writable: boolean;
  /** Bytes that wait for the reader. */
  readonly writableLength: number;
  /** A whole frame, or several. */
  write(frames: Buffer): unknown;
}

/** What a session writes to: a WebSocket, or nothing at all in a test of thousands. */
export interface Wire {
  /** Past whatever the wire itself does: the session leaves its feed before a close is on its way, after which no frame may follow. */
  readonly outlet: Outlet;
  /** A whole frame, or several. Nothing once a close is on its way. */
  write(frames: Buffer): void;
  shut(code: number, reason: string): void;
  terminate(): void;
}

/** One device's connection. There are many: it holds numbers and references, no closure, no timer and no buffer of its own. */
export class Session {
  readonly wire: Wire;
  readonly feed: EventFeed;
  readonly member: string;
  readonly device: string;
  /** Its token is good until then; by the steady time, as the times below. */
  readonly expiresAtMs: number;
  /** Its lifetime is over then. */
  readonly endsAtMs: number;
  nextPingMs: number;
  /** Pings since it last answered one. */
  unanswered = 0;
  /** Where the feed has it; -1 when it has left. */
  index = -1;
  /** The last broadcast that its device said it applied. */
  appliedEpoch = 0;
  appliedSequence = 0;
  /** Where the wheel has it. */
  slot = -1;
  #messagesLeft: number;
  #messagesAtMs: number;

  constructor(wire: Wire, feed: EventFeed, claims: DeviceClaims, times: SessionTimes) {
    this.wire = wire;
    this.feed = feed;
    this.member = claims.member;
    this.device = claims.device;
    this.expiresAtMs = times.expiresAtMs;
    this.endsAtMs = times.endsAtMs;
    this.nextPingMs = times.nextPingMs;
    this.#messagesLeft = times.messagesBurst;
    this.#messagesAtMs = times.nowMs;
  }

  /** When the wheel has to look at it again. */
  get dueMs(): number {
    return Math.min(this.nextPingMs, this.endsAtMs, this.expiresAtMs);
  }

  /** False when its device sends more than it may. */
  takeMessage(nowMs: number, burst: number, perSecond: number): boolean {
    const passedMs = Math.max(0, nowMs - this.#messagesAtMs);
    this.#messagesAtMs = nowMs;
    this.#messagesLeft = Math.min(burst, this.#messagesLeft + (passedMs * perSecond) / 1000);
    if (this.#messagesLeft < 1) return false;
    this.#messagesLeft -= 1;
    return true;
  }
}

/** By the gateway's steady time. */
export interface SessionTimes {
  readonly nowMs: number;
  readonly expiresAtMs: number;
  readonly endsAtMs: number;
  readonly nextPingMs: number;
  readonly messagesBurst: number;
}
