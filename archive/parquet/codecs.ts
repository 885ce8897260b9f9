import { brotliDecompressSync, constants, gunzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { CompressionCodec } from 'hyparquet';
import { decompressLz4, decompressSnappy } from 'hyparquet-compressors';
import { decompressBlock } from 'lz4js';

type Unfold = (folded: Uint8Array, length: number) => Uint8Array;

const unfolders: ReadonlyMap<CompressionCodec, Unfold> = new Map<CompressionCodec, Unfold>([
  ['UNCOMPRESSED', (folded) => folded],
  ['ZSTD', (folded, length) => zstdDecompressSync(folded, { maxOutputLength: Math.max(1, length) })],
  ['GZIP', (folded, length) => gunzipSync(folded, { maxOutputLength: Math.max(1, length) })],
  ['BROTLI', (folded, length) => brotliDecompressSync(folded, { maxOutputLength: Math.max(1, length) })],
  ['SNAPPY', decompressSnappy],
  ['LZ4', decompressLz4],
  ['LZ4_RAW', unfoldLz4Block],
]);

function unfoldLz4Block(folded: Uint8Array, length: number): Uint8Array {
  const output = Buffer.alloc(length);
  const end = decompressBlock(Buffer.from(folded), output, 0, folded.length, 0);
  if (end !== length) throw new Error(`a page has ${end} bytes, not ${length}`);
  return output;
}

/** Throws when the bytes do not unfold to exactly that length, and takes no more memory than that. */
export function unfoldPage(codec: CompressionCodec, folded: Uint8Array, length: number): Uint8Array {
  const unfold = unfolders.get(codec);
  if (unfold === undefined) throw new Error(`it is compressed with ${codec}, which is not read here`);
  if (length === 0 && folded.length === 0) return folded;
  const page = unfold(folded, length);
  if (page.length !== length) throw new Error(`a page has ${page.length} bytes, not ${length}`);
  return new Uint8Array(page.buffer, page.byteOffset, page.length);
}

/** The checksum is the only thing by which a reader notices a changed bit: the writer's pages carry none. */
export function zstdWithChecksum(bytes: Uint8Array): Uint8Array {
  return zstdCompressSync(bytes, { params: { [constants.ZSTD_c_checksumFlag]: 1 } });
}
