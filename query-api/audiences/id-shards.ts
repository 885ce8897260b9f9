import { placeOf } from '../../graph-store/index.ts';

/** Few enough ids in each that growing one never takes long, and each is a stretch of the embedded store. */
const shards = 4096;
const shardBits = 12;
/** As many are worth a read of their own. */
const handedOut = 512;

/** Distinct ids of one node type, and how often each came. Walked by where the store keeps them, which makes reading them cheap. */
export class IdShards {
  readonly #type: string;
  readonly #shards: Map<string, number>[] = Array.from({ length: shards }, () => new Map());
  #size = 0;

  constructor(type: string) {
    this.#type = type;
  }

  get size(): number {
    return this.#size;
  }

  add(id: string): void {
    const shard = this.#shardOf(id);
    const count = shard?.get(id);
    if (count === undefined) this.#size += 1;
    shard?.set(id, (count ?? 0) + 1);
  }

  has(id: string): boolean {
    return this.#shardOf(id)?.has(id) === true;
  }

  count(id: string): number {
    return this.#shardOf(id)?.get(id) ?? 0;
  }

  /** Some hundreds at a time, each once; a shard is let go of when it has been handed out. */
  *drain(atLeast = 1): Generator<string[]> {
    let ids: string[] = [];
    for (const [i, shard] of this.#shards.entries()) {
      if (shard.size === 0) continue;
      this.#shards[i] = new Map();
      this.#size -= shard.size;
      for (const [id, count] of shard) if (count >= atLeast) ids.push(id);
      if (ids.length < handedOut) continue;
      yield ids;
      ids = [];
    }
    if (ids.length > 0) yield ids;
  }

  #shardOf(id: string): Map<string, number> | undefined {
    return this.#shards[placeOf({ type: this.#type, id }) >>> (32 - shardBits)];
  }
}
