import type { IncomingMessage } from 'node:http';
import {
  type Cursor,
  decodeCursor,
  isKey,
  liveSocketPath,
  liveSubprotocol,
  noCursor,
  tokenSubprotocolPrefix,
} from '../../device/index.ts';
import { type ConnectRefusal, refusal } from './connect-refusal.ts';

const queryLengthMax = 512;
const tokenLengthMax = 4_096;

export interface Asked {
  readonly event: string;
  readonly cursor: Cursor;
  readonly token: string;
}

export function isLiveSocket({ url = '' }: IncomingMessage): boolean {
  return url === liveSocketPath || url.startsWith(`${liveSocketPath}?`);
}

/**
 * Only browsers send an origin, and any page may open a socket anywhere: theirs has to be on the list, as it stands, or be that of the very host that is asked, which
 * whoever serves the upgrade has checked to be one of its own.
 */
export function isOriginAllowed({ headers }: IncomingMessage, allowed: ReadonlySet<string>): boolean {
  const { origin, host } = headers;
  if (origin === undefined || allowed.has(origin)) return true;
  return host !== undefined && URL.parse(origin)?.host === host.toLowerCase();
}

/** What a connect asks for. Nothing of it is true yet. */
export function readUpgrade({ url = '', headers }: IncomingMessage): Asked | ConnectRefusal {
  const offered = readProtocols(headers['sec-websocket-protocol']);
  if (!offered.includes(liveSubprotocol)) return refusal('BAD_SUBPROTOCOL');
  const query = url.slice(liveSocketPath.length + 1);
  if (query.length > queryLengthMax) return refusal('BAD_EVENT');
  const parameters = new URLSearchParams(query);
  const event = parameters.get('event');
  if (!isKey(event)) return refusal('BAD_EVENT');
  const after = parameters.get('after');
  const cursor = after === null ? noCursor : decodeCursor(after);
  if (cursor === null) return refusal('BAD_CURSOR');
  const token = tokenOf(offered, headers.authorization);
  if (token === null) return refusal('UNAUTHENTICATED');
  return token.length > tokenLengthMax ? refusal('TOKEN_REFUSED') : { event, cursor, token };
}

function readProtocols(header: string | undefined): readonly string[] {
  return (header ?? '').split(',', 8).map((protocol) => protocol.trim());
}

function tokenOf(offered: readonly string[], authorization: string | undefined): string | null {
  const protocol = offered.find((name) => name.startsWith(tokenSubprotocolPrefix));
  if (protocol !== undefined) return protocol.slice(tokenSubprotocolPrefix.length);
  return /^bearer +(\S+)$/i.exec(authorization ?? '')?.[1] ?? null;
}
