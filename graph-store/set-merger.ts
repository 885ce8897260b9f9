import { setElementsMax } from './model.ts';
import { valueTag } from './packed-format.ts';
import { compareBytes, contentAt, readTime, skipValue } from './register-bytes.ts';

/** One register where it stands: in the row, with its own time and rank, or in the mutation, with the event's. */
interface Place {
  readonly bytes: Buffer;
  readonly at: number;
  readonly nameEnd: number;
  readonly contentAt: number;
  readonly end: number;
  readonly timeMs: number;
  /** As rows have it: its length, then its bytes. */
  readonly rank: Buffer;
  readonly rankAt: number;
  readonly rankEnd: number;
  readonly isNew: boolean;
}

/** What an event writes: contents at `[start, end)` behind their count, all of one time and rank. */
export interface SetWrites {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  readonly timeMs: number;
  readonly rank: Buffer;
}

/**
 * The rules of `mergeRegisters` on bytes: a row of a thousand elements is walked, never decoded. Null when nothing changes.
 * Returns the registers in their order.
 */
export function mergeSetBytes(row: Buffer, rowAt: number, writes: SetWrites): readonly Place[] | null {
  const stored = placesInRow(row, rowAt);
  const written = placesInMutation(writes);
  const merged: Place[] = [];
  let changed = false;
  let at = 0;
  for (const write of written) {
    let before = stored[at];
    while (before !== undefined && compareKeys(before, write) < 0) {
      merged.push(before);
      at += 1;
      before = stored[at];
    }
    if (before !== undefined && compareKeys(before, write) === 0) {
      at += 1;
      if (compareWrites(write, before) <= 0) {
        merged.push(before);
        continue;
      }
    }
    merged.push(write);
    changed = true;
  }
  for (; at < stored.length; at += 1) {
    const rest = stored[at];
    if (rest !== undefined) merged.push(rest);
  }
  const settled = changed ? settleNames(merged) : merged;
  // What was written may have been too old to stay, and then nothing is new.
  return settled.some(({ isNew }) => isNew) || settled.length !== stored.length ? settled : null;
}

function placesInRow(row: Buffer, start: number): Place[] {
  const places: Place[] = [];
  for (let at = start; at < row.length; ) {
    const nameEnd = at + 1 + (row[at] ?? 0);
    const content = contentAt(row, nameEnd);
    const end = skipValue(row, content);
    const timeMs = readTime(row, nameEnd);
    places.push({ bytes: row, at, nameEnd, contentAt: content, end, timeMs, rank: row, rankAt: nameEnd + 8, rankEnd: content, isNew: false }); // biome-ignore format: one row
    at = end;
  }
  return places;
}

/** In the order of rows, each register once. */
function placesInMutation({ bytes, start, end, timeMs, rank }: SetWrites): Place[] {
  const places: Place[] = [];
  let at = start;
  while ((bytes[at++] ?? 0) > 127);
  while (at < end) {
    const nameEnd = at + 1 + (bytes[at] ?? 0);
    const next = skipValue(bytes, nameEnd);
    places.push({ bytes, at, nameEnd, contentAt: nameEnd, end: next, timeMs, rank, rankAt: 0, rankEnd: rank.length, isNew: true }); // biome-ignore format: one row
    at = next;
  }
  places.sort((a, b) => compareKeys(a, b) || compareWrites(b, a));
  return places.filter((place, i) => {
    const before = places[i - 1];
    return before === undefined || compareKeys(before, place) !== 0;
  });
}

function settleNames(places: readonly Place[]): readonly Place[] {
  const settled: Place[] = [];
  for (let start = 0; start < places.length; ) {
    const first = places[start];
    if (first === undefined) break;
    let end = start + 1;
    for (let next = places[end]; next !== undefined && compareNames(first, next) === 0; next = places[++end]);
    settled.push(...(end - start === 1 ? [first] : settle(places.slice(start, end))));
    start = end;
  }
  return settled;
}

function settle(places: readonly Place[]): readonly Place[] {
  const clearing = places.find((place) => kindOf(place) === valueTag.cleared);
  const kept = places.filter(
    (place) =>
      kindOf(place) !== valueTag.element || clearing === undefined || compareTimes(place, clearing) >= 0,
  );
  const others = kept.filter((place) => kindOf(place) !== valueTag.element).length;
  // One or a few too many, unless a mutation brings hundreds: then sorting is cheaper than looking for each.
  const excess = kept.length - others - setElementsMax;
  if (excess <= 0) return kept;
  const elements = kept.slice(others);
  const oldest = new Set<Place>();
  if (excess > 8) for (const place of elements.toSorted(compareWrites).slice(0, excess)) oldest.add(place);
  else {
    while (oldest.size < excess) {
      const left = elements.filter((place) => !oldest.has(place));
      const least = left.reduce((a, b) => (compareWrites(b, a) < 0 ? b : a));
      oldest.add(least);
    }
  }
  return kept.filter((place) => !oldest.has(place));
}

/** A value, then the clearing, then the elements: by their tags, values having the lower ones. */
function kindOf({ bytes, contentAt: at }: Place): number {
  const tag = bytes[at] ?? 0;
  return tag < valueTag.cleared ? valueTag.null : tag;
}

function compareNames(a: Place, b: Place): number {
  return compareBytes(a.bytes, a.at + 1, a.nameEnd, b.bytes, b.at + 1, b.nameEnd);
}

function compareKeys(a: Place, b: Place): number {
  const order = compareNames(a, b) || kindOf(a) - kindOf(b);
  if (order !== 0 || kindOf(a) !== valueTag.element) return order;
  // Behind the tag and the byte that says present or removed.
  return compareBytes(a.bytes, a.contentAt + 2, a.end, b.bytes, b.contentAt + 2, b.end);
}

function compareTimes(a: Place, b: Place): number {
  // The length of a rank comes first, so that the greater one is the greater text of bytes.
  return a.timeMs - b.timeMs || compareBytes(a.rank, a.rankAt, a.rankEnd, b.rank, b.rankAt, b.rankEnd);
}

function compareWrites(a: Place, b: Place): number {
  return compareTimes(a, b) || compareBytes(a.bytes, a.contentAt, a.end, b.bytes, b.contentAt, b.end);
}
