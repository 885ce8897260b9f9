import { must } from '../../foundation/index.ts';
import { nodeIdBytesMax, type PackedIds, packIds } from '../../graph-store/index.ts';
import { IdShard } from './id-shard.ts';
import { idsAtOnceMax } from './membership.ts';

/** Few enough ids in each that growing one never takes long, and each is a stretch of the embedded store. */
const shards = 4096;
const shardBits = 12;

/** Distinct ids of one node type, and how often each came, as bytes. Walked by where the store keeps them, which makes reading them cheap. */
export class IdShards {
  readonly #type: string;
  /** Null while there is nobody in it. */
  readonly #shards: (IdShard | null)[] = Array.from({ length: shards }, () => null);
  #size = 0;

  constructor(type: string) {
    this.#type = type;
  }

  get size(): number {
    return this.#size;
  }

  add({ count, bytes, ends, places }: PackedIds): void {
    let start = 0;
    for (let i = 0; i < count; i += 1) {
      const place = places[i] ?? 0;
      const end = ends[i] ?? 0;
      const at = place >>> (32 - shardBits);
      let shard = this.#shards[at] ?? null;
      if (shard === null) {
        shard = new IdShard();
        this.#shards[at] = shard;
      }
      if (shard.add(place, bytes, start, end)) this.#size += 1;
      start = end;
    }
  }

  /** How often it came. */
  count(id: string): number {
    const { bytes, places } = packIds(this.#type, [id]);
    const place = must(places[0], 'one was packed');
    return this.#shards[place >>> (32 - shardBits)]?.count(place, bytes) ?? 0;
  }

  /** `idsAtOnceMax` at a time, each once, in the order of their places; a shard is let go of when it has been handed out. */
  *drain(atLeast = 1): Generator<string[]> {
    const page = new TextPage();
    for (const [i, shard] of this.#shards.entries()) {
      if (shard === null) continue;
      this.#shards[i] = null;
      this.#size -= shard.size;
      for (const entries of shard.inOrder(atLeast)) {
        for (const entry of entries) {
          page.add(shard, entry);
          if (page.count === idsAtOnceMax) yield page.take();
        }
      }
    }
    if (page.count > 0) yield page.take();
  }
}

/** Ids with a NUL between them: one text for all of them is far cheaper than one each. */
class TextPage {
  readonly #bytes = Buffer.allocUnsafeSlow(idsAtOnceMax * (nodeIdBytesMax + 1));
  #at = 0;
  count = 0;

  add(shard: IdShard, entry: number): void {
    this.#at = shard.copy(entry, this.#bytes, this.#at);
    this.#bytes[this.#at++] = 0;
    this.count += 1;
  }

  take(): string[] {
    const ids = this.#bytes.toString('utf8', 0, this.#at - 1).split('\0');
    this.#at = 0;
    this.count = 0;
    return ids;
  }
}
