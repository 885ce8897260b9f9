import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { RawData, Server } from 'ws';
import { closeCodes, readDeviceMessage } from '../../device/index.ts';
import {
  type Clock,
  type Log,
  OutageError,
  type Random,
  type SteadyTime,
  TokenBucket,
} from '../../foundation/index.ts';
import type { DeviceClaims, History, RouterLink } from '../ports.ts';
import { type ConnectRefusal, refusal, refuse } from './connect-refusal.ts';
import { DeliveryLedger } from './delivery-ledger.ts';
import { createSocketServer, type DeviceSocket } from './device-socket.ts';
import { type DeviceTokens, tokenToleranceMs } from './device-tokens.ts';
import type { EventFeed } from './event-feed.ts';
import { EventFeeds } from './event-feeds.ts';
import { heartbeatFrame, pingFrame } from './frame.ts';
import type { GatewayLimits } from './gateway-limits.ts';
import { count, createGatewayMetrics, type GatewayMetrics } from './gateway-metrics.ts';
import { Session } from './session.ts';
import { SessionWheel } from './session-wheel.ts';
import { type Asked, isLiveSocket, isOriginAllowed, readUpgrade } from './upgrade-request.ts';

export interface GatewayParts {
  /** The same for as long as the process lives, and no other gateway's. */
  readonly id: string;
  /** This gateway's own. */
  readonly link: RouterLink;
  readonly tokens: DeviceTokens;
  /** Origins of pages, such as `https://app.example.com`. */
  readonly allowedOrigins: ReadonlySet<string>;
  /** Of a process that does more than hold sockets: why it takes none now; null when it does. */
  readonly refuses?: (request: IncomingMessage) => ConnectRefusal | null;
  readonly limits: GatewayLimits;
  readonly clock: Clock;
  /** Pings, lifetimes and rates go by it: a clock that is set must neither stop them nor end all connections at once. */
  readonly steadyMs: SteadyTime;
  readonly random: Random;
  readonly log: Log;
}

/** Pings that may stay unanswered. */
const unansweredMax = 2;
/** Ticks that may wait for a broadcast that is being written. */
const ticksWaitedMax = 4;
const drainStepMs = 50;
const abnormalClosure = 1006;

/** Holds the sockets of devices and writes them what the router says. Every timer of it is one loop. */
export class Gateway {
  readonly metrics: GatewayMetrics = createGatewayMetrics();
  readonly #parts: GatewayParts;
  readonly #server: Server<typeof DeviceSocket>;
  readonly #feeds: EventFeeds;
  readonly #ledger: DeliveryLedger;
  readonly #connects: TokenBucket;
  readonly #wheel: SessionWheel;
  readonly #stopped = new AbortController();
  #draining = false;
  #running: Promise<void> | null = null;

