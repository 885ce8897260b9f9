import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Refusal as TrafficRefusal } from '../traffic/refusal.ts';

export type ConnectRefusalCode =
  | 'BAD_CURSOR'
  | 'BAD_EVENT'
  | 'BAD_SUBPROTOCOL'
  | 'UNAUTHENTICATED'
  | 'TOKEN_EXPIRED'
  | 'TOKEN_REFUSED'
  | 'ORIGIN_NOT_ALLOWED'
  | 'BUSY'
  | 'TOO_MANY_SOCKETS'
  | 'GOING_AWAY'
  | TrafficRefusal['code'];

/** Why a connect is no socket. With `retryAfterMs` where it may be one later. */
export interface ConnectRefusal {
  readonly code: ConnectRefusalCode;
  readonly retryAfterMs: number | null;
  /** How often to try before a long rest; null: as the gateway says. */
  readonly retriesMax: number | null;
}

const statuses: Readonly<Record<ConnectRefusalCode, number>> = {
  BAD_CURSOR: 400,
  BAD_EVENT: 400,
  BAD_SUBPROTOCOL: 400,
  UNAUTHENTICATED: 401,
  TOKEN_EXPIRED: 401,
  TOKEN_REFUSED: 401,
  ORIGIN_NOT_ALLOWED: 403,
  BUSY: 503,
  TOO_MANY_SOCKETS: 503,
  GOING_AWAY: 503,
  OVERLOADED: 503,
  CLASS_PAUSED: 429,
};

export function refusal(code: ConnectRefusalCode, retryAfterMs: number | null = null): ConnectRefusal {
  return { code, retryAfterMs, retriesMax: null };
}

/** Answers an upgrade with an HTTP error, and is done with the connection. */
export function refuse(connection: Duplex, refused: ConnectRefusal, retriesDefault: number): void {
  const { code, retryAfterMs } = refused;
  const retriesMax = refused.retriesMax ?? retriesDefault;
  const status = statuses[code];
  const body = `${JSON.stringify(retryAfterMs === null ? { code } : { code, retryAfterMs, retriesMax })}\n`;
  const retry = retryAfterMs === null ? '' : `retry-after: ${Math.ceil(retryAfterMs / 1000)}\r\n`;
  connection.once('finish', () => connection.destroy());
  connection.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nconnection: close\r\ncontent-type: application/json\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\n${retry}cache-control: no-store\r\n\r\n${body}`,
  );
}
