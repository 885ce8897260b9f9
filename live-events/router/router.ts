import type { Broadcast, Cursor } from '../../device/index.ts';
import { type Clock, OutageError } from '../../foundation/index.ts';
import { broadcastOf, type LiveEvents } from '../live-event.ts';
import type { BroadcastLog, DeliveryReport, History, LinkListener } from '../ports.ts';
import type { SubscriptionLog } from './subscription-log.ts';
import type { Subscription } from './subscription-table.ts';

export interface RouterLimits {
  readonly gatewaysMax: number;
  readonly subscriptionsPerGatewayMax: number;
  /** Broadcasts that may come while a gateway catches up; beyond them the oldest are left out, the newest being whole. */
  readonly catchUpBroadcastsMax: number;
  /** Where more followed a cursor, the newest alone is the answer. */
  readonly replayBroadcastsMax: number;
  /** What a gateway that was there before this router has to dial it. */
  readonly graceMs: number;
}

export const routerLimitsDefault: RouterLimits = {
  gatewaysMax: 1_000,
  subscriptionsPerGatewayMax: 1_000,
  catchUpBroadcastsMax: 64,
  replayBroadcastsMax: 32,
  graceMs: 60_000,
};

export interface RouterParts {
  readonly events: Pick<LiveEvents, 'get' | 'broadcastsAfter'>;
  readonly subscriptions: SubscriptionLog;
  readonly report: (report: DeliveryReport) => void;
  readonly limits: RouterLimits;
  readonly clock: Clock;
}

export interface RouterMetrics {
  broadcasts: number;
  /** To gateways. */
  sent: number;
  reports: number;
}

export interface GatewayIntroduction {
  /** Devices that it takes; null: it did not say. */
  readonly socketsMax?: number | null | undefined;
  /** Called when another of the same id takes its place. */
  readonly replaced?: () => void;
}

/**
 * Knows which gateway has subscribers of which event, and sends a broadcast to those alone. Broadcasts come from the log of broadcasts
 * (`broadcast`), states and histories from the journal; the journal is never behind the log.
 */
export class Router {
  readonly metrics: RouterMetrics = { broadcasts: 0, sent: 0, reports: 0 };
  readonly #parts: RouterParts;
  readonly #gateways = new Map<string, AttachedGateway>();
  readonly #byEvent = new Map<string, Set<AttachedGateway>>();
  /** From the table; gateways that have not dialed yet. */
  readonly #expected = new Map<string, readonly Subscription[]>();
  readonly #closing = new AbortController();

  constructor(parts: RouterParts) {
    this.#parts = parts;
  }

