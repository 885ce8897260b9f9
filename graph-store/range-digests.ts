import { type RowHash, rowHash } from './digest.ts';

/** Keys begin with a node's hash, so ranges of its first twelve bits hold about equally many rows. */
export const rangeCount = 4096;

/** A digest for each range of a graph's keys: where two graphs have the same one, they have the same rows. */
export class RangeDigests {
  readonly rows = new Float64Array(rangeCount);
  readonly sums = new BigUint64Array(rangeCount);
  readonly #hash: RowHash;

  private constructor(hash: RowHash) {
    this.#hash = hash;
  }

  static async create(): Promise<RangeDigests> {
    return new RangeDigests(await rowHash());
  }

  add(key: Buffer, value: Buffer): void {
    const range = key.readUInt16BE(1) >> 4;
    this.rows[range] = (this.rows[range] ?? 0) + 1;
    // The array wraps around as the digest does.
    this.sums[range] = (this.sums[range] ?? 0n) + this.#hash(key, value);
  }

  get rowsInAll(): number {
    return this.rows.reduce((sum, rows) => sum + rows, 0);
  }

  /** What `GraphStore.digest` answers of the same rows. */
  get hex(): string {
    const sum = this.sums.reduce((all, one) => BigInt.asUintN(64, all + one), 0n);
    return sum.toString(16).padStart(16, '0');
  }

  /** Ranges in which two graphs differ. */
  differing(other: RangeDigests): readonly number[] {
    return [...this.sums.keys()].filter(
      (range) => this.sums[range] !== other.sums[range] || this.rows[range] !== other.rows[range],
    );
  }
}

export function rangeBounds(range: number): { readonly gte: Buffer; readonly lt: Buffer } {
  return { gte: boundOf(range), lt: range + 1 === rangeCount ? Buffer.from('h') : boundOf(range + 1) };
}

function boundOf(range: number): Buffer {
  const bound = Buffer.from('g..');
  bound.writeUInt16BE(range << 4, 1);
  return bound;
}
