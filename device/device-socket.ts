import type { DeviceClock } from './device-ports.ts';
import type { Report } from './device-problem.ts';
import {
  type Applied,
  type Cursor,
  encodeCursor,
  liveSubprotocol,
  readHeartbeat,
  readServerMessage,
  type ServerMessage,
  tokenSubprotocolPrefix,
} from './protocol.ts';

/** As browsers and Node have it. */
export interface WebSocketLike {
  readonly readyState: number;
  onmessage: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  send(data: string): void;
  close(code?: number, reason?: string): void;
}

export type WebSocketConstructor = new (url: string, protocols: string[]) => WebSocketLike;

/** Where a device connects to, and as whom. */
export interface ConnectionGrant {
  /** `wss://HOST/live/socket`. */
  readonly url: string;
  readonly token: string;
  /** Until when the token is good, as the server says it: ISO 8601, or epoch milliseconds. Left out where nobody knows. */
  readonly expiresAt?: string | number;
}

export interface DeviceSocketParts {
  readonly webSocket: WebSocketConstructor;
  readonly grant: ConnectionGrant;
  readonly event: string;
  readonly after: Cursor;
  readonly clock: DeviceClock;
  /** Until the first message. */
  readonly greetingMs: number;
  /** Whether this server is known to send heartbeats; else silence may be all there is to hear. */
  readonly hasHeartbeats: boolean;
  readonly report: Report;
  readonly heard: (message: ServerMessage) => void;
  /** The server's clock, each time that it says it. */
  readonly told: (serverNowMs: number) => void;
}

export interface SocketEnd {
  readonly code: number;
  readonly reason: string;
  /** Null when there was none. */
  readonly greetedMs: number | null;
  readonly hasHeartbeats: boolean;
}

const abnormal = 1006;
const open = 1;
/** A device that has heard nothing for so many of the server's pings takes it to be gone. */
const pingsMissed = 2.5;
/** Whatever a server says. */
const pingMsMin = 1000;
const pingMsMax = 600_000;

/** One connection, from its handshake until it ends for whatever reason. */
export class DeviceSocket {
  readonly ended: Promise<SocketEnd>;
  readonly #parts: DeviceSocketParts;
  readonly #socket: WebSocketLike;
  readonly #over = new AbortController();
  #resolve: (end: SocketEnd) => void = () => undefined;
  #greetedMs: number | null = null;
  #hasHeartbeats: boolean;
  #pingMs = pingMsMax;
  #rewatch = new AbortController();

  /** Throws when the address is none. */
  constructor(parts: DeviceSocketParts) {
    this.#parts = parts;
    this.#hasHeartbeats = parts.hasHeartbeats;
    this.ended = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    const { grant, event, after } = parts;
    const url = new URL(grant.url);
    url.searchParams.set('event', event);
    url.searchParams.set('after', encodeCursor(after));
    this.#socket = new parts.webSocket(url.href, [liveSubprotocol, tokenSubprotocolPrefix + grant.token]);
    this.#socket.onmessage = (message: { readonly data?: unknown }) => this.#receive(message.data);
    this.#socket.onclose = (close: { readonly code?: number; readonly reason?: string }) =>
      this.#end(close.code ?? abnormal, close.reason ?? '');
    // A close follows, and says more.
    this.#socket.onerror = () => undefined;
    void this.#watchOver();
  }

  /** False when it is not open (any more). */
  send(message: Applied): boolean {
    if (this.#greetedMs === null || this.#over.signal.aborted || this.#socket.readyState !== open)
      return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  /** Does not wait for the other side: a network that has gone would never answer. */
  close(): void {
    this.#end(1000, '');
  }

  #receive(data: unknown): void {
    if (this.#over.signal.aborted) return;
    this.#rewatch.abort();
    const text = typeof data === 'string' ? data : '';
    const heartbeat = readHeartbeat(text);
    if (heartbeat !== null) {
      this.#hasHeartbeats = true;
      this.#parts.told(heartbeat.now);
      return;
    }
    const message = readServerMessage(text);
    if (message === null) {
      // Passed over: a server that is newer than this device may say more.
      this.#parts.report('BAD_MESSAGE', `Not a message: ${text.slice(0, 100)}`);
      return;
    }
    if (message.type !== 'broadcast') this.#greeted(message);
    this.#parts.heard(message);
  }

  #greeted({ pingMs, now }: { readonly pingMs: number; readonly now: number }): void {
    this.#greetedMs ??= this.#parts.clock.now();
    this.#pingMs = Math.min(pingMsMax, Math.max(pingMsMin, pingMs));
    this.#parts.told(now);
  }

  /** A network that swallows everything closes no socket. Whatever is heard begins the wait anew; the clock is not read, since a device's is set. */
  async #watchOver(): Promise<void> {
    const { clock } = this.#parts;
    while (!this.#over.signal.aborted) {
      this.#rewatch = new AbortController();
      const { signal } = this.#rewatch;
      const patienceMs = this.#patienceMs();
      await clock.sleep(patienceMs, signal);
      if (!signal.aborted && Number.isFinite(patienceMs)) this.#end(abnormal, 'silence');
    }
  }

  #patienceMs(): number {
    if (this.#greetedMs === null) return this.#parts.greetingMs;
    return this.#hasHeartbeats ? this.#pingMs * pingsMissed : Number.POSITIVE_INFINITY;
  }

  #end(code: number, reason: string): void {
    if (this.#over.signal.aborted) return;
    this.#over.abort();
    this.#rewatch.abort();
    this.#socket.onmessage = null;
    this.#socket.onclose = null;
    this.#socket.close(1000);
    this.#resolve({ code, reason, greetedMs: this.#greetedMs, hasHeartbeats: this.#hasHeartbeats });
  }
}
