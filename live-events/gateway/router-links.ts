import type { Broadcast, Cursor } from '../../device/index.ts';
import { OutageError } from '../../foundation/index.ts';
import type { DeliveryReport, History, LinkListener, RouterLink } from '../ports.ts';

/** A link that can say whether its router is there. */
export interface DialingLink extends RouterLink {
  readonly connected: boolean;
  close(): void;
}

/** What a router said last of an event; `removed`: it has it no more. */
type Word = 'has' | 'removed' | 'never had';
type Words = Map<DialingLink, Word>;

/**
 * Several routers as one. All are subscribed to, so that none of them is missed when it goes: a broadcast that comes twice is dropped by
 * its sequence. Questions and reports of an event go to the first that is there of those that have it: to any other it is of another life.
 */
export class RouterLinks implements RouterLink {
  readonly #links: readonly DialingLink[];
  /** Of events; some routers have not said anything yet. */
  readonly #events = new Map<string, Words>();

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
          this.#events.get(broadcast.event)?.set(link, 'has');
          listener.broadcast(broadcast);
        },
        gone: (event) => {
          lacks(this.#events.get(event), link);
          if (!this.#isGone(event)) return;
          this.unsubscribe(event);
          listener.gone(event);
        },
      });
  }

  /** The first answer that is a state; null when the event is gone. */
  async subscribe(event: string, after: Cursor): Promise<Broadcast | null> {
    const words: Words = this.#events.get(event) ?? new Map();
    this.#events.set(event, words);
    const missing = Symbol('there is no such event');
    const states = this.#links.map(async (link) => {
      const state = await link.subscribe(event, after);
      if (state === null) {
        lacks(words, link);
        throw missing;
      }
      words.set(link, 'has');
      return state;
    });
    try {
      return await Promise.any(states);
    } catch (error) {
      const errors: readonly unknown[] = error instanceof AggregateError ? error.errors : [error];
      const failure = errors.find((one) => one !== missing);
      if (failure !== undefined && !this.#isGone(event)) throw failure;
      // Another subscription may have begun since it went.
      if (this.#events.get(event) === words) this.unsubscribe(event);
      return null;
    }
  }

  unsubscribe(event: string): void {
    this.#events.delete(event);
    for (const link of this.#links) link.unsubscribe(event);
  }

  holds(event: string, sockets: number): void {
    for (const link of this.#links) link.holds(event, sockets);
  }

  async history(event: string, after: Cursor): Promise<History> {
    let failure = new OutageError(
      'LIVE_ROUTER_UNREACHABLE',
      'No router that has the event can be asked; check that they run.',
    );
    for (const link of this.#thatHave(event)) {
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
    const having = this.#thatHave(report.event);
    const links = having.length > 0 ? having : this.#links;
    const link = links.find(({ connected }) => connected) ?? links[0];
    link?.report(report);
  }

  close(): void {
    for (const link of this.#links) link.close();
  }

  #thatHave(event: string): readonly DialingLink[] {
    const words = this.#events.get(event);
    return this.#links.filter((link) => words?.get(link) === 'has');
  }

  /**
   * By the words of all routers or, where one cannot be asked, of one that had it: that one knows of its removal. Who never had it knows nothing: believed while the owner starts
   * again, it would have all devices of the event stop for good.
   */
  #isGone(event: string): boolean {
    const words = this.#events.get(event);
    if (words === undefined) return false;
    const isRemoved = [...words.values()].includes('removed');
    return this.#links.every((link) => {
      const word = words.get(link);
      return word === 'removed' || word === 'never had' || (isRemoved && !link.connected);
    });
  }
}

function lacks(words: Words | undefined, link: DialingLink): void {
  const hadIt = words?.has(link) === true && words.get(link) !== 'never had';
  words?.set(link, hadIt ? 'removed' : 'never had');
}
