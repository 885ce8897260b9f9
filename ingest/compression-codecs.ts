import { promisify } from 'node:util';
import { gunzip, gzip, zstdCompress, zstdDecompress } from 'node:zlib';
import kafkajs, { CompressionTypes } from 'kafkajs';
import { decompressBlock } from 'lz4js';
import { JourneyGraphError, StopError, unfoldSnappyBlock } from '../foundation/index.ts';
import { decompressedBatchSetting, UnreadableBatchError } from './kafka-batch-error.ts';

// Node sees no named export of a CommonJS module that is made by a call, and this table is one.
const { CompressionCodecs } = kafkajs;

export interface CompressionLimits {
  /**
   * Most bytes that one compressed record batch may unfold to. Producers fill batches of a megabyte at most unless told
   * otherwise, so 64 MiB leaves room, while gzip alone can unfold a megabyte to a gigabyte.
   */
  readonly decompressedBatchBytesMax: number;
}

/** Unfolds the records of one batch, or throws a `StopError`. */
export type Decompress = (compressed: Buffer) => Promise<Buffer>;

export type CompressionName = 'gzip' | 'snappy' | 'lz4' | 'zstd';

/** Decompressors with a bounded output. kafkajs has only gzip, and that one without any bound. */
export function createDecompressors(
  limits: CompressionLimits,
): Readonly<Record<CompressionName, Decompress>> {
  const max = limits.decompressedBatchBytesMax;
  const unfolding = { maxOutputLength: max };
  return {
    gzip: guarded('gzip', max, (compressed) => promisify(gunzip)(compressed, unfolding)),
    zstd: guarded('zstd', max, (compressed) => promisify(zstdDecompress)(compressed, unfolding)),
    snappy: guarded('snappy', max, async (compressed) => unfoldSnappy(compressed, max)),
    lz4: guarded('lz4', max, async (compressed) => unfoldLz4(compressed, max)),
  };
}

/**
 * Replaces kafkajs's codecs in this process. Called once, by composition: kafkajs keeps them in a global table.
 * We read all four; of what we write ourselves, only gzip and zstd can be compressed.
 */
export function installCompressionCodecs(limits: CompressionLimits): void {
  const { gzip: ungzip, snappy, lz4, zstd } = createDecompressors(limits);
  install(CompressionTypes.GZIP, ungzip, promisify(gzip));
  install(CompressionTypes.Snappy, snappy, readOnly('snappy'));
  install(CompressionTypes.LZ4, lz4, readOnly('lz4'));
  install(CompressionTypes.ZSTD, zstd, promisify(zstdCompress));
}

function install(
  type: Exclude<CompressionTypes, CompressionTypes.None>,
  decompress: Decompress,
  compress: (plain: Buffer) => Promise<Buffer>,
): void {
  const codec = {
    compress: (encoder: { readonly buffer: Buffer }) => compress(encoder.buffer),
    decompress: async (compressed: Buffer) => {
      try {
        return await decompress(compressed);
      } catch (error) {
        throw new UnreadableBatchError(error);
      }
    },
  };
  CompressionCodecs[type] = () => codec;
}

function readOnly(name: CompressionName): (plain: Buffer) => Promise<Buffer> {
  return async () => {
    throw new StopError(
      'KAFKA_COMPRESSION',
      `This product reads ${name} but does not write it: use zstd or gzip.`,
    );
  };
}

