import { describe, expect, it } from 'vitest';
import { clientFrame, opcodes, readFrame, serverFrame } from './frames.ts';

describe('Frames of the broadcast benchmark', () => {
  it.each([0, 1, 125, 126, 5000])(
    'of %i bytes are read as they were written, and not before they are whole',
    (length) => {
      const text = 'x'.repeat(length);
      const bytes = Buffer.concat([Buffer.from('??'), serverFrame(text), Buffer.from('!')]);
      const found = readFrame(bytes, 2);
      expect(found?.opcode).toBe(opcodes.text);
      expect(bytes.toString('utf8', found?.start, found?.end)).toBe(text);
      expect(readFrame(bytes.subarray(0, bytes.length - 2), 2)).toBeNull();
    },
  );

  it('of a client are masked', () => {
    expect(clientFrame(opcodes.ping, 'ab').toString('hex')).toBe('8982000000006162');
    expect(clientFrame(opcodes.text, 'x'.repeat(200)).subarray(0, 8).toString('hex')).toBe(
      '81fe00c800000000',
    );
  });
});
