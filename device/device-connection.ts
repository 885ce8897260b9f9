import { type DevicePorts, sleepMsMax } from './device-ports.ts';
import type { Report } from './device-problem.ts';
import {
  type ConnectionGrant,
  DeviceSocket,
  type SocketEnd,
  type WebSocketConstructor,
} from './device-socket.ts';
import type { Applied, Cursor, ServerMessage } from './protocol.ts';
import { afterClose, Backoff, type BackoffLimits, type StopReason } from './reconnect.ts';

/** `offline`: it will be tried again. `suspended`: the application wants none. `stopped`: for good. */
export type ConnectionState = 'connecting' | 'online' | 'offline' | 'suspended' | 'stopped';

export interface ConnectionLimits {
  readonly socketBackoff: BackoffLimits;
  /** For a grant, and for a handshake with its greeting. */
  readonly greetingMs: number;
  /** A connection that held so long makes the next failure the first again. */
  readonly stableMs: number;
}

export interface DeviceConnectionParts {
  readonly event: string;
  readonly grant: () => Promise<ConnectionGrant>;
  readonly webSocket: WebSocketConstructor;
  readonly ports: DevicePorts;
  readonly limits: ConnectionLimits;
  readonly report: Report;
  /** By the server's clock; null until a greeting has told it, for the device's own may be years off. */
  readonly serverNow: () => number | null;
  readonly cursor: () => Cursor;
  readonly heard: (message: ServerMessage) => void;
  readonly told: (serverNowMs: number) => void;
  readonly changed: (state: ConnectionState, stopReason: StopReason | null) => void;
  /** While there is no connection, at first and whenever the time it answers has passed. Answers in milliseconds from now. */
  readonly alone: () => number;
}

/** Handshakes in a row that may fail with a token that should be good. A server without room refuses many, and would be asked for a token by each. */
const refusalsMax = 4;

/** Keeps one socket open for as long as it is wanted. */
export class DeviceConnection {
  readonly #parts: DeviceConnectionParts;
  readonly #backoff: Backoff;
  #wanted: 'open' | 'suspended' | 'stopped' = 'open';
  #socket: DeviceSocket | null = null;
  #grant: ConnectionGrant | null = null;
  /** Handshakes with it that brought no greeting, since it was granted or since one did. */
  #refusals = 0;
  #hasHeartbeats = false;
  /** Of the pause or the grant under way. */
  #pause = new AbortController();

  constructor(parts: DeviceConnectionParts) {
    this.#parts = parts;
    this.#backoff = new Backoff(parts.limits.socketBackoff, parts.ports.random);
  }

  /** False when there is no greeted socket. */
  send(message: Applied): boolean {
    return this.#socket?.send(message) ?? false;
  }

