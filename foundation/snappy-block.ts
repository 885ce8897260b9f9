export type UnfoldedBlock =
  | { readonly kind: 'bytes'; readonly bytes: Buffer }
  /** It declares more than was allowed: nothing was unfolded. */
  | { readonly kind: 'too-large' }
  | { readonly kind: 'damaged' };

const damaged: UnfoldedBlock = { kind: 'damaged' };
const lengthBytesMax = 5;

/**
 * Unfolds a raw block of Snappy: in time and memory that grow with what it declares, whatever its bytes are. Of the package that was here before (snappyjs 0.7) six bytes could be read for ever.
 * Format: https://github.com/google/snappy/blob/main/format_description.txt
 */
export function unfoldSnappyBlock(block: Buffer, bytesMax: number): UnfoldedBlock {
  let length = 0;
  for (let at = 0; at < lengthBytesMax; at += 1) {
    const byte = block[at];
    if (byte === undefined) return damaged;
    length += (byte & 0x7f) * 2 ** (7 * at);
    if (byte >= 0x80) continue;
    if (length > bytesMax) return { kind: 'too-large' };
    const bytes = unfold(block, at + 1, length);
    return bytes === null ? damaged : { kind: 'bytes', bytes };
  }
  return damaged;
}

/** Null when the bytes are damaged. */
function unfold(block: Buffer, at: number, length: number): Buffer | null {
  const plain = Buffer.allocUnsafe(length);
  let written = 0;
  while (at < block.length) {
    const tag = block.readUInt8(at);
    at += 1;
    const kind = tag & 3;
    if (kind === 0) {
      const lengthBytes = Math.max(0, (tag >> 2) - 59);
      if (lengthBytes > block.length - at) return null;
      const size = 1 + (lengthBytes === 0 ? tag >> 2 : block.readUIntLE(at, lengthBytes));
      at += lengthBytes;
      if (size > block.length - at || size > length - written) return null;
      block.copy(plain, written, at, at + size);
      at += size;
      written += size;
    } else {
      const offsetBytes = kind === 3 ? 4 : kind;
      if (offsetBytes > block.length - at) return null;
      const size = kind === 1 ? 4 + ((tag >> 2) & 7) : 1 + (tag >> 2);
      const high = kind === 1 ? (tag >> 5) << 8 : 0;
      const back = high + block.readUIntLE(at, offsetBytes);
      at += offsetBytes;
      if (back === 0 || back > written || size > length - written) return null;
      repeat(plain, written, back, size);
      written += size;
    }
  }
  return written === length ? plain : null;
}

/** What is copied may be what this very copy writes: a short piece is repeated. */
function repeat(plain: Buffer, at: number, back: number, size: number): void {
  if (back >= size) plain.copyWithin(at, at - back, at - back + size);
  else for (let index = at; index < at + size; index += 1) plain[index] = plain[index - back] ?? 0;
}