  /** Learns from the table who was there before. Throws OutageError while it cannot be read. */
  async start(): Promise<void> {
    const rows = await this.#parts.subscriptions.load();
    for (const [gateway, some] of Map.groupBy(rows, ({ gateway }) => gateway))
      if (!this.#gateways.has(gateway)) this.#expected.set(gateway, some);
    void this.#giveUpExpected();
  }

  /** Gateways that are attached, and those that the table knows and that have not dialed. */
  get gateways(): { readonly attached: readonly string[]; readonly expected: readonly string[] } {
    return { attached: [...this.#gateways.keys()], expected: [...this.#expected.keys()] };
  }

  /** Devices that attached gateways take, each as it said; null for one that did not say. */
  get socketLimits(): readonly (number | null)[] {
    return [...this.#gateways.values()].map(({ socketsMax }) => socketsMax);
  }

  subscribersOf(event: string): readonly string[] {
    return [...(this.#byEvent.get(event) ?? [])].map(({ id }) => id);
  }

  /** Devices of an event that all attached gateways hold, by what each of them said last. */
  socketsOf(event: string): number {
    return [...(this.#byEvent.get(event) ?? [])].reduce((sum, gateway) => sum + gateway.socketsOf(event), 0);
  }

  /**
   * A second one of the same id takes the first one's place, which is told so by `replaced`. Throws OutageError when there are too many.
   */
  attach(
    gateway: string,
    address: string,
    listener: LinkListener,
    { socketsMax = null, replaced }: GatewayIntroduction = {},
  ): AttachedGateway {
    const former = this.#gateways.get(gateway);
    if (former === undefined && this.#gateways.size >= this.#parts.limits.gatewaysMax) {
      const message = `The router has ${this.#gateways.size} gateways, as many as it may; raise its bound or add routers.`;
      throw new OutageError('LIVE_ROUTER_BUSY', message);
    }
    former?.replace();
    this.#expected.delete(gateway);
    const left = (): void => {
      if (this.#gateways.get(gateway) === attached) this.#gateways.delete(gateway);
    };
    const attached = new AttachedGateway(
      gateway,
      address,
      listener,
      this.#parts,
      this.#byEvent,
      left,
      replaced,
      socketsMax,
    );
    this.#gateways.set(gateway, attached);
    return attached;
  }

  /**
   * Hears of broadcasts until what it resolves to is called. The log is read from its newest on: what was published before, while it could not be read yet, comes from nowhere
   * any more, and gateways that were here by then would wait for the next change. So they are told the state that the journal has; who heard of it drops it.
   * It may be ahead of broadcasts that are still unread; a gateway that is sent it first passes over these when they come, so its devices see the newest stage and not each one before it.
   */
  async follow(broadcasts: Pick<BroadcastLog, 'subscribe'>): Promise<() => Promise<void>> {
    const stop = await broadcasts.subscribe(async (broadcast) => this.broadcast(broadcast));
    for (const id of this.#byEvent.keys()) {
      const event = this.#parts.events.get(id);
      if (event !== null) this.broadcast(broadcastOf(event));
    }
    return stop;
  }

  /** From the log of broadcasts, in the order of each event. */
  broadcast(broadcast: Broadcast): void {
    this.metrics.broadcasts += 1;
    for (const gateway of this.#byEvent.get(broadcast.event) ?? []) {
      this.metrics.sent += 1;
      gateway.broadcast(broadcast);
    }
  }

  /** It was removed: gateways that have it are told, and it is nobody's subscription any more. */
  gone(event: string): void {
    for (const gateway of [...(this.#byEvent.get(event) ?? [])]) gateway.gone(event);
  }

  report(report: DeliveryReport): void {
    this.metrics.reports += 1;
    this.#parts.report(report);
  }

  /** Those attached are left in the table: the next router shall know them. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#parts.subscriptions.close();
  }

  async #giveUpExpected(): Promise<void> {
    const { clock, limits, subscriptions } = this.#parts;
    await clock.sleep(limits.graceMs, this.#closing.signal);
    if (this.#closing.signal.aborted) return;
    for (const { event, gateway } of [...this.#expected.values()].flat())
      subscriptions.put({ event, gateway, subscription: null });
    this.#expected.clear();
  }
}

/** A gateway, as the router sees it. */
export class AttachedGateway {
  readonly id: string;
  readonly socketsMax: number | null;
  readonly #address: string;
  readonly #listener: LinkListener;
  readonly #parts: RouterParts;
  readonly #byEvent: Map<string, Set<AttachedGateway>>;
  readonly #left: () => void;
  readonly #replaced: () => void;
  /** Events, and what waits while the gateway is sent what followed its cursor. */
  readonly #events = new Map<string, Broadcast[] | null>();
  readonly #catchingUp = new Map<string, Promise<void>>();
  /** Of its events. */
  readonly #sockets = new Map<string, number>();
  #attached = true;

  constructor(
    id: string,
    address: string,
    listener: LinkListener,
    parts: RouterParts,
    byEvent: Map<string, Set<AttachedGateway>>,
    left: () => void,
    replaced: () => void = () => undefined,
    socketsMax: number | null = null,
  ) {
    this.id = id;
    this.socketsMax = socketsMax;
    this.#address = address;
    this.#listener = listener;
    this.#parts = parts;
    this.#byEvent = byEvent;
    this.#left = left;
    this.#replaced = replaced;
  }

  /**
   * First it is added, then the journal is asked; broadcasts that come meanwhile wait behind its answer. So each broadcast after the
   * cursor is in the answer or behind it, or in both. Returns the newest state, or null when there is no such event.
   */
  async subscribe(event: string, after: Cursor): Promise<Broadcast | null> {
    const { events, limits } = this.#parts;
    const state = events.get(event);
    // Not null, which would have its devices told that the event is gone.
    if (!this.#attached) {
      throw new OutageError(
        'LIVE_ROUTER_BUSY',
        `Another gateway has taken the place of ${this.id}; give each an id of its own.`,
      );
    }
    if (state === null) return null;
    if (!this.#events.has(event) && this.#events.size >= limits.subscriptionsPerGatewayMax) {
      const message = `The gateway ${this.id} subscribes more than ${limits.subscriptionsPerGatewayMax} events; add gateways.`;
      throw new OutageError('LIVE_ROUTER_BUSY', message);
    }
    this.#add(event);
    if (after.epoch === state.epoch && after.sequence < state.sequence) {
      const catchingUp = this.#catchUp(event, after);
      this.#catchingUp.set(event, catchingUp);
      try {
        await catchingUp;
      } finally {
        if (this.#catchingUp.get(event) === catchingUp) this.#catchingUp.delete(event);
      }
    }
    const now = events.get(event);
    return now === null ? null : broadcastOf(now);
  }

  unsubscribe(event: string): void {
    if (!this.#events.delete(event)) return;
    this.#remove(event);
  }

  replace(): void {
    this.detach();
    this.#replaced();
  }

  gone(event: string): void {
    this.unsubscribe(event);
    this.#listener.gone(event);
  }

  /** Of an event that it has not subscribed it holds nothing. */
  holds(event: string, sockets: number): void {
    if (this.#events.has(event)) this.#sockets.set(event, sockets);
  }

  socketsOf(event: string): number {
    return this.#sockets.get(event) ?? 0;
  }

  async history(event: string, after: Cursor): Promise<History> {
    const { events, limits } = this.#parts;
    // An answer that overtook what the gateway is being sent would have it think that a device is ahead of everybody.
    await this.#catchingUp.get(event);
    const state = events.get(event);
    if (after.epoch === 0) return { kind: 'resync', reason: 'NEW' };
    if (state === null || after.epoch !== state.epoch) return { kind: 'resync', reason: 'EPOCH' };
    if (after.sequence > state.sequence) return { kind: 'resync', reason: 'AHEAD' };
    const followed = await events.broadcastsAfter(event, after.sequence);
    if (followed === null) return { kind: 'resync', reason: 'TOO_OLD' };
    const some = followed.length > limits.replayBroadcastsMax ? followed.slice(-1) : followed;
    return { kind: 'broadcasts', broadcasts: some };
  }

  broadcast(broadcast: Broadcast): void {
    const waiting = this.#events.get(broadcast.event);
    if (waiting === undefined) return;
    if (waiting === null) {
      this.#listener.broadcast(broadcast);
      return;
    }
    waiting.push(broadcast);
    if (waiting.length > this.#parts.limits.catchUpBroadcastsMax) waiting.shift();
  }

  /** It has left: its rows go with it. */
  detach(): void {
    if (!this.#attached) return;
    this.#attached = false;
    for (const event of this.#events.keys()) this.#remove(event);
    this.#events.clear();
    this.#left();
  }

  #add(event: string): void {
    if (this.#events.has(event)) return;
    this.#events.set(event, null);
    const gateways = this.#byEvent.get(event) ?? new Set();
    this.#byEvent.set(event, gateways.add(this));
    const { clock, subscriptions } = this.#parts;
    const subscription = { event, gateway: this.id, address: this.#address, sinceMs: clock.now() };
    subscriptions.put({ event, gateway: this.id, subscription });
  }

  #remove(event: string): void {
    this.#sockets.delete(event);
    const gateways = this.#byEvent.get(event);
    gateways?.delete(this);
    if (gateways?.size === 0) this.#byEvent.delete(event);
    this.#parts.subscriptions.put({ event, gateway: this.id, subscription: null });
  }

  async #catchUp(event: string, after: Cursor): Promise<void> {
    const waiting: Broadcast[] = [];
    this.#events.set(event, waiting);
    try {
      const followed = await this.#parts.events.broadcastsAfter(event, after.sequence);
      for (const broadcast of followed ?? []) this.#listener.broadcast(broadcast);
    } finally {
      // Unsubscribed, or subscribed once more: then what waits is somebody else's.
      if (this.#events.get(event) === waiting) this.#events.set(event, null);
      for (const broadcast of waiting) this.#listener.broadcast(broadcast);
    }
  }
}