  constructor(parts: GatewayParts) {
    const { id, link, limits, clock, steadyMs } = parts;
    this.#parts = parts;
    this.#server = createSocketServer(limits.closeMs);
    this.#ledger = new DeliveryLedger(id, limits, clock, (report) => link.report(report));
    this.#feeds = new EventFeeds(link, {
      limits,
      clock,
      steadyMs,
      ledger: this.#ledger,
      metrics: this.metrics,
      shut: (session, code, reason) => this.#shut(session, code, reason),
    });
    this.#connects = new TokenBucket(limits.connectsBurst, limits.connectsPerSecond, steadyMs());
    this.#wheel = new SessionWheel(limits.pingMs, limits.tickMs, steadyMs());
  }

  /** Called once, before the first upgrade. */
  start(): void {
    this.#parts.link.listen(this.#feeds);
    this.#running = this.#run();
  }

  /** One request to upgrade. False: it is not for this path, and nothing was done with it. */
  upgrade(request: IncomingMessage, connection: Duplex, head: Buffer): boolean {
    if (!isLiveSocket(request)) return false;
    connection.on('error', ignoreBroken);
    const asked = this.#ask(request);
    if ('code' in asked) this.#refuse(connection, asked);
    else void this.#connect(request, connection, head, asked);
    return true;
  }

  /** No new sockets from now on; those that are there are told to go, spread over the drain time. Resolves when nothing is left. */
  async close(): Promise<void> {
    const { limits, clock } = this.#parts;
    this.#draining = true;
    const steps = Math.max(1, Math.ceil(limits.drainMs / drainStepMs));
    for (let left = steps; left > 0; left -= 1) {
      const sessions = this.#sessions();
      if (sessions.length === 0) break;
      for (const session of sessions.slice(0, Math.ceil(sessions.length / left))) this.#sendAway(session);
      if (left > 1) await clock.sleep(drainStepMs);
    }
    for (const session of this.#sessions()) this.#sendAway(session);
    this.#stopped.abort();
    await this.#running;
    await this.#ledger.flush();
    this.#feeds.close();
    this.#server.close();
  }

  /** The checks that cost next to nothing, the cheapest first. */
  #ask(request: IncomingMessage): Asked | ConnectRefusal {
    const { limits, allowedOrigins, steadyMs } = this.#parts;
    if (!isOriginAllowed(request, allowedOrigins)) return refusal('ORIGIN_NOT_ALLOWED');
    if (this.#draining) return refusal('GOING_AWAY', this.#spreadMs());
    // Its server may listen before it has a router to ask.
    if (this.#running === null) return refusal('BUSY', this.#spreadMs());
    // What is no request of a device takes nothing of what devices have.
    const asked = readUpgrade(request);
    if ('code' in asked) return asked;
    const refused = this.#parts.refuses?.(request) ?? null;
    if (refused !== null) return refused;
    const nowMs = steadyMs();
    if (!this.#connects.take(nowMs)) return refusal('BUSY', this.#connects.waitMs(nowMs, limits.retryMsMax));
    const { sockets, connecting } = this.metrics;
    if (sockets + connecting >= limits.socketsMax) return refusal('TOO_MANY_SOCKETS', this.#spreadMs());
    if (connecting >= limits.connectsPendingMax) return refusal('BUSY', this.#spreadMs());
    return asked;
  }

  async #connect(request: IncomingMessage, connection: Duplex, head: Buffer, asked: Asked): Promise<void> {
    this.metrics.connecting += 1;
    let found: Found | ConnectRefusal | null;
    try {
      found = await this.#find(asked);
    } catch (error) {
      // Nobody waits for this promise: a fault of ours would end the process and all of its sockets.
      this.#parts.log.error({ event: asked.event, error }, 'A device was sent away by a fault of ours.');
      found = refusal('BUSY', this.#spreadMs());
    } finally {
      this.metrics.connecting -= 1;
    }
    if (connection.destroyed) return;
    if (this.#draining) found = refusal('GOING_AWAY', this.#spreadMs());
    if (found !== null && 'code' in found) {
      this.#refuse(connection, found);
      return;
    }
    // From here to the end of `#open` nothing is awaited: see EventFeed.
    this.#server.handleUpgrade(request, connection, head, (socket) => {
      connection.off('error', ignoreBroken);
      if (found === null) {
        this.#closeGone(socket);
        return;
      }
      socket.outlet = connection;
      const { claims, feed, journal } = found;
      feed.join(this.#open(socket, feed, claims), asked.cursor, journal);
    });
  }

  /** Null: the token is good, and its event is there no more. */
  async #find({ token, event, cursor }: Asked): Promise<Found | ConnectRefusal | null> {
    const claims = await this.#parts.tokens.verify(token, event);
    if (typeof claims === 'string') return refusal(claims);
    try {
      const feed = await this.#feeds.open(event);
      if (feed === null) return null;
      if (feed.isBehind(cursor)) await this.#feeds.catchUp(feed, cursor);
      const journal = feed.asks(cursor) ? await this.#feeds.history(event, cursor) : null;
      // While the journal was asked its feed may have been given up.
      return this.#feeds.get(event) === feed ? { claims, feed, journal } : refusal('BUSY', this.#spreadMs());
    } catch (error) {
      if (!(error instanceof OutageError)) throw error;
      this.#parts.log.warn({ event, error }, 'A device was sent away: the router does not answer.');
      return refusal('BUSY', this.#spreadMs());
    }
  }

  /** As a close: of an HTTP status no browser tells its page, which would come back for ever. */
  #closeGone(socket: DeviceSocket): void {
    socket.on('error', ignoreBroken);
    count(this.metrics.closed, closeCodes.eventGone);
    socket.shut(closeCodes.eventGone, 'event gone');
  }

  #open(socket: DeviceSocket, feed: EventFeed, claims: DeviceClaims): Session {
    const { limits, clock, steadyMs, random } = this.#parts;
    const nowMs = steadyMs();
    const session = new Session(socket, feed, claims, {
      nowMs,
      expiresAtMs: nowMs + claims.expiresAtMs + tokenToleranceMs - clock.now(),
      endsAtMs: nowMs + limits.lifetimeMs - random() * limits.lifetimeDitherMs,
      nextPingMs: nowMs + random() * limits.pingMs,
      messagesBurst: limits.messagesBurst,
    });
    this.metrics.sockets += 1;
    this.metrics.connects += 1;
    socket.on('message', (data, isBinary) => this.#receive(session, data, isBinary));
    socket.on('ping', () => this.#takes(session));
    socket.on('pong', () => {
      // One that was not asked for is a message as any.
      if (session.unanswered > 0 || this.#takes(session)) session.unanswered = 0;
    });
    // A message that is too long, or no UTF-8: ws closes with the code that RFC 6455 has for it.
    socket.on('error', ignoreBroken);
    socket.onClosing = () => this.#forget(session);
    socket.on('close', () => this.#gone(session));
    this.#wheel.add(session);
    return session;
  }

  #receive(session: Session, data: RawData, isBinary: boolean): void {
    if (!this.#takes(session)) return;
    const message = isBinary ? null : readDeviceMessage(String(data));
    if (message === null) this.#shut(session, closeCodes.badMessage, 'bad message');
    else session.feed.applied(session, message, message.delayMs);
  }

  /** False: it is closed already, or replaced, and what is still on its way counts for nothing; or it is closed for this one. */
  #takes(session: Session): boolean {
    const { limits, steadyMs } = this.#parts;
    if (session.index < 0) return false;
    if (session.takeMessage(steadyMs(), limits.messagesBurst, limits.messagesPerSecond)) return true;
    this.#shut(session, closeCodes.tooManyMessages, 'too many messages');
    return false;
  }

  #sessions(): readonly Session[] {
    return [...this.#feeds].flatMap(({ sessions }) => sessions);
  }

  /** Nothing is written to it any more; its connection goes when the handshake is over, or its time. */
  #shut(session: Session, code: number, reason: string): void {
    if (session.index < 0) return;
    this.#forget(session);
    count(this.metrics.closed, code);
    session.wire.shut(code, reason);
  }

  #sendAway(session: Session): void {
    this.#shut(session, closeCodes.goingAway, `retry=${this.#spreadMs()}`);
  }

  #forget(session: Session): void {
    session.feed.leave(session);
    this.#wheel.remove(session);
  }

  #gone(session: Session): void {
    this.metrics.sockets -= 1;
    this.#forget(session);
  }

  #refuse(connection: Duplex, refused: ConnectRefusal): void {
    count(this.metrics.refused, refused.code);
    refuse(connection, refused, this.#parts.limits.retriesMax);
  }

  #spreadMs(): number {
    return Math.ceil(this.#parts.random() * this.#parts.limits.reconnectSpreadMs);
  }

  async #run(): Promise<void> {
    const { limits, clock, steadyMs } = this.#parts;
    let reportedMs = steadyMs();
    let ticksWaited = 0;
    while (!this.#stopped.signal.aborted) {
      await clock.sleep(limits.tickMs, this.#stopped.signal);
      this.metrics.queue = [...this.#feeds].reduce((sum, { queue }) => sum + queue, 0);
      // Pings, reports and the ends of tokens and lifetimes can wait for a broadcast that is being written, but not for ever.
      ticksWaited = this.metrics.queue > 0 && ticksWaited < ticksWaitedMax ? ticksWaited + 1 : 0;
      if (ticksWaited > 0) continue;
      const nowMs = steadyMs();
      const due = [...this.#wheel.due(nowMs)];
      const heartbeat = due.length === 0 ? pingFrame : heartbeatFrame(clock.now());
      for (const session of due) this.#attend(session, nowMs, heartbeat);
      if (nowMs - reportedMs < limits.reportMs) continue;
      reportedMs = nowMs;
      this.#feeds.tellSockets();
      this.#feeds.rest();
      await this.#ledger.flush();
    }
  }

  /** Its ping is due, or its time is over. */
  #attend(session: Session, nowMs: number, heartbeat: Buffer): void {
    const { limits, random } = this.#parts;
    if (nowMs >= session.expiresAtMs) this.#shut(session, closeCodes.tokenExpired, 'token expired');
    else if (nowMs >= session.endsAtMs) this.#sendAway(session);
    else if (session.unanswered >= unansweredMax) {
      this.#forget(session);
      count(this.metrics.closed, abnormalClosure);
      session.wire.terminate();
    } else {
      session.unanswered += 1;
      session.wire.write(heartbeat);
      session.nextPingMs = nowMs + limits.pingMs * (1 - random() / 4);
      this.#wheel.add(session);
    }
  }
}

interface Found {
  readonly claims: DeviceClaims;
  readonly feed: EventFeed;
  readonly journal: History | null;
}

/** A connection that breaks is no news: its close is all there is to do, and that comes by itself. */
function ignoreBroken(): void {
  // Nothing to add.
}
