import { unfoldSnappyBlock } from '../foundation/index.ts';

/** Throws Error, which whoever reads the file says the place of. */
export function snappyBytes(block: Buffer, bytesMax: number): Buffer {
  const unfolded = unfoldSnappyBlock(block, bytesMax);
  if (unfolded.kind !== 'bytes') throw new Error(`a block of Snappy is ${unfolded.kind}`);
  return unfolded.bytes;
}
