import { promisify } from 'node:util';
import { gunzip, gzip, zstdCompress, zstdDecompress } from 'node:zlib';
import { CompressionCodecs, CompressionTypes } from 'kafkajs';
import { decompressBound, decompressFrame } from 'lz4js';
import { uncompress } from 'snappyjs';
import { JourneyGraphError, StopError } from '../foundation/index.ts';

export interface CompressionLimits {
  /**
   * Most bytes that one compressed record batch may unfold to. Producers fill batches of a megabyte at most unless told
   * otherwise, so 64 MiB leaves room, while gzip alone can unfold a megabyte to a gigabyte.
   */
  readonly decompressedBatchBytesMax: number;
}

/** The setting that people raise when an honest batch is larger. */
export const decompressedBatchSetting = 'kafka.decompressed.batch.bytes.max';

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

/** kafkajs fetches the same batch again after any error but one that says it is final, in its own word. */
class UnreadableBatchError extends Error {
  readonly retriable = false;

  constructor(cause: unknown) {
    super('unreadable batch', { cause });
    this.name = 'UnreadableBatchError';
  }
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
    return unfoldSnappyBlock(compressed, max, max);
  }
  const blocks: Buffer[] = [];
  let left = max;
  let at = xerialHeaderBytes;
  while (at < compressed.length) {
    const length = compressed.readUInt32BE(at);
    at += 4;
    if (length > compressed.length - at) throw broken('snappy');
    const block = unfoldSnappyBlock(compressed.subarray(at, at + length), left, max);
    blocks.push(block);
    left -= block.length;
    at += length;
  }
  return Buffer.concat(blocks);
}

function unfoldSnappyBlock(block: Buffer, left: number, max: number): Buffer {
  // The declared length is what snappyjs allocates: it is looked at before a byte is spent on it.
  if (snappyLength(block) > left) throw tooLarge('snappy', max);
  return uncompress(block);
}

/** The varint that begins a raw snappy block. */
function snappyLength(block: Buffer): number {
  let length = 0;
  for (let index = 0; index < 5; index++) {
    const byte = block[index];
    if (byte === undefined) throw broken('snappy');
    length += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) return length;
  }
  throw broken('snappy');
}

function unfoldLz4(compressed: Buffer, max: number): Buffer {
  // The bound counts every block as full, so a small frame may claim megabytes: it sizes the buffer, and only what really
  // comes out is held against the limit. One byte above the limit is enough to see that it was passed.
  const size = Math.min(decompressBound(compressed), max);
  const plain = Buffer.alloc(size);
  const length = decompressFrame(compressed, plain);
  if (length > max) throw tooLarge('lz4', max);
  if (!(length <= size)) throw broken('lz4');
  return plain.subarray(0, length);
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
