import { must } from '../../foundation/index.ts';
import type { GraphStore, MutationBatch, SourcePartition } from '../../graph-store/index.ts';

export const batchEvents = 500;
/** 30,000 events: a pipeline has its bytes as a bound, which are more; the rival has 20,000. */
const batchesInFlight = 60;

/** Applies batches of one partition as a pipeline does: in order, some under way at once. */
export class StoreLoad {
  readonly #store: GraphStore;
  readonly #source: SourcePartition;
  readonly #epoch: number;
  readonly #inFlight: Promise<unknown>[] = [];
  #next = 0n;

  private constructor(store: GraphStore, source: SourcePartition, epoch: number) {
    this.#store = store;
    this.#source = source;
    this.#epoch = epoch;
  }

  static async of(store: GraphStore, topic: string): Promise<StoreLoad> {
    const source = { cluster: 'bench', topic, topicId: `${topic}-1`, partition: 0 };
    const { epoch } = await store.claim(source);
    return new StoreLoad(store, source, epoch);
  }

  async apply(count: number, batch: MutationBatch): Promise<void> {
    const fates = { consumed: count, applied: count, superseded: 0, filtered: 0, deadLettered: 0 };
    const from = this.#next;
    this.#next += BigInt(count);
    const advance = { source: this.#source, epoch: this.#epoch, from, next: this.#next, fates };
    this.#inFlight.push(this.#store.apply({ ...advance, newestEventMs: 0 }, batch));
    if (this.#inFlight.length >= batchesInFlight) await must(this.#inFlight.shift(), 'there are some');
  }

  async settled(): Promise<void> {
    await Promise.all(this.#inFlight.splice(0));
  }
}
