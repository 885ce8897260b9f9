/** What devices and gateways say to each other: see `live-events/PROTOCOL.md`. Runs in a browser: it imports nothing. */

export const liveSubprotocol = 'journey-graph-live.v1';
export const tokenSubprotocolPrefix = 'token.';
export const liveSocketPath = '/live/socket';

/** Bytes of a message, either way. */
export const messageBytesMax = 512;

export const closeCodes = {
  goingAway: 1001,
  badMessage: 4400,
  tokenExpired: 4401,
  eventGone: 4404,
  tooSlow: 4408,
  replaced: 4409,
  tooManyMessages: 4429,
} as const;

/** Where somebody is in an event's broadcasts. */
export interface Cursor {
  readonly epoch: number;
  readonly sequence: number;
}

export const noCursor: Cursor = { epoch: 0, sequence: 0 };

/** One journaled change; it states the whole. Times are epoch milliseconds. */
export interface Broadcast extends Cursor {
  readonly type: 'broadcast';
  readonly event: string;
  /** Of the schedule. */
  readonly version: number;
  /** A stage's key. */
  readonly stage: string;
  /** The stage holds from then. */
  readonly at: number;
}

interface Greeting extends Omit<Broadcast, 'type'> {
  /** Between the server's pings. */
  readonly pingMs: number;
  /** The server's clock. */
  readonly now: number;
}

export interface Welcome extends Greeting {
  readonly type: 'welcome';
  readonly recovered: true;
}

export type ResyncReason = 'NEW' | 'EPOCH' | 'TOO_OLD' | 'AHEAD';

export interface Resync extends Greeting {
  readonly type: 'resync';
  readonly reason: ResyncReason;
}

export type ServerMessage = Broadcast | Welcome | Resync;

/** Sent beside each WebSocket ping, which a page in a browser cannot see: without it silence could not be told from a dead network. */
export interface Heartbeat {
  readonly type: 'heartbeat';
  /** The server's clock. */
  readonly now: number;
}

export interface Applied extends Cursor {
  readonly type: 'applied';
  readonly delayMs: number | null;
}

const keyPattern = /^[A-Za-z0-9._-]{1,64}$/;

/** Whether it can be the id of an event or the key of a stage. */
export function isKey(text: unknown): text is string {
  return typeof text === 'string' && keyPattern.test(text);
}

export function encodeCursor({ epoch, sequence }: Cursor): string {
  return `${epoch}.${sequence}`;
}

/** Null when it is none. */
export function decodeCursor(text: string): Cursor | null {
  const found = /^(\d{1,15})\.(\d{1,15})$/.exec(text);
  if (found === null) return null;
  return { epoch: Number(found[1]), sequence: Number(found[2]) };
}

/** Null when it is no message of a server. */
export function readServerMessage(text: string): ServerMessage | null {
  const value = readObject(text);
  if (value === null) return null;
  const { type, event, epoch, sequence, version, stage, at } = value;
  if (!isKey(event) || !isKey(stage) || !isCount(version) || !isCount(at)) return null;
  if (!isCount(epoch) || !isCount(sequence)) return null;
  const state = { event, epoch, sequence, version, stage, at };
  if (type === 'broadcast') return { type, ...state };
  const { pingMs, now, reason } = value;
  if (!isCount(pingMs) || !isCount(now)) return null;
  if (type === 'welcome') return { type, ...state, recovered: true, pingMs, now };
  if (type === 'resync' && isReason(reason)) return { type, ...state, reason, pingMs, now };
  return null;
}

/** Null when it is none. */
export function readHeartbeat(text: string): Heartbeat | null {
  const value = readObject(text);
  if (value?.type !== 'heartbeat' || !isCount(value.now)) return null;
  return { type: 'heartbeat', now: value.now };
}

/** Null when it is no message of a device. */
export function readDeviceMessage(text: string): Applied | null {
  const value = readObject(text);
  if (value === null || value.type !== 'applied') return null;
  const { epoch, sequence, delayMs } = value;
  if (!isCount(epoch) || !isCount(sequence)) return null;
  if (delayMs !== null && !isCount(delayMs)) return null;
  return { type: 'applied', epoch, sequence, delayMs };
}

function readObject(text: string): Readonly<Record<string, unknown>> | null {
  if (text.length > messageBytesMax) return null;
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : null;
  } catch {
    return null;
  }
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A whole number from 0. */
export function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isReason(value: unknown): value is ResyncReason {
  return value === 'NEW' || value === 'EPOCH' || value === 'TOO_OLD' || value === 'AHEAD';
}
