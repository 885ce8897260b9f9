import { must } from '../foundation/index.ts';
import { eventKeyBytes } from './packed-format.ts';

/**
 * Where the rows of a side lie. A side is what is read in the order of time: the steps of a node, or its occurrences of one type and direction. Its rows are in
 * one partition, the root, until that is full; from then on later writes go to the partition of a narrower range of event keys, until that
 * is full, and so on. Nothing moves: a row that came before stays in the wider partition, and readers join a range's partition with the wider ones
 * around it. Whether a partition is full only ever turns from no to yes, so writers need not agree when they learn of it: a late one leaves
 * some more rows in a wider partition, where they are found as well.
 *
 * An event key is (inverted time, inverted occurrence id), 128 bits. Its prefixes, at these lengths in bits, name the partitions: about a year, twelve days, nine
 * hours, 17 minutes, 33 s, 1 s, 32 ms, 1 ms; then, for what happens in one millisecond (or has times of days), parts of the occurrence ids.
 */
const prefixBits = [0, 29, 34, 39, 44, 49, 54, 59, 64, 72, 80, 88, 96, 104, 112, 120, 128] as const;

export const deepestLevel = prefixBits.length - 1;
/** A prefix, filled up with zeros, then its level: in byte order by where a range begins, the wider first. */
export const bucketBytes = eventKeyBytes + 1;

export const rootBucket: Buffer = Buffer.alloc(bucketBytes);

/** The partition of a level for a key that begins with an event key. */
export function bucketAt(key: Buffer, level: number): Buffer {
  const bits = must(prefixBits[level], 'a level of buckets');
  const bucket = Buffer.alloc(bucketBytes);
  const whole = bits >> 3;
  key.copy(bucket, 0, 0, whole);
  const rest = bits & 7;
  if (rest > 0) bucket[whole] = (key[whole] ?? 0) & (0xff << (8 - rest)) & 0xff;
  bucket[eventKeyBytes] = level;
  return bucket;
}

export function levelOf(bucket: Buffer): number {
  return must(bucket[eventKeyBytes], 'a bucket has a level');
}

/** Of keys with this bucket's prefix: not below `from` and below `to`, which is null for the last of all. */
export function rangeOfBucket(bucket: Buffer): { readonly from: Buffer; readonly to: Buffer | null } {
  const bits = must(prefixBits[levelOf(bucket)], 'a level of buckets');
  const from = bucket.subarray(0, eventKeyBytes);
  const to = Buffer.from(from);
  for (let bit = bits - 1; bit >= 0; bit -= 1) {
    const mask = 0x80 >> (bit & 7);
    const at = bit >> 3;
    const byte = to[at] ?? 0;
    to[at] = byte ^ mask;
    if ((byte & mask) === 0) return { from, to };
  }
  return { from, to: null };
}

/** The wider ones around it, the root first. */
export function ancestorsOf(bucket: Buffer): Buffer[] {
  return Array.from({ length: levelOf(bucket) }, (_, level) => bucketAt(bucket, level));
}

/** How much of a bucket a mark stands for: so many marks fill it. */
const marksPerBucket = 64;
/** Bytes count too: a full bucket has this much in it. */
const bucketBytesMax = 8 * 1024 * 1024;
const hashSpace = 2 ** 32;

/**
 * How full a bucket is, without counting: of its rows some leave a mark, chosen by the hash of their key, so that the same row does so however often and by whomever
 * it is written. A mark stands for `rows` rows. Null: no mark. Large rows leave marks more often, for bytes count as rows do.
 */
export function markOf(
  hash: number,
  rowBytes: number,
  bucketRowsMax: number,
): { readonly rows: number } | null {
  const share = Math.min(
    1,
    Math.max(marksPerBucket / bucketRowsMax, rowBytes / (bucketBytesMax / marksPerBucket)),
  );
  return hash < share * hashSpace ? { rows: Math.round(1 / share) } : null;
}

/** In tests buckets may have fewer rows than there are marks to a full one. */
export function marksToFill(bucketRowsMax: number): number {
  return Math.min(marksPerBucket, bucketRowsMax);
}
