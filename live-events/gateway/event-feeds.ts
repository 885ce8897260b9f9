import { type Broadcast, type Cursor, encodeCursor, noCursor } from '../../device/index.ts';
import { OutageError } from '../../foundation/index.ts';
import type { History, LinkListener, RouterLink } from '../ports.ts';
import { EventFeed, type FeedParts } from './event-feed.ts';

/** The events of a gateway: opened with their first socket, given up a while after their last. */
export class EventFeeds implements LinkListener {
  readonly #link: RouterLink;
  readonly #parts: FeedParts;
  readonly #feeds = new Map<string, EventFeed>();
  /** Of events that are gone, while their sessions are being closed. */
  readonly #ending = new Set<EventFeed>();
  readonly #opening = new Map<string, Promise<EventFeed | null>>();
  readonly #catchingUp = new Map<EventFeed, Promise<void>>();
  /** Questions to the journal that are under way: devices of a storm have few different cursors. */
  readonly #asking = new Map<string, Promise<History>>();

  constructor(link: RouterLink, parts: FeedParts) {
    this.#link = link;
    this.#parts = parts;
  }

  get(event: string): EventFeed | null {
    return this.#feeds.get(event) ?? null;
  }

  *[Symbol.iterator](): Generator<EventFeed> {
    yield* this.#feeds.values();
    yield* this.#ending;
  }

  /**
   * Null when there is no such event.
   *
   * @throws {OutageError} when no router answers, or there are too many events.
   */
  async open(event: string): Promise<EventFeed | null> {
    const feed = this.#feeds.get(event);
    const under = this.#opening.get(event);
    // One that is being opened may yet come to nothing.
    if (feed !== undefined && under === undefined) return feed;
    const opening = under ?? this.#open(event);
    this.#opening.set(event, opening);
    try {
      return await opening;
    } finally {
      if (this.#opening.get(event) === opening) this.#opening.delete(event);
    }
  }

  /**
   * For a device that another gateway has sent more: subscribes once more, and so is sent what the journal has, though its broadcast may still
   * be unread in the log. Only what is ahead of that is ahead of everybody.
   *
   * @throws {OutageError} when no router answers.
   */
  async catchUp(feed: EventFeed, cursor: Cursor): Promise<void> {
    // The first may have begun before this cursor was given out; a second one has not.
    for (let asked = 0; asked < 2 && feed.isBehind(cursor); asked += 1) {
      const catchingUp = this.#catchingUp.get(feed) ?? this.#catchUp(feed);
      this.#catchingUp.set(feed, catchingUp);
      try {
        await catchingUp;
      } finally {
        if (this.#catchingUp.get(feed) === catchingUp) this.#catchingUp.delete(feed);
      }
    }
  }

  /** @throws {OutageError} when no router answers, or too many different questions are under way. */
  async history(event: string, cursor: Cursor): Promise<History> {
    const key = `${event} ${encodeCursor(cursor)}`;
    let asking = this.#asking.get(key);
    if (asking === undefined) {
      if (this.#asking.size >= this.#parts.limits.historyRequestsMax) {
        const message =
          'Too many devices ask for different parts of the journal; they are told to come back.';
        throw new OutageError('LIVE_GATEWAY_BUSY', message);
      }
      asking = this.#link.history(event, cursor);
      this.#asking.set(key, asking);
    }
    try {
      return await asking;
    } finally {
      this.#asking.delete(key);
    }
  }

  broadcast(broadcast: Broadcast): void {
    this.#feeds.get(broadcast.event)?.take(broadcast);
  }

  gone(event: string): void {
    const feed = this.#feeds.get(event);
    if (feed === undefined) return;
    this.#feeds.delete(event);
    void this.#end(feed);
  }

  /** Tells the router of each event how many devices it has here, where that has changed. */
  tellSockets(): void {
    for (const feed of this.#feeds.values()) {
      const { length } = feed.sessions;
      if (length === feed.socketsTold) continue;
      feed.socketsTold = length;
      this.#link.holds(feed.event, length);
    }
  }

  /** Gives up those that nobody has listened to for a while. */
  rest(): void {
    const { steadyMs, limits } = this.#parts;
    for (const feed of this.#feeds.values()) {
      if (feed.sessions.length > 0 || steadyMs() - feed.idleSinceMs < limits.eventIdleMs) continue;
      if (!this.#opening.has(feed.event)) this.#giveUp(feed.event);
    }
  }

  close(): void {
    for (const event of [...this.#feeds.keys()]) this.#giveUp(event);
  }

  async #end(feed: EventFeed): Promise<void> {
    this.#ending.add(feed);
    await feed.end();
    this.#ending.delete(feed);
  }

  #giveUp(event: string): void {
    this.#feeds.delete(event);
    this.#link.unsubscribe(event);
  }

  async #open(event: string): Promise<EventFeed | null> {
    if (this.#feeds.size >= this.#parts.limits.eventsMax) {
      const message = `This gateway has sockets of ${this.#feeds.size} events, as many as it may; raise its bound or add gateways.`;
      throw new OutageError('LIVE_GATEWAY_BUSY', message);
    }
    const feed = new EventFeed(event, this.#parts);
    // Before the router is asked: what it broadcasts may arrive ahead of its answer.
    this.#feeds.set(event, feed);
    try {
      const state = await this.#link.subscribe(event, noCursor);
      if (state === null) {
        this.#giveUp(event);
        return null;
      }
      feed.take(state);
      await this.#prefill(feed, state);
      return feed;
    } catch (error) {
      this.#giveUp(event);
      throw error;
    }
  }

  async #catchUp(feed: EventFeed): Promise<void> {
    const state = await this.#link.subscribe(feed.event, feed.newest ?? noCursor);
    const now = this.#feeds.get(feed.event);
    // Given up meanwhile, or gone: this subscription is the only one left.
    if (now === undefined) this.#link.unsubscribe(feed.event);
    else if (now !== feed) return;
    else if (state === null) this.gone(feed.event);
    else feed.take(state);
  }

  /** Asked once here, what was sent last need not be asked for by each device that comes back to a new gateway. */
  async #prefill(feed: EventFeed, { epoch, sequence }: Broadcast): Promise<void> {
    const after = Math.max(0, sequence - this.#parts.limits.replayBroadcastsMax);
    if (after >= sequence) return;
    const history = await this.#link.history(feed.event, { epoch, sequence: after });
    if (history.kind === 'broadcasts') feed.prepend(history.broadcasts);
  }
}
