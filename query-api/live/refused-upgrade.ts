import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';

/** Why a request to upgrade gets an HTTP answer and no socket. */
export interface RefusedUpgrade {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

export const noSocketHere: RefusedUpgrade = {
  status: 404,
  code: 'NOT_FOUND',
  message: 'There is no WebSocket here; GraphQL is at /graphql.',
};

/** A connection that breaks before it is a socket is no news to anybody. */
export function ignoreBroken(): void {
  // Its close is all there is to do, and that comes by itself.
}

export function refuseUpgrade(
  connection: Duplex,
  { status, code, message }: RefusedUpgrade,
  requestId: string,
): void {
  const body = `${JSON.stringify({ errors: [{ message, extensions: { code, requestId } }] })}\n`;
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'connection: close',
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    `x-request-id: ${requestId}`,
    'cache-control: no-store',
  ];
  connection.once('finish', () => connection.destroy());
  connection.end(`${lines.join('\r\n')}\r\n\r\n${body}`);
}
