import type { Broadcast, Cursor, ResyncReason } from '../device/index.ts';

/** Where broadcasts go from the producer: Kafka, or the router of this process. At least once, in the order of each event. */
export interface BroadcastLog {
  /** Resolves when it is durable where it went. Throws OutageError while it cannot be reached. */
  publish(broadcast: Broadcast): Promise<void>;
  /** From the newest on; handlers are awaited one after the other. Returns how to stop. */
  subscribe(handler: (broadcast: Broadcast) => Promise<void>): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

/** The newest state, and what followed a cursor; or why that cannot be said. */
export type History =
  | { readonly kind: 'broadcasts'; readonly broadcasts: readonly Broadcast[] }
  | { readonly kind: 'resync'; readonly reason: ResyncReason };

/** What a gateway hears from its router. In one order: that in which the router says it. */
export interface LinkListener {
  broadcast(broadcast: Broadcast): void;
  /** There is no such event any more. */
  gone(event: string): void;
}

/** A gateway's way to its router, in this process or over a socket. Throws OutageError while no router can be reached. */
export interface RouterLink {
  /** Called once, before anything else. */
  listen(listener: LinkListener): void;
  /**
   * The newest state; null: there is no such event. From then on the listener hears of the event: what followed the cursor, where the
   * journal has all of it, then what comes. A link that was cut subscribes again by itself, with what it passed on last.
   */
  subscribe(event: string, after: Cursor): Promise<Broadcast | null>;
  unsubscribe(event: string): void;
  /** Devices of a subscribed event that this gateway holds now, when their number has changed. Not awaited. */
  holds(event: string, sockets: number): void;
  /** All that followed the cursor or, where more than 32 did, the newest alone. */
  history(event: string, after: Cursor): Promise<History>;
  /** Not awaited: what cannot be passed on is dropped and counted. */
  report(report: DeliveryReport): void;
}

/** What happened to one broadcast at one gateway since the last report. Members as `Type:id`. */
export interface DeliveryReport {
  readonly gateway: string;
  readonly event: string;
  readonly epoch: number;
  readonly sequence: number;
  /** Written to their sockets; milliseconds from `at` until then. */
  readonly sent: readonly Delivery[];
  /** Their devices said that they show it. */
  readonly applied: readonly Delivery[];
  /** Closed as too slow while it was on its way. */
  readonly dropped: readonly string[];
}

export interface Delivery {
  readonly member: string;
  readonly device: string;
  readonly delayMs: number;
}

/** Members of a frozen audience, as numbers that fit into bitmaps. */
export interface AudienceMembers {
  readonly id: string;
  readonly memberType: string;
  readonly count: number;
  /** Position within the audience, from 0; null for others. */
  numbersOf(memberIds: readonly string[]): Promise<readonly (number | null)[]>;
  /** All of them, in the order of their numbers. */
  pages(): AsyncIterable<readonly string[]>;
  /** Of these numbers. */
  idsOf(numbers: readonly number[]): Promise<readonly string[]>;
}

/** What a device's token says: it was signed by a producer and is checked by gateways without asking anybody. */
export interface DeviceClaims {
  readonly event: string;
  /** `Type:id`. */
  readonly member: string;
  readonly device: string;
  readonly expiresAtMs: number;
}
