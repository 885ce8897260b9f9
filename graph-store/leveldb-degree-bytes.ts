import type { KeyAxis } from './leveldb-key-axis.ts';

/** Of less than this on disk bytes say too little: LevelDB knows where a row lies by its block. */
const knownBytesMin = 64 * 1024;
/** Where rows are read beside the beginning and the end, as shares of the bytes. */
const innerRuns = [1 / 4, 1 / 2, 3 / 4];
/** How far from its share a place may be, as a share of all bytes: what counts is how many bytes there really are before it. */
const placeTolerance = 1 / 16;
/** From a thousand years to a second. */
const halvingsMax = 36;
const runRows = 256;
/** What a row takes in the filter of its file. It lies behind the file's rows, so it counts where a file lies between two keys as a whole. */
const filterBytesPerRow = 1.25;
/** About a file at either end is there in part. */
const partFilesBytes = 4 * 1024 * 1024;
/** Where some rows are in memory and others in files, one place says nothing of another. */
const rateSpreadMax = 1.3;

/**
 * How many rows there are from `from` on, by the bytes that LevelDB's files have of them and the rate of rows to bytes where some of them are
 * read: what was `seen` before, the last ones, and some in between. Null when files alone do not tell: then a look at more places must.
 */
export async function estimateByBytes(
  axis: KeyAxis,
  seen: readonly Buffer[],
  to: bigint,
): Promise<{ readonly rows: number; readonly from: bigint } | null> {
  const last = seen.at(-1);
  if (last === undefined) return null;
  const seenTo = axis.placeOf(last) + 1n;
  const all = await axis.bytes(seenTo, to);
  if (all < knownBytesMin) return null;
  const seenRate = await rateOf(axis, seen);
  // Rows seen in files: what follows them is in files as well. Otherwise the newest rows are in memory, as far as there are no bytes.
  const start = seenRate === null ? await beginOfBytes(axis, seenTo, to, all) : seenTo;
  const places = await Promise.all(innerRuns.map((share) => placeOfShare(axis, start, to, all, share)));
  const runs = await Promise.all([
    seenRate ?? runAt(axis, start, to),
    ...places.map((place) => runAt(axis, place, to)),
    runAt(axis, start, to, true),
  ]);
  const rates = runs.filter((rate) => rate !== null);
  if (rates.length < runs.length || Math.max(...rates) > Math.min(...rates) * rateSpreadMax) return null;
  const bounds = [start, ...places, to];
  const parts = await Promise.all(places.concat(to).map((end, i) => axis.bytes(bounds[i] ?? start, end)));
  const wholeFiles = Math.max(0, 1 - partFilesBytes / all);
  const rows = parts.reduce((sum, bytes, i) => {
    const rate = ((rates[i] ?? 0) + (rates[i + 1] ?? 0)) / 2;
    return sum + bytes / (1 / rate + filterBytesPerRow * wholeFiles);
  }, 0);
  return { rows, from: start };
}

/** The last place that has next to no bytes before it. */
async function beginOfBytes(axis: KeyAxis, from: bigint, to: bigint, all: number): Promise<bigint> {
  let [below, above] = [from, to];
  for (let halvings = 0; halvings < halvingsMax; halvings += 1) {
    const middle = below + (above - below) / 2n;
    if ((await axis.bytes(from, middle)) <= all / 256) below = middle;
    else above = middle;
  }
  return below;
}

async function placeOfShare(
  axis: KeyAxis,
  from: bigint,
  to: bigint,
  all: number,
  share: number,
): Promise<bigint> {
  let [below, above] = [from, to];
  for (let halvings = 0; ; halvings += 1) {
    const middle = below + (above - below) / 2n;
    const off = (await axis.bytes(from, middle)) / all - share;
    if (Math.abs(off) <= placeTolerance || halvings >= halvingsMax) return middle;
    if (off < 0) below = middle;
    else above = middle;
  }
}

async function runAt(axis: KeyAxis, from: bigint, to: bigint, reverse = false): Promise<number | null> {
  const keys = await axis.keys(from, to, runRows, reverse);
  return await rateOf(axis, reverse ? keys.toReversed() : keys);
}

/**
 * Rows a byte among these, counted from where a block begins to where another does: between them LevelDB's bytes are exactly those of
 * these rows. Null when there are no two such places.
 */
async function rateOf(axis: KeyAxis, keys: readonly Buffer[]): Promise<number | null> {
  const [first] = keys;
  const last = keys.at(-1);
  if (first === undefined || last === undefined) return null;
  const start = axis.placeOf(first);
  const bytesTo = async (i: number): Promise<number> => {
    const key = keys[i];
    return key === undefined ? 0 : await axis.bytes(start, axis.placeOf(key));
  };
  const end = await bytesTo(keys.length - 1);
  if (end === 0) return null;
  /** The first of these keys that has so many bytes before it. */
  const firstWith = async (bytes: number): Promise<number> => {
    let [below, at] = [0, keys.length - 1];
    while (at - below > 1) {
      const middle = (below + at) >> 1;
      if ((await bytesTo(middle)) >= bytes) at = middle;
      else below = middle;
    }
    return at;
  };
  const [begins, ends] = await Promise.all([firstWith(1), firstWith(end)]);
  const bytes = end - (await bytesTo(begins));
  return bytes <= 0 ? null : (ends - begins) / bytes;
}
