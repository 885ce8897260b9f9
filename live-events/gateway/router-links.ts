import type { Broadcast, Cursor } from '../../device/index.ts';
import { OutageError } from '../../foundation/index.ts';
import type { DeliveryReport, History, LinkListener, RouterLink } from '../ports.ts';

/** A link that can say whether its router is there. */
export interface DialingLink extends RouterLink {
  readonly connected: boolean;
  close(): void;
}

/**
 * Several routers as one. All are subscribed to, so that none of them is missed when it goes: a broadcast that comes twice is dropped by
 * its sequence. Questions and reports go to the first that is there.
 */
export class RouterLinks implements RouterLink {
  readonly #links: readonly DialingLink[];
  readonly #events = new Set<string>();
  /** Routers that do not have one of these events; when none has it, it is gone. */
  readonly #goneAt = new Map<string, Set<DialingLink>>();

  constructor(links: readonly DialingLink[]) {
    this.#links = links;
  }

  get connected(): boolean {
    return this.#links.some((link) => link.connected);
  }

  listen(listener: LinkListener): void {
    for (const link of this.#links)
      link.listen({
        broadcast: (broadcast) => {
          this.#goneAt.get(broadcast.event)?.delete(link);
          listener.broadcast(broadcast);
        },
        gone: (event) => {
          if (!this.#isGone(event, link)) return;
          this.#forget(event);
          listener.gone(event);
        },
      });
  }

  /** The first answer that is a state; null when a router says that there is none and no other knows better. */
  async subscribe(event: string, after: Cursor): Promise<Broadcast | null> {
    this.#events.add(event);
    const missing = Symbol('there is no such event');
    const states = this.#links.map(async (link) => {
      const state = await link.subscribe(event, after);
      if (state !== null) return state;
      this.#isGone(event, link);
      throw missing;
    });
    try {
      return await Promise.any(states);
    } catch (error) {
      const errors: readonly unknown[] = error instanceof AggregateError ? error.errors : [error];
      if (!errors.includes(missing)) throw errors[0];
      this.#forget(event);
      return null;
    }
  }

  unsubscribe(event: string): void {
    this.#forget(event);
    for (const link of this.#links) link.unsubscribe(event);
  }

  holds(event: string, sockets: number): void {
    for (const link of this.#links) link.holds(event, sockets);
  }

  async history(event: string, after: Cursor): Promise<History> {
    let failure = new OutageError('LIVE_ROUTER_UNREACHABLE', 'No router can be asked; check that they run.');
    for (const link of this.#links) {
      if (!link.connected) continue;
      try {
        return await link.history(event, after);
      } catch (error) {
        if (!(error instanceof OutageError)) throw error;
        failure = error;
      }
    }
    throw failure;
  }

  report(report: DeliveryReport): void {
    const link = this.#links.find(({ connected }) => connected) ?? this.#links[0];
    link?.report(report);
  }

  close(): void {
    for (const link of this.#links) link.close();
  }

  #forget(event: string): void {
    this.#events.delete(event);
    this.#goneAt.delete(event);
  }

  /** This router does not have it; true when none has that can be asked: one that is away does not keep an event alive. */
  #isGone(event: string, link: DialingLink): boolean {
    if (!this.#events.has(event)) return false;
    const routers = this.#goneAt.get(event) ?? new Set();
    this.#goneAt.set(event, routers.add(link));
    return this.#links.every((one) => routers.has(one) || !one.connected);
  }
}
