import { crc32 } from 'node:zlib';

/**
 * A footer has no checksum in the format, and a changed bit in it can make a column another one. Ours hold one in their
 * key-value metadata: of the footer with these eight digits as zeros. Other readers pass it over.
 */
const sealKey = 'journey-graph.footer.crc32';
const unsealed = '00000000';

export const sealMetadata = [{ key: sealKey, value: unsealed }];

/** Writes the checksum into a footer that was made with {@link sealMetadata}. */
export function seal(footer: Uint8Array): void {
  const at = digitsAt(footer);
  if (at === null) throw new Error('the footer has no place for its checksum');
  footer.set(Buffer.from(digitsOf(footer)), at);
}

/** False when the footer has a checksum, and it is another one. */
export function isSealIntact(footer: Uint8Array): boolean {
  const at = digitsAt(footer);
  if (at === null) return true;
  const copy = new Uint8Array(footer);
  copy.set(Buffer.from(unsealed), at);
  return digitsOf(copy) === Buffer.from(footer.subarray(at, at + unsealed.length)).toString('latin1');
}

function digitsOf(footer: Uint8Array): string {
  return crc32(footer).toString(16).padStart(unsealed.length, '0');
}

function digitsAt(footer: Uint8Array): number | null {
  const bytes = Buffer.from(footer.buffer, footer.byteOffset, footer.byteLength);
  const key = bytes.lastIndexOf(sealKey);
  if (key === -1) return null;
  // Between the key and the digits: the head of a field, and their length.
  const at = key + sealKey.length + 2;
  return at + unsealed.length <= bytes.length ? at : null;
}
