import { WebSocket } from 'ws';
import { type Broadcast, type Cursor, noCursor } from '../../device/index.ts';
import {
  Backoff,
  type Clock,
  type Log,
  must,
  OutageError,
  type Random,
  unreachable,
} from '../../foundation/index.ts';
import type { DeliveryReport, History, LinkListener, RouterLink } from '../ports.ts';
import {
  type GatewayMessage,
  type RouterMessage,
  readRouterMessage,
  routerMessageBytesMax,
} from '../router/router-protocol.ts';
import { isAfter } from './event-history.ts';
import type { RouterSocketLimits } from './router-socket-limits.ts';
import { SubscriptionRepeats } from './subscription-repeats.ts';

export interface RouterSocketParts {
  /** `ws://HOST:PORT/live/gateway` */
  readonly url: string;
  readonly secret: string;
  readonly gateway: string;
  /** Devices that the gateway takes. */
  readonly socketsMax: number;
  readonly limits: RouterSocketLimits;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

type Answer = Extract<RouterMessage, { readonly request: number }>;
interface Asked {
  readonly settle: (answer: Answer | OutageError) => void;
}

const resubscribedAtOnce = 64;

/**
 * The way to one router. It dials until it is closed. Each time it is through, it subscribes all its events again with the cursor of what it
 * passed on last, so what was broadcast meanwhile comes from the journal, and the state behind it tells what the journal no longer has.
 */
export class RouterSocket implements RouterLink {
  /** Reports that were dropped. */
  reportsDropped = 0;
  readonly #parts: RouterSocketParts;
  readonly #events = new Map<string, Cursor>();
  /** Of its events, as they were said last. */
  readonly #sockets = new Map<string, number>();
  readonly #asked = new Map<number, Asked>();
  readonly #closing = new AbortController();
  #listener: LinkListener | null = null;
  #socket: WebSocket | null = null;
  /** Resolves when there is a connection. One for however many dials that takes: who waits holds it, and would never hear of another. */
  #opened = Promise.withResolvers<void>();
  #heard = false;
  #requests = 0;
  readonly #repeats: SubscriptionRepeats;

