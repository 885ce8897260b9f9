import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { settingSpecs } from '../config/index.ts';
import { createDecompressors } from './compression-codecs.ts';
import { decompressedBatchSetting } from './kafka-batch-error.ts';

const plain = Buffer.from('padding '.repeat(1_000));
const max = 100_000;
const { gzip, snappy, lz4, zstd } = createDecompressors({ decompressedBatchBytesMax: max });

/** A raw snappy block: the length as a varint, then one literal of up to 60 bytes. */
function snappyLiteral(text: string): Buffer {
  return Buffer.concat([Buffer.from([text.length, (text.length - 1) << 2]), Buffer.from(text)]);
}

function xerial(...blocks: readonly Buffer[]): Buffer {
  const header = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1]);
  const framed = blocks.flatMap((block) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(block.length);
    return [length, block];
  });
  return Buffer.concat([header, ...framed]);
}

/** An lz4 frame (64 KiB blocks) of one stored block. */
function lz4Stored(bytes: Buffer): Buffer {
  const header = Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82]);
  const size = Buffer.alloc(4);
  size.writeUInt32LE((bytes.length | 0x80000000) >>> 0);
  return Buffer.concat([header, size, bytes, Buffer.alloc(4)]);
}

/** One compressed block that repeats a byte `255 * lengths` times and more. */
function lz4Bomb(lengths: number): Buffer {
  const block = Buffer.concat([Buffer.from([0x1f, 65, 1, 0]), Buffer.alloc(lengths, 255), Buffer.from([0])]);
  const header = Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x70, 0x73]);
  const size = Buffer.alloc(4);
  size.writeUInt32LE(block.length);
  return Buffer.concat([header, size, block, Buffer.alloc(4)]);
}

describe('createDecompressors', () => {
  it('unfolds what fits', async () => {
    expect(await gzip(gzipSync(plain))).toEqual(plain);
    expect(await zstd(zstdCompressSync(plain))).toEqual(plain);
    expect(String(await snappy(snappyLiteral('raw')))).toBe('raw');
    expect(String(await snappy(xerial(snappyLiteral('two '), snappyLiteral('blocks'))))).toBe('two blocks');
    expect(String(await lz4(lz4Stored(Buffer.from('stored'))))).toBe('stored');
    expect((await lz4(lz4Bomb(10))).every((byte) => byte === 65)).toBe(true);
  });

  it.for([
    ['gzip', () => gzip(gzipSync(Buffer.alloc(max + 1)))],
    ['zstd', () => zstd(zstdCompressSync(Buffer.alloc(max + 1)))],
    ['snappy by its declared length', () => snappy(Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f, 0]))],
    ['lz4', () => lz4(lz4Bomb(1_000))],
  ] as const)('stops at a %s bomb and names the setting to raise', async ([, unfold]) => {
    await expect(unfold()).rejects.toMatchObject({
      code: 'KAFKA_BATCH_TOO_LARGE',
      reaction: 'stop',
      message: expect.stringContaining(`raise ${decompressedBatchSetting}.`),
      context: { setting: decompressedBatchSetting },
    });
    expect(settingSpecs.has(decompressedBatchSetting)).toBe(true);
  });

  it('counts all blocks of a snappy stream together', async () => {
    const small = createDecompressors({ decompressedBatchBytesMax: 9 });
    const block = snappyLiteral('12345');
    await expect(small.snappy(xerial(block, block))).rejects.toMatchObject({ code: 'KAFKA_BATCH_TOO_LARGE' });
  });

  it('answers any bytes with bounded bytes or with an error of ours', async () => {
    const seed = 20261121;
    const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
    const begins = [
      Buffer.alloc(0),
      lz4Stored(Buffer.alloc(0)).subarray(0, 7),
      xerial(),
      gzipSync('').subarray(0, 10),
    ];
    await fc.assert(
      fc.asyncProperty(bytes, fc.constantFrom(...begins), async (tail, begin) => {
        for (const unfold of [gzip, snappy, lz4, zstd]) {
          const answer: unknown = await unfold(Buffer.concat([begin, tail])).catch((error: unknown) => error);
          if (Buffer.isBuffer(answer)) expect(answer.length).toBeLessThanOrEqual(max);
          else expect(answer).toMatchObject({ reaction: 'stop' });
        }
      }),
      { seed, numRuns: 300 },
    );
  });
});
