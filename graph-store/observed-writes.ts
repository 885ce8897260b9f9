import type { Advance, Applied, Claim, GraphStore, SourcePartition } from './graph-store.ts';
import type { MutationBatch } from './mutation-batch.ts';

/** What a pipeline does with a store. */
export type StoreWriter = Pick<GraphStore, 'claim' | 'apply'>;

/** Hears of every batch, in the order in which batches become durable. Must not throw. */
export interface WriteObserver {
  /** A batch is about to be handed over. What it answers is called once: with true when the batch is durable, with false when it failed. */
  applying(mutations: MutationBatch): (durable: boolean) => void;
}

/** The store's writing side, watched. */
export class ObservedWrites implements StoreWriter {
  readonly #store: StoreWriter;
  readonly #observer: WriteObserver;

  constructor(store: StoreWriter, observer: WriteObserver) {
    this.#store = store;
    this.#observer = observer;
  }

  claim(source: SourcePartition): Promise<Claim> {
    return this.#store.claim(source);
  }

  async apply(advance: Advance, mutations: MutationBatch): Promise<Applied> {
    const settled = this.#observer.applying(mutations);
    try {
      // Called in this very turn: the order of calls is the order of the partition.
      const applied = await this.#store.apply(advance, mutations);
      settled(true);
      return applied;
    } catch (error) {
      settled(false);
      throw error;
    }
  }
}