  constructor(parts: RouterSocketParts) {
    const { limits, clock, random } = parts;
    this.#parts = parts;
    this.#repeats = new SubscriptionRepeats({
      limits: { baseMs: limits.backoffBaseMs, maxMs: limits.backoffMaxMs },
      clock,
      random,
      again: (event) => this.#again(event),
    });
  }

  get connected(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  listen(listener: LinkListener): void {
    this.#listener = listener;
    void this.#dial();
  }

  /**
   * Tried again, even when this throws, until the router has taken it or it is unsubscribed; the listener hears of what comes of it. A router
   * without the event is asked again with each connection: it may have begun anew with another one's data.
   */
  async subscribe(event: string, after: Cursor): Promise<Broadcast | null> {
    this.#events.set(event, after);
    try {
      const state = await this.#askState(event, after);
      if (state !== null) this.#passed(state);
      return state;
    } catch (error) {
      // Without a connection: when there is one, all are subscribed again.
      if (this.connected && this.#events.has(event) && this.#repeats.start(event)) {
        const { log, url } = this.#parts;
        log.warn(
          { url, event, error },
          'The router did not take a subscription; it is asked again until it does.',
        );
      }
      throw error;
    }
  }

  unsubscribe(event: string): void {
    this.#repeats.stop(event);
    this.#sockets.delete(event);
    if (this.#events.delete(event)) this.#say({ type: 'unsubscribe', event });
  }

  holds(event: string, sockets: number): void {
    if (!this.#events.has(event)) return;
    this.#sockets.set(event, sockets);
    this.#say({ type: 'holds', event, sockets });
  }

  async history(event: string, after: Cursor): Promise<History> {
    const answer = await this.#ask((request) => ({ type: 'history', request, event, ...cursorOf(after) }));
    if (answer.type === 'resync') return { kind: 'resync', reason: answer.reason };
    if (answer.type === 'history') return { kind: 'broadcasts', broadcasts: answer.broadcasts };
    throw this.#unreachable(`answered ${answer.type}`);
  }

  report(report: DeliveryReport): void {
    const full = (this.#socket?.bufferedAmount ?? 0) > this.#parts.limits.bufferBytesMax;
    if (!full && this.connected) this.#say({ type: 'report', ...report });
    else this.reportsDropped += 1;
  }

  close(): void {
    this.#closing.abort();
    this.#socket?.close();
  }

  async #dial(): Promise<void> {
    const { limits, clock, random, log, url } = this.#parts;
    const waits = new Backoff({ baseMs: limits.backoffBaseMs, maxMs: limits.backoffMaxMs }, clock, random);
    const { signal } = this.#closing;
    while (!signal.aborted) {
      const error = await this.#connection(() => waits.reset());
      if (signal.aborted) break;
      log.warn({ url, error }, 'There is no connection to the router; dialing again.');
      await waits.wait(signal);
    }
  }

  /** One connection, from the dial until it is closed; why it was. */
  async #connection(opened: () => void): Promise<string> {
    const { url, secret, limits, log } = this.#parts;
    const socket = new WebSocket(url, {
      headers: { authorization: `Bearer ${secret}` },
      perMessageDeflate: false,
      maxPayload: routerMessageBytesMax,
      handshakeTimeout: limits.connectMs,
    });
    this.#socket = socket;
    const gone = new AbortController();
    let failure: string | null = null;
    let wasOpen = false;
    const heard = (): void => {
      this.#heard = true;
    };
    socket.on('error', (error) => {
      failure = error.message;
    });
    socket.on('ping', heard);
    socket.on('message', (data) => {
      heard();
      const message = readRouterMessage(String(data));
      if (message !== null) this.#receive(message);
      else {
        log.error({ url }, 'The router said what is not in the protocol; the connection is cut.');
        socket.terminate();
      }
    });
    socket.once('open', () => {
      heard();
      opened();
      this.#hello();
      wasOpen = true;
      this.#opened.resolve();
      void this.#watch(socket, gone.signal);
    });
    const code = await new Promise<number>((resolve) => socket.once('close', resolve));
    gone.abort();
    this.#repeats.stopAll();
    if (wasOpen) this.#opened = Promise.withResolvers();
    const reason = failure ?? `closed with ${code}`;
    for (const { settle } of [...this.#asked.values()]) settle(this.#unreachable(reason));
    return reason;
  }

  #hello(): void {
    const { gateway, socketsMax } = this.#parts;
    this.#say({ type: 'hello', gateway, socketsMax });
    void this.#resubscribe([...this.#events.keys()]);
  }

  /** A few at a time: all at once would be more questions than may be under way. */
  async #resubscribe(events: readonly string[]): Promise<void> {
    const socket = this.#socket;
    const next = events.values();
    const worker = async (): Promise<void> => {
      for (const event of next) {
        if (this.#socket !== socket) return;
        if (this.#events.has(event)) await this.#again(event);
      }
    };
    await Promise.all(Array.from({ length: Math.min(resubscribedAtOnce, events.length) }, worker));
  }

  /** False when the router did not take it: then it is being repeated, or there is no connection. */
  async #again(event: string): Promise<boolean> {
    try {
      const state = await this.subscribe(event, this.#events.get(event) ?? noCursor);
      const listener = must(this.#listener, 'it dials when it is listened to');
      if (state === null) {
        listener.gone(event);
        return true;
      }
      listener.broadcast(state);
      // A router that has just begun knows of none.
      this.#say({ type: 'holds', event, sockets: this.#sockets.get(event) ?? 0 });
      return true;
    } catch (error) {
      if (!(error instanceof OutageError)) throw error;
      this.#parts.log.debug({ event, error }, 'A subscription was not taken again.');
      return false;
    }
  }

  /** Counts silent halves instead of reading a clock: one that is set would make a router look dead, or alive. */
  async #watch(socket: WebSocket, gone: AbortSignal): Promise<void> {
    const { clock, limits } = this.#parts;
    let silentHalves = 0;
    while (!gone.aborted) {
      await clock.sleep(limits.silentMs / 2, gone);
      silentHalves = this.#heard ? 0 : silentHalves + 1;
      this.#heard = false;
      if (!gone.aborted && silentHalves >= 2) socket.terminate();
    }
  }

  #receive(message: RouterMessage): void {
    switch (message.type) {
      case 'broadcast':
        // Unsubscribed while it was on its way.
        if (!this.#events.has(message.event)) return;
        this.#passed(message);
        this.#listener?.broadcast(message);
        return;
      case 'gone':
        if (this.#events.has(message.event)) this.#listener?.gone(message.event);
        return;
      case 'state':
      case 'history':
      case 'resync':
      case 'busy':
        this.#asked.get(message.request)?.settle(message);
        return;
      default:
        unreachable(message);
    }
  }

  #passed(broadcast: Broadcast): void {
    const cursor = this.#events.get(broadcast.event);
    if (cursor !== undefined && isAfter(broadcast, cursor))
      this.#events.set(broadcast.event, cursorOf(broadcast));
  }

  async #askState(event: string, after: Cursor): Promise<Broadcast | null> {
    const answer = await this.#ask((request) => ({ type: 'subscribe', request, event, ...cursorOf(after) }));
    if (answer.type !== 'state') throw this.#unreachable(`answered ${answer.type}`);
    return answer.broadcast;
  }

  async #ask(question: (request: number) => GatewayMessage): Promise<Answer> {
    const { clock, limits } = this.#parts;
    if (!this.connected) await this.#open();
    if (this.#asked.size >= limits.requestsMax) throw this.#unreachable('too many questions are under way');
    this.#requests += 1;
    const request = this.#requests;
    const answered = new AbortController();
    const answer = new Promise<Answer | OutageError>((resolve) => {
      const settle = (settled: Answer | OutageError): void => {
        this.#asked.delete(request);
        answered.abort();
        resolve(settled);
      };
      this.#asked.set(request, { settle });
      void clock
        .sleep(limits.requestMs, answered.signal)
        .then(() => settle(this.#unreachable('it did not answer in time')));
    });
    this.#say(question(request));
    const settled = await answer;
    if (settled instanceof OutageError) throw settled;
    return settled;
  }

  /** @throws {OutageError} when there is no connection in time. */
  async #open(): Promise<void> {
    const late = new AbortController();
    await Promise.race([
      this.#opened.promise,
      this.#parts.clock.sleep(this.#parts.limits.openMs, late.signal),
    ]);
    late.abort();
    if (!this.connected) throw this.#unreachable('it is not connected');
  }

  #say(message: GatewayMessage): void {
    if (this.connected) this.#socket?.send(JSON.stringify(message));
  }

  #unreachable(why: string): OutageError {
    const message = `The router ${this.#parts.url} cannot be asked: ${why}. Devices are told to come back; check that it runs.`;
    return new OutageError('LIVE_ROUTER_UNREACHABLE', message);
  }
}

function cursorOf({ epoch, sequence }: Cursor): Cursor {
  return { epoch, sequence };
}
