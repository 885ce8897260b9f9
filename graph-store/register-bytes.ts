import { must } from '../foundation/index.ts';
import { valueTag } from './packed-format.ts';
import { putUint32, uint32At } from './read-bytes.ts';

/** Reading a row's registers where they stand: see `node-row.ts` for how they are laid out. */
export const timeBytesLength = 8;

/** Where the content of a register begins whose name ends there. */
export function contentAt(row: Buffer, nameEnd: number): number {
  const rankAt = nameEnd + timeBytesLength;
  return rankAt + 1 + (row[rankAt] ?? 0);
}

export function skipValue(bytes: Buffer, at: number): number {
  const kind = must(bytes[at], 'a value has a tag');
  if (kind === valueTag.number || kind === valueTag.integer) return at + 9;
  if (kind === valueTag.element) return skipValue(bytes, at + 2);
  if (kind !== valueTag.text) return at + 1;
  let length = 0;
  let next = at + 1;
  for (let factor = 1; ; factor *= 128) {
    const byte = must(bytes[next++], 'a value has a length');
    length += (byte & 127) * factor;
    if (byte < 128) return next + length;
  }
}

export function readTime(bytes: Buffer, at: number): number {
  return uint32At(bytes, at) * 2 ** 32 + uint32At(bytes, at + 4);
}

export function writeTime(bytes: Buffer, at: number, timeMs: number): void {
  putUint32(bytes, at, Math.floor(timeMs / 2 ** 32));
  putUint32(bytes, at + 4, timeMs % 2 ** 32);
}

export function compareBytes(
  a: Buffer,
  aStart: number,
  aEnd: number,
  b: Buffer,
  bStart: number,
  bEnd: number,
): number {
  const length = Math.min(aEnd - aStart, bEnd - bStart);
  for (let i = 0; i < length; i += 1) {
    const difference = (a[aStart + i] ?? 0) - (b[bStart + i] ?? 0);
    if (difference !== 0) return difference;
  }
  return aEnd - aStart - (bEnd - bStart);
}
