import { snappyCompress } from '@platformatic/wasm-utils';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { unfoldSnappyBlock } from './snappy-block.ts';

const bytesOf = (...bytes: readonly number[]): Buffer => Buffer.from(bytes);
const text = (unfolded: ReturnType<typeof unfoldSnappyBlock>): string =>
  unfolded.kind === 'bytes' ? unfolded.bytes.toString() : unfolded.kind;

describe('A block of Snappy', () => {
  it('is unfolded into what another writer of the format folded', () => {
    const word = fc.constantFrom('play', 'pause ', 'a', 'b', '0123456789', '\u{1f3ac}');
    const words = fc.array(word, { maxLength: 3_000 }).map((parts) => Buffer.from(parts.join('')));
    const any = fc.uint8Array({ maxLength: 70_000, size: 'max' }).map((array) => Buffer.from(array));
    const property = fc.property(fc.oneof(words, any), (plain) => {
      const unfolded = unfoldSnappyBlock(snappyCompress(plain), plain.length);
      expect(unfolded.kind === 'bytes' && unfolded.bytes.equals(plain)).toBe(true);
    });
    fc.assert(property, { seed: 20261123, numRuns: 200 });
  });

  it('has literals behind lengths of one to four bytes, and copies that repeat what they write', () => {
    const literal = Buffer.from('abc');
    for (const lengthBytes of [1, 2, 3, 4]) {
      const head = Buffer.alloc(2 + lengthBytes);
      head[0] = 3;
      head[1] = (59 + lengthBytes) << 2;
      head[2] = 2;
      expect(text(unfoldSnappyBlock(Buffer.concat([head, literal]), 10))).toBe('abc');
    }
    // "ab", then ten bytes from two back: with offsets of one, two and four bytes.
    const ab = [1 << 2, 0x61, 0x62];
    expect(text(unfoldSnappyBlock(bytesOf(12, ...ab, ((10 - 4) << 2) | 1, 2), 12))).toBe('abababababab');
    expect(text(unfoldSnappyBlock(bytesOf(12, ...ab, (9 << 2) | 2, 2, 0), 12))).toBe('abababababab');
    expect(text(unfoldSnappyBlock(bytesOf(12, ...ab, (9 << 2) | 3, 2, 0, 0, 0), 12))).toBe('abababababab');
  });

  it.each([
    ['a literal of a negative length', bytesOf(0x01, 0xfc, 0xfa, 0xff, 0xff, 0xff)],
    ['a literal that goes on behind its end', bytesOf(3, 2 << 2, 0x61)],
    ['more than it declares', bytesOf(1, 1 << 2, 0x61, 0x62)],
    ['less than it declares', bytesOf(3, 1 << 2, 0x61, 0x62)],
    ['a copy from before its beginning', bytesOf(6, 0, 0x61, 1, 2)],
    ['a copy from nowhere', bytesOf(6, 0, 0x61, 1, 0)],
    ['a copy that is cut off', bytesOf(6, 0, 0x61, 3, 1)],
    ['a length of six bytes', bytesOf(0x80, 0x80, 0x80, 0x80, 0x80, 0x01)],
    ['nothing', bytesOf()],
  ])('is damaged that has %s', (_what, block) => {
    expect(unfoldSnappyBlock(block, 1_000)).toEqual({ kind: 'damaged' });
  });

  it('is not unfolded when it declares more than is allowed', () => {
    expect(unfoldSnappyBlock(bytesOf(0xff, 0xff, 0xff, 0xff, 0x0f, 0), 2 ** 20)).toEqual({
      kind: 'too-large',
    });
    expect(unfoldSnappyBlock(bytesOf(0), 0)).toEqual({ kind: 'bytes', bytes: Buffer.alloc(0) });
  });

  it('is unfolded or refused, whatever its bytes are', () => {
    const property = fc.property(fc.uint8Array({ maxLength: 200 }), (array) => {
      const unfolded = unfoldSnappyBlock(Buffer.from(array), 10_000);
      if (unfolded.kind === 'bytes') expect(unfolded.bytes.length).toBeLessThanOrEqual(10_000);
    });
    fc.assert(property, { seed: 20261123, numRuns: 3_000 });
  });
});
