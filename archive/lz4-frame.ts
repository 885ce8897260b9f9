import { decompressBlock } from 'lz4js';

const magic = 0x184d2204;
const stored = 0x80000000;

/** Throws when the frame is damaged or unfolds beyond the bound. Only blocks go to lz4js: its frame reader believes any length. */
export function unfoldLz4Frame(folded: Buffer, bytesMax: number): Buffer {
  const flags = folded.readUInt8(4);
  const code = (folded.readUInt8(5) >> 4) & 7;
  if (folded.readUInt32LE(0) !== magic || flags >> 6 !== 1 || (flags & 1) !== 0 || code < 4)
    throw new Error('its compressed bytes are no LZ4 frame');
  const blockMax = 2 ** (8 + 2 * code);
  const checksumBytes = (flags & 0x10) === 0 ? 0 : 4;
  const start = 7 + ((flags & 0x08) === 0 ? 0 : 8);
  let blocks = 0;
  for (let at = start, word = folded.readUInt32LE(at); word !== 0; word = folded.readUInt32LE(at)) {
    at += 4 + (word % stored) + checksumBytes;
    blocks += 1;
  }
  const plain = Buffer.alloc(Math.min(bytesMax, blocks * blockMax));
  let length = 0;
  let at = start;
  for (let block = 0; block < blocks; block += 1) {
    const word = folded.readUInt32LE(at);
    const size = word % stored;
    at += 4;
    if (word < stored) length = decompressBlock(folded, plain, at, size, length);
    else length += folded.copy(plain, length, at, at + size);
    // What does not fit is counted, not written; the comparison catches a length that became no number, too.
    if (!(length <= plain.length)) throw new Error(`its LZ4 blocks unfold beyond ${plain.length} bytes`);
    at += size + checksumBytes;
  }
  return plain.subarray(0, length);
}