/** Turns whatever a decompressor throws into one of two answers: too large, or broken. */
function guarded(name: CompressionName, max: number, unfold: Decompress): Decompress {
  return async (compressed) => {
    try {
      return await unfold(compressed);
    } catch (error) {
      if (error instanceof JourneyGraphError) throw error;
      if (codeOf(error) === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(name, max);
      throw broken(name, error);
    }
  };
}

/** First bytes of snappy-java's stream format, which Java producers write. librdkafka writes one raw block. */
const xerialMagic = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
/** The magic, and two 32-bit versions that nobody reads. */
const xerialHeaderBytes = 16;

function unfoldSnappy(compressed: Buffer, max: number): Buffer {
  if (!compressed.subarray(0, xerialMagic.length).equals(xerialMagic)) {
    return unfoldWithin(compressed, max, max);
  }
  const blocks: Buffer[] = [];
  let left = max;
  let at = xerialHeaderBytes;
  while (at < compressed.length) {
    const length = compressed.readUInt32BE(at);
    at += 4;
    if (length > compressed.length - at) throw broken('snappy');
    const block = unfoldWithin(compressed.subarray(at, at + length), left, max);
    blocks.push(block);
    left -= block.length;
    at += length;
  }
  return Buffer.concat(blocks);
}

function unfoldWithin(block: Buffer, left: number, max: number): Buffer {
  const unfolded = unfoldSnappyBlock(block, left);
  if (unfolded.kind === 'bytes') return unfolded.bytes;
  throw unfolded.kind === 'too-large' ? tooLarge('snappy', max) : broken('snappy');
}

const lz4Magic = 0x184d2204;
/** Most bytes that one block may hold, by the code in the frame's header. */
const lz4BlockBytes: ReadonlyMap<number, number> = new Map([
  [4, 0x10000],
  [5, 0x40000],
  [6, 0x100000],
  [7, 0x400000],
]);
const lz4Stored = 0x80000000;

/**
 * Reads the frame ourselves and leaves only the blocks to lz4js: its frame reader believes every length it finds (a stored block
 * that claims two gigabytes keeps it busy for minutes) and looks for block checksums on the wrong side of the block.
 * Checksums are not verified: Kafka's own over the whole batch was, by the broker.
 */
function unfoldLz4(compressed: Buffer, max: number): Buffer {
  if (compressed.readUInt32LE(0) !== lz4Magic) throw broken('lz4');
  const flags = compressed.readUInt8(4);
  const blockMax = lz4BlockBytes.get((compressed.readUInt8(5) >> 4) & 7);
  const hasDictionary = (flags & 0x01) !== 0;
  if (flags >> 6 !== 1 || blockMax === undefined || hasDictionary) throw broken('lz4');
  let at = 7 + ((flags & 0x08) !== 0 ? 8 : 0);
  const checksumBytes = (flags & 0x10) !== 0 ? 4 : 0;
  let plain = Buffer.alloc(Math.min(blockMax, max));
  let length = 0;
  while (true) {
    const word = compressed.readUInt32LE(at);
    at += 4;
    if (word === 0) return plain.subarray(0, length);
    const size = word % lz4Stored;
    if (size > blockMax || size > compressed.length - at) throw broken('lz4');
    plain = roomFor(plain, length + blockMax, max);
    const from = length;
    if (word >= lz4Stored) {
      compressed.copy(plain, length, at, at + size);
      length += size;
    } else {
      length = decompressBlock(compressed, plain, at, size, length);
    }
    // What does not fit is counted, not written. The first test also catches a length that became NaN.
    if (!(length - from <= blockMax)) throw length - from > blockMax ? tooLarge('lz4', max) : broken('lz4');
    if (length > max) throw tooLarge('lz4', max);
    at += size + checksumBytes;
  }
}

/** The same bytes with room for `needed`, doubling, never beyond the limit. */
function roomFor(plain: Buffer<ArrayBuffer>, needed: number, max: number): Buffer<ArrayBuffer> {
  if (plain.length >= needed || plain.length === max) return plain;
  const larger = Buffer.alloc(Math.min(max, Math.max(needed, plain.length * 2)));
  plain.copy(larger);
  return larger;
}

function tooLarge(name: CompressionName, max: number): StopError {
  return new StopError(
    'KAFKA_BATCH_TOO_LARGE',
    `A ${name} batch unfolds to more than ${max} bytes and was not read. If its producer is honest, raise ${decompressedBatchSetting}.`,
    { context: { setting: decompressedBatchSetting } },
  );
}

function broken(name: CompressionName, cause?: unknown): StopError {
  return new StopError(
    'KAFKA_BATCH_BROKEN',
    `A ${name} batch cannot be decompressed: its bytes are damaged.`,
    { cause },
  );
}

function codeOf(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null;
}
