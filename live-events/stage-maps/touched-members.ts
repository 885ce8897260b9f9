import { type MutationBatch, namedNodes, type WriteObserver } from '../../graph-store/index.ts';

/** Of one follower; about 100 bytes each. */
const idsMaxDefault = 100_000;

/** Whose graph changed, for one event. */
export interface Follower {
  /** How many wait. */
  readonly size: number;
  /** As many as that at most, which are then forgotten here. */
  take(max: number): readonly string[];
  /** True once after more waited than are kept, or the graph was replaced: then nobody knows who changed, and everybody has to be looked at. */
  takeOverflow(): boolean;
  /** Idempotent. */
  close(): void;
}

interface Following {
  readonly memberType: string;
  readonly ids: Set<string>;
  isOver: boolean;
}

/**
 * Which members something was applied of: each node of the members' type that a batch names. An owner's own journal (`StepJournal`) holds some thousands of owners, each
 * with a log of its steps; of an audience of millions only the ids are wanted, and of those only the ones that changed. Nobody asks here whether they are
 * members: most batches would wait for that, and one look at all of them later costs less.
 *
 * Policy of the bound: beyond it the ids are let go of, and the follower learns that everybody may have changed. While nobody follows, a batch costs nothing.
 */
export class TouchedMembers implements WriteObserver {
  readonly #idsMax: number;
  readonly #followers = new Set<Following>();

  constructor(idsMax: number = idsMaxDefault) {
    this.#idsMax = idsMax;
  }

  follow(memberType: string): Follower {
    const following: Following = { memberType, ids: new Set(), isOver: false };
    this.#followers.add(following);
    return {
      get size() {
        return following.ids.size;
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
      takeOverflow: () => {
        const { isOver } = following;
        following.isOver = false;
        return isOver;
      },
      close: () => this.#followers.delete(following),
    };
  }

  /** Another graph is in the place of this one: what differs no batch names, so everybody may have changed, also for whoever reads them just now. */
  touchAll(): void {
    for (const following of this.#followers) following.isOver = true;
  }

  applying(mutations: MutationBatch): (durable: boolean) => void {
    if (this.#followers.size === 0) return () => undefined;
    const types = new Set([...this.#followers].map(({ memberType }) => memberType));
    const named = [...types].map((type) => [type, new Set(namedNodes(mutations.packed, type))] as const);
    return (durable) => {
      // What failed is tried again, and named again.
      if (durable) for (const [type, ids] of named) this.#touched(type, ids);
    };
  }

  #touched(memberType: string, ids: ReadonlySet<string>): void {
    for (const following of this.#followers) {
      if (following.memberType !== memberType) continue;
      for (const id of ids) following.ids.add(id);
      if (following.ids.size <= this.#idsMax) continue;
      following.ids.clear();
      following.isOver = true;
    }
  }
}