  suspend(): void {
    if (this.#wanted === 'open') this.#want('suspended');
  }

  resume(): void {
    if (this.#wanted === 'suspended') this.#want('open');
  }

  stop(): void {
    this.#want('stopped');
  }

  /** Until it is stopped, by the application or by the server. */
  async run(): Promise<void> {
    let stopReason: StopReason | null = null;
    while (this.#wanted !== 'stopped') {
      if (this.#wanted === 'suspended') {
        await this.#rest('suspended', Number.POSITIVE_INFINITY);
        continue;
      }
      const end = await this.#connect();
      if (this.#wanted !== 'open') continue;
      const next =
        end === null ? ({ kind: 'backoff', renew: true } as const) : afterClose(end.code, end.reason);
      if (next.kind === 'stop') {
        stopReason = next.reason;
        break;
      }
      this.#learn(end, next.kind === 'backoff' && next.renew);
      await this.#rest('offline', next.kind === 'wait' ? next.delayMs : this.#backoff.nextMs());
    }
    this.#wanted = 'stopped';
    this.#parts.changed('stopped', stopReason);
  }

  #want(wanted: 'open' | 'suspended' | 'stopped'): void {
    this.#wanted = wanted;
    this.#pause.abort();
    this.#socket?.close();
  }

  /** Null when there was not even an address to connect to. */
  async #connect(): Promise<SocketEnd | null> {
    const { event, webSocket, ports, limits, report, cursor, heard, told, changed } = this.#parts;
    changed('connecting', null);
    // Whoever is told may want none by now: an address that is no use need not be waited for.
    if (this.#wanted !== 'open') return null;
    try {
      if (this.#grant !== null && this.#isGood(this.#grant) === false) this.#grant = null;
      if (this.#grant === null) {
        this.#refusals = 0;
        this.#grant = await this.#askGrant();
      }
      if (this.#grant === null || this.#wanted !== 'open') return null;
      this.#socket = new DeviceSocket({
        webSocket,
        grant: this.#grant,
        event,
        after: cursor(),
        clock: ports.clock,
        greetingMs: limits.greetingMs,
        hasHeartbeats: this.#hasHeartbeats,
        report,
        heard: (message) => {
          if (message.type !== 'broadcast') changed('online', null);
          heard(message);
        },
        told,
      });
      return await this.#socket.ended;
    } catch (cause) {
      report('CONNECTION_FAILED', 'There is nothing to connect to.', cause);
      return null;
    } finally {
      this.#socket = null;
    }
  }

  async #askGrant(): Promise<ConnectionGrant | null> {
    const { grant, ports, limits } = this.#parts;
    this.#pause = new AbortController();
    const { signal } = this.#pause;
    const tooLate = ports.clock.sleep(limits.greetingMs, signal).then((): null => null);
    try {
      const granted = await Promise.race([grant(), tooLate]);
      if (granted === null && !signal.aborted) throw new Error(`No address within ${limits.greetingMs} ms.`);
      return granted;
    } finally {
      this.#pause.abort();
    }
  }

  /** A browser does not say why a handshake was refused: perhaps the token has expired, or is no good for another reason. */
  #learn(end: SocketEnd | null, renew: boolean): void {
    const greetedMs = end?.greetedMs ?? null;
    this.#refusals = greetedMs === null ? this.#refusals + 1 : 0;
    const isDoubtful = greetedMs === null && this.#grant !== null && this.#isGood(this.#grant) !== true;
    if (renew || isDoubtful || this.#refusals >= refusalsMax) this.#grant = null;
    if (end === null || greetedMs === null) return;
    this.#hasHeartbeats = end.hasHeartbeats;
    const { ports, limits } = this.#parts;
    if (ports.clock.now() - greetedMs >= limits.stableMs) this.#backoff.reset();
  }

  /**
   * As far as the token says when it expires; null when it does not. Before the first greeting one that says so is taken for good: by a clock that is ahead by more than its life
   * it would count as expired the moment it is granted, and each handshake would ask for another. `refusalsMax` bounds what it is tried for.
   */
  #isGood({ expiresAt }: ConnectionGrant): boolean | null {
    const expiresAtMs = typeof expiresAt === 'string' ? Date.parse(expiresAt) : (expiresAt ?? Number.NaN);
    if (Number.isNaN(expiresAtMs)) return null;
    const nowMs = this.#parts.serverNow();
    return nowMs === null || nowMs < expiresAtMs;
  }

  async #rest(state: 'offline' | 'suspended', delayMs: number): Promise<void> {
    const { clock } = this.#parts.ports;
    const { alone, changed } = this.#parts;
    // Before anybody is told: whoever is may want something else at once, and that ends this pause and not the one before.
    this.#pause = new AbortController();
    const { signal } = this.#pause;
    changed(state, null);
    // Not by the clock: one that is set back would keep the device away for as long.
    for (let leftMs = delayMs; !signal.aborted && leftMs > 0; ) {
      const sleptMs = Math.min(leftMs, sleepMsMax, Math.max(1, alone()));
      await clock.sleep(sleptMs, signal);
      leftMs -= sleptMs;
    }
  }
}
