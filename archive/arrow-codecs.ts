import { zstdDecompressSync } from 'node:zlib';
import { CompressionType, type compressionRegistry } from 'apache-arrow';
import { unfoldLz4Frame } from './lz4-frame.ts';

/** Of one column's buffer as it unfolds. */
const bufferBytesMax = 268_435_456;

/** apache-arrow has no codecs of its own and keeps them in one table for the process. Setting them again changes nothing. */
export function registerArrowCodecs(registry: typeof compressionRegistry): void {
  registry.set(CompressionType.ZSTD, {
    decode: (folded) => bare(zstdDecompressSync(folded, { maxOutputLength: bufferBytesMax })),
  });
  registry.set(CompressionType.LZ4_FRAME, {
    decode: (folded) => bare(unfoldLz4Frame(Buffer.from(folded), bufferBytesMax)),
  });
}

/** In memory of its own: typed arrays are laid over it, and those must be aligned. */
function bare(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}
