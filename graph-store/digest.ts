import xxhash from 'xxhash-wasm';

/**
 * A digest of a set of rows in any order: the sum, modulo 2^64, of each row's XXH64. A sum, unlike an exclusive or, does not
 * forget a row that was counted twice. It guards against mistakes, not against forgers.
 */
export async function digestRows(
  rows: AsyncIterable<readonly [key: Buffer, value: Buffer]>,
): Promise<string> {
  const { h64Raw } = await xxhash();
  let sum = 0n;
  for await (const [key, value] of rows) {
    sum = BigInt.asUintN(64, sum + h64Raw(value, h64Raw(key)));
  }
  return sum.toString(16).padStart(16, '0');
}
