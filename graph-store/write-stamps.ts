import { hashNodeName } from './node-hash.ts';
import { nameLengthBytes, nodeHashBytes, tag } from './packed-format.ts';
import { behindPacked, packedTagBytes } from './packed-walk.ts';

/** A node shares its place with others, which costs a look at the store where one of them changed. */
const places = 2 ** 20;

/**
 * Which nodes were written lately, on the thread that hands batches over: so that what was read of a node before can be known to hold still.
 *
 * Each batch has a number. What was read at a moment has the number up to which all batches were settled by then, hence were in it or never will be anywhere. It holds
 * as long as no later batch names the node, whether that is durable yet or not.
 */
export class WriteStamps {
  /** The last batch that named a node of this place; made when somebody first wants to know. */
  #last: Uint32Array | null = null;
  /** Of batches up to this one it is not known what they named. */
  #unknown = 0;
  #begun = 0;
  /** In their order. */
  readonly #underWay = new Set<number>();

  /** All batches up to this one are settled. */
  get settled(): number {
    const [oldest] = this.#underWay;
    return oldest === undefined ? this.#begun : oldest - 1;
  }

  /** A batch is handed over; null: nobody needs to know what is in it. Its number is for `end`. */
  begin(packed: Buffer | null): number {
    this.#begun += 1;
    this.#underWay.add(this.#begun);
    if (packed === null) this.#unknown = this.#begun;
    else this.#note(packed);
    return this.#begun;
  }

  end(number: number): void {
    this.#underWay.delete(number);
  }

  /** Something else was written: nothing that was read before counts any more. */
  forget(): void {
    this.#begun += 1;
    this.#unknown = this.#begun;
  }

  /** Whether no batch after `settled` named a node with this hash. */
  holds(hash: number, settled: number): boolean {
    return this.#unknown <= settled && (this.#last?.[hash & (places - 1)] ?? 0) <= settled;
  }

  #note(bytes: Buffer): void {
    this.#last ??= new Uint32Array(places);
    const last = this.#last;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let at = 0; at < bytes.length; at = behindPacked(view, at)) {
      if (bytes[at] !== tag.define) continue;
      const lengthAt = at + packedTagBytes;
      const start = lengthAt + nameLengthBytes + nodeHashBytes;
      const hash = hashNodeName(bytes, start, start + view.getUint16(lengthAt));
      last[hash & (places - 1)] = this.#begun;
    }
  }
}
