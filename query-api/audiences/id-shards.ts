import { must } from '../../foundation/index.ts';
import { placeOf } from '../../graph-store/index.ts';

/** Few enough ids in each that growing one never takes long, and each is a stretch of the embedded store. */
const shards = 4096;
const shardBits = 12;
/** As many are worth a read of their own. */
const handedOut = 512;
/** Of ids that are put in order together: their number stands beside a place in one double. */
const inOrderMax = 2 ** 20;

interface Shard {
  readonly ids: Set<string>;
  /** How often those came that came more than once: most come once, and looking them up twice would be most of what adding one costs. */
  counts: Map<string, number> | null;
}

/** Distinct ids of one node type, and how often each came. Walked by where the store keeps them, which makes reading them cheap. */
export class IdShards {
  readonly #type: string;
  readonly #shards: Shard[] = Array.from({ length: shards }, newShard);
  #size = 0;

  constructor(type: string) {
    this.#type = type;
  }

  get size(): number {
    return this.#size;
  }

  add(id: string): void {
    const shard = this.#shardOf(id);
    const before = shard.ids.size;
    shard.ids.add(id);
    if (shard.ids.size > before) {
      this.#size += 1;
      return;
    }
    shard.counts ??= new Map();
    shard.counts.set(id, (shard.counts.get(id) ?? 1) + 1);
  }

  has(id: string): boolean {
    return this.#shardOf(id).ids.has(id);
  }

  count(id: string): number {
    const { ids, counts } = this.#shardOf(id);
    return counts?.get(id) ?? (ids.has(id) ? 1 : 0);
  }

  /** Some hundreds at a time, each once, in the order of their places; a shard is let go of when it has been handed out. */
  *drain(atLeast = 1): Generator<string[]> {
    let ids: string[] = [];
    for (const [i, shard] of this.#shards.entries()) {
      if (shard.ids.size === 0) continue;
      this.#shards[i] = newShard();
      this.#size -= shard.ids.size;
      for (const id of shard.ids) {
        if (atLeast > 1 && (shard.counts?.get(id) ?? 1) < atLeast) continue;
        ids.push(id);
        // Ids that were made to meet in one shard.
        if (ids.length < inOrderMax) continue;
        yield this.#inPlace(ids);
        ids = [];
      }
      if (ids.length < handedOut) continue;
      yield this.#inPlace(ids);
      ids = [];
    }
    if (ids.length > 0) yield this.#inPlace(ids);
  }

  /** Neighbours share blocks of the store and of whoever numbers them. */
  #inPlace(ids: readonly string[]): string[] {
    const order = new Float64Array(ids.length);
    for (const [i, id] of ids.entries()) order[i] = placeOf({ type: this.#type, id }) * inOrderMax + i;
    order.sort();
    return Array.from(order, (place) => must(ids[place % inOrderMax], 'one of those that were put in order'));
  }

  #shardOf(id: string): Shard {
    const place = placeOf({ type: this.#type, id });
    return must(this.#shards[place >>> (32 - shardBits)], 'each place has a shard');
  }
}

function newShard(): Shard {
  return { ids: new Set(), counts: null };
}
