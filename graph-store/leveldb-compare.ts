import { differenceOf } from './difference-text.ts';
import type { CompareEvent } from './graph-difference.ts';
import type { LevelGraphSide, SideRow } from './leveldb-graph-side.ts';
import { RangeDigests, rangeCount } from './range-digests.ts';

/**
 * Compares two graphs: both are read once for a digest of each range of keys, and where those differ, row by row. Ends with the difference that is one too
 * many. The verdict comes last.
 */
export async function* compareGraphs(
  live: LevelGraphSide,
  other: LevelGraphSide,
  differencesMax: number,
): AsyncGenerator<CompareEvent> {
  const ofLive = await RangeDigests.create();
  const ofOther = await RangeDigests.create();
  let read = 0;
  for (const [side, digests] of [
    [live, ofLive],
    [other, ofOther],
  ] as const) {
    for await (const rows of side.digest(digests)) {
      read += rows;
      yield { kind: 'progress', rows: read };
    }
  }
  const ranges = ofLive.differing(ofOther);
  let rowsCompared = 0;
  let differences = 0;
  let hasMore = false;
  search: for (const range of ranges) {
    for await (const [key, mine, theirs] of joined(live.rows(range), other.rows(range))) {
      rowsCompared += (mine === null ? 0 : 1) + (theirs === null ? 0 : 1);
      if (mine !== null && theirs?.logical.equals(mine.logical) === true) continue;
      hasMore = differences >= differencesMax;
      if (hasMore) break search;
      differences += 1;
      const rows = [mine && live.rowOf(mine), theirs && other.rowOf(theirs)] as const;
      yield { kind: 'difference', difference: differenceOf(key, ...rows) };
    }
  }
  yield {
    kind: 'verdict',
    verdict: {
      isEqual: ranges.length === 0,
      live: await live.about(ofLive),
      other: await other.about(ofOther),
      ranges: rangeCount,
      rangesDiffering: ranges.length,
      ...{ rowsCompared, differences, hasMore },
    },
  };
}

type Joined = readonly [key: Buffer, live: SideRow | null, other: SideRow | null];

/** Both in the order of their keys, side by side. */
async function* joined(
  live: AsyncGenerator<SideRow>,
  other: AsyncGenerator<SideRow>,
): AsyncGenerator<Joined> {
  let mine = await live.next();
  let theirs = await other.next();
  while (mine.done !== true || theirs.done !== true) {
    const order =
      mine.done === true ? 1 : theirs.done === true ? -1 : mine.value.key.compare(theirs.value.key);
    const ofLive = order <= 0 && mine.done !== true ? mine.value : null;
    const ofOther = order >= 0 && theirs.done !== true ? theirs.value : null;
    const key = ofLive?.key ?? ofOther?.key;
    if (key !== undefined) yield [key, ofLive, ofOther];
    if (ofLive !== null) mine = await live.next();
    if (ofOther !== null) theirs = await other.next();
  }
}
