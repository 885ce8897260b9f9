import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

export interface GateOptions {
  /** Bearer token that every request but the health checks and the IDE's page must carry; null for none. */
  readonly token: string | null;
  /** Names that requests may be addressed to besides loopback names; empty with `anyHost` false means loopback only. */
  readonly allowedHosts: readonly string[];
  /** True when the server listens beyond loopback: then the token protects, and any name may be used. */
  readonly anyHost: boolean;
}

export interface HostRefusal {
  readonly status: 403;
  readonly code: 'HOST_NOT_ALLOWED';
  readonly message: string;
}

/** Of a request all that the gate looks at. */
export interface Headed {
  readonly headers: IncomingHttpHeaders;
}

const loopbackNames = new Set(['localhost', '127.0.0.1', '[::1]']);

/**
 * A page from elsewhere can make a browser call a loopback server under a name that the page's owner controls (DNS
 * rebinding): so a name that is not ours is refused although the connection is local.
 */
export function refuseHost(request: Headed, { allowedHosts, anyHost }: GateOptions): HostRefusal | null {
  const host = hostName(request.headers.host ?? '');
  const known = loopbackNames.has(host) || allowedHosts.some((allowed) => hostName(allowed) === host);
  if (known || (anyHost && allowedHosts.length === 0)) return null;
  const message = 'This server does not answer to that host name; add it to the setting api.allowed.hosts.';
  return { status: 403, code: 'HOST_NOT_ALLOWED', message };
}

/** Without port and the root's dot, in lower case: names that mean the same host are one. */
function hostName(host: string): string {
  return host.toLowerCase().replace(/:\d+$/, '').replace(/\.$/, '');
}

/** A page from elsewhere could not read the answer but could make the server work; browsers say so, other clients say nothing. */
export function isFromAnotherSite({ headers }: IncomingMessage): boolean {
  const site = headers['sec-fetch-site'];
  return site !== undefined && site !== 'same-origin' && site !== 'none';
}
