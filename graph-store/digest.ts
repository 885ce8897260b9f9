import { hashes } from '../foundation/index.ts';

/**
 * A digest of a set of rows in any order: the sum, modulo 2^64, of each row's XXH64. A sum, unlike an exclusive or, does not
 * forget a row that was counted twice. It guards against mistakes, not against forgers.
 */
export class RowDigest {
  readonly #hash: RowHash;
  #sum = 0n;

  private constructor(hash: RowHash) {
    this.#hash = hash;
  }

  static async create(): Promise<RowDigest> {
    return new RowDigest(await rowHash());
  }

  add(key: Uint8Array, value: Uint8Array): void {
    this.#sum = BigInt.asUintN(64, this.#sum + this.#hash(key, value));
  }

  /** 16 hex digits. */
  get hex(): string {
    return this.#sum.toString(16).padStart(16, '0');
  }
}

export async function digestRows(
  rows: AsyncIterable<readonly [key: Buffer, value: Buffer]>,
): Promise<string> {
  const digest = await RowDigest.create();
  for await (const [key, value] of rows) digest.add(key, value);
  return digest.hex;
}

export type RowHash = (key: Uint8Array, value: Uint8Array) => bigint;

/** XXH64 of a row, seeded by that of its key. */
export async function rowHash(): Promise<RowHash> {
  const { h64Raw } = await hashes();
  return (key, value) => h64Raw(value, h64Raw(key));
}
