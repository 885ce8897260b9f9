import { RoaringBitmap32 } from 'roaring-wasm';

/** What a coverage is about. */
export interface CoverageHead {
  readonly audience: string;
  /** Of the stage maps. */
  readonly major: number;
  /** Its version. */
  readonly schedule: number;
}

interface Decoded {
  readonly head: CoverageHead;
  readonly fresh: RoaringBitmap32;
  readonly stale: RoaringBitmap32;
}

/** Length (4) and JSON of the head, length (4) and bitmap of the fresh, then that of the stale. */
export function encodeCoverage(
  head: CoverageHead,
  fresh: RoaringBitmap32,
  stale: RoaringBitmap32,
): Uint8Array {
  const parts = [Buffer.from(JSON.stringify(head)), fresh.serialize('portable')];
  const sized = parts.flatMap((part) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(part.length);
    return [length, part];
  });
  return Buffer.concat([...sized, stale.serialize('portable')]);
}

/** Of what {@link encodeCoverage} wrote. The caller lets go of the bitmaps. */
export function decodeCoverage(bytes: Uint8Array): Decoded {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const headEnd = 4 + view.readUInt32BE(0);
  const head: CoverageHead = JSON.parse(view.toString('utf8', 4, headEnd));
  const freshAt = headEnd + 4;
  const freshEnd = freshAt + view.readUInt32BE(headEnd);
  return {
    head,
    fresh: RoaringBitmap32.deserialize('portable', view.subarray(freshAt, freshEnd)),
    stale: RoaringBitmap32.deserialize('portable', view.subarray(freshEnd)),
  };
}
