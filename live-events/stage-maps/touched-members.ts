import { type MutationBatch, namedNodes, type WriteObserver } from '../../graph-store/index.ts';

/** Of one follower; about 100 bytes each. */
const idsMaxDefault = 100_000;

/** Why nobody knows who changed: more waited than are kept, or the graph is another one. */
export type Missed = 'TOO_MANY' | 'REPLACED';

/** Whose graph changed, for one event. */
export interface Follower {
  /** How many wait. */
  readonly size: number;
  /**
   * Resolves when what is read from then on has all that nobody is named of here: a batch that was handed over before anybody followed was not looked at, and may become
   * durable behind a read. A store ends each batch by bounds of its own. Resolves too when `signal` aborts; never rejects.
   */
  ready(signal: AbortSignal): Promise<void>;
  /** As many as that at most, which are then forgotten here. */
  take(max: number): readonly string[];
  /** Once after it happened; the graph's replacement before all else. Everybody has to be looked at then. Null otherwise. */
  takeMissed(): Missed | null;
  readonly isClosed: boolean;
  /** What waits still does; nothing joins it. Idempotent. */
  close(): void;
}

interface Following {
  readonly memberType: string;
  readonly ids: Set<string>;
  missed: Missed | null;
}

/**
 * Which members something was applied of: each node of the members' type that a batch names. An owner's own journal (`StepJournal`) holds some thousands of owners, each
 * with a log of its steps; of an audience of millions only the ids are wanted, and of those only the ones that changed. Nobody asks here whether they are
 * members: most batches would wait for that, and one look at all of them later costs less.
 *
 * Policy of the bound: beyond it the ids are let go of, and the follower learns that everybody may have changed. While nobody follows, a batch costs one promise.
 */
export class TouchedMembers implements WriteObserver {
  readonly #idsMax: number;
  readonly #followers = new Set<Following>();
  /** Batches that were handed over and are not settled. */
  readonly #inFlight = new Set<Promise<void>>();

  constructor(idsMax: number = idsMaxDefault) {
    this.#idsMax = idsMax;
  }

  follow(memberType: string): Follower {
    const following: Following = { memberType, ids: new Set(), missed: null };
    this.#followers.add(following);
    const settled = Promise.all(this.#inFlight);
    const isClosed = (): boolean => !this.#followers.has(following);
    return {
      ready: (signal) => endOf(settled, signal),
      get size() {
        return following.ids.size;
      },
      get isClosed() {
        return isClosed();
      },
      take: (max) => {
        const taken: string[] = [];
        for (const id of following.ids) {
          if (taken.length >= max) break;
          taken.push(id);
        }
        for (const id of taken) following.ids.delete(id);
        return taken;
      },
      takeMissed: () => {
        const { missed } = following;
        following.missed = null;
        return missed;
      },
      close: () => this.#followers.delete(following),
    };
  }

  /** Another graph is in the place of this one: what differs no batch names, so everybody may have changed, also for whoever reads them just now. */
  touchAll(): void {
    for (const following of this.#followers) following.missed = 'REPLACED';
  }

  applying(mutations: MutationBatch): (durable: boolean) => void {
    const types = new Set([...this.#followers].map(({ memberType }) => memberType));
    const named = [...types].map((type) => [type, new Set(namedNodes(mutations.packed, type))] as const);
    const flight = Promise.withResolvers<void>();
    this.#inFlight.add(flight.promise);
    return (durable) => {
      this.#inFlight.delete(flight.promise);
      // What failed is tried again, and named again.
      if (durable) for (const [type, ids] of named) this.#touched(type, ids);
      flight.resolve();
    };
  }

  #touched(memberType: string, ids: ReadonlySet<string>): void {
    for (const following of this.#followers) {
      if (following.memberType !== memberType) continue;
      for (const id of ids) following.ids.add(id);
      if (following.ids.size <= this.#idsMax) continue;
      following.ids.clear();
      following.missed ??= 'TOO_MANY';
    }
  }
}

async function endOf(work: Promise<unknown>, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const aborted = Promise.withResolvers<void>();
  const abort = (): void => aborted.resolve();
  signal.addEventListener('abort', abort, { once: true });
  await Promise.race([work, aborted.promise]);
  signal.removeEventListener('abort', abort);
}
