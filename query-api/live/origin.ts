import type { IncomingHttpHeaders } from 'node:http';
import { type GateOptions, type HostRefusal, refuseHost } from '../request-gate.ts';

/**
 * A page of any site can open a WebSocket anywhere, and no preflight asks before it does: so a browser's socket is taken only from a page
 * of a host that requests may be addressed to or, where any may, of the very host that the page asks for.
 */
export function refuseOrigin(headers: IncomingHttpHeaders, gate: GateOptions): HostRefusal | null {
  const { origin } = headers;
  // Only browsers send one.
  if (origin === undefined) return null;
  const host = URL.parse(origin)?.host ?? '';
  const listed = refuseHost({ headers: { host } }, gate) === null;
  const any = gate.anyHost && gate.allowedHosts.length === 0;
  if (host !== '' && (any ? host === headers.host : listed)) return null;
  const message =
    'This server takes no WebSocket from a page of that site; add its host to the setting api.allowed.hosts.';
  return { status: 403, code: 'HOST_NOT_ALLOWED', message };
}
