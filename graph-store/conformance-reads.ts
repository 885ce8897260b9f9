import { describe, expect, it } from 'vitest';
import {
  ann,
  dark,
  event,
  hop,
  journeyOf,
  lost,
  type Subject,
  step,
  watched,
} from './conformance-subject.ts';
import type { AdjacencyQuery, JourneyQuery } from './graph-store.ts';
import type { EventMutations } from './model.ts';

/** Pages of reads: order, bounds, cursors, and what they say they left out. */
export function describeReads(subject: Subject): void {
  describe('hops', () => describeHops(subject));
  describe('journeys', () => describeJourneys(subject));
  describe('estimates', () => describeEstimates(subject));
}

function describeHops(subject: Subject): void {
  it('lists occurrences newest first within time bounds, and says when it stopped looking', async () => {
    for (let timeMs = 1; timeMs <= 6; timeMs += 1) await subject.apply(event(timeMs, [watched(dark)]));
    const times = async (changes: Partial<AdjacencyQuery>): Promise<unknown> => {
      const page = await subject.store.adjacency(hop(ann, 'out', changes));
      return [page.occurrences.map(({ timeMs }) => timeMs), page.scanned, page.truncated];
    };
    expect(await times({})).toEqual([[6, 5, 4, 3, 2, 1], 6, false]);
    expect(await times({ sinceMs: 2, untilMs: 5 })).toEqual([[4, 3, 2], 3, false]);
    expect(await times({ limit: 2 })).toEqual([[6, 5], 2, false]);
    expect(await times({ scanMax: 4 })).toEqual([[6, 5, 4, 3], 4, true]);
    expect(await times({ sinceMs: 5, untilMs: 5 })).toEqual([[], 0, false]);
    expect(await times({ type: 'WATCHE' })).toEqual([[], 0, false]);
  });
  it('leaves properties and lineage out of a hop that asks for the ends only', async () => {
    const lineage = { offset: 7n, origin: { schemaId: 1, subject: 'plays-value', version: 1 } };
    await subject.apply({ ...event(1, [watched(dark, [['seconds', 5n]])]), lineage });
    const [all, ends] = await subject.store.adjacencies([
      hop(ann, 'out'),
      hop(ann, 'out', { endsOnly: true }),
    ]);
    expect(all?.occurrences).toMatchObject([{ properties: [['seconds', 5n]], lineage: { offset: 7n } }]);
    expect(ends).toEqual({
      ...all,
      occurrences: all?.occurrences.map((one) => ({ ...one, properties: [], lineage: null })),
    });
  });
  it('goes on behind runs of hidden rows, for each of many nodes asked at once', async () => {
    const titles = Array.from({ length: 40 }, (_, i) => ({ type: 'Title', id: `t${i}` }));
    const hidden = { type: 'Title', id: 'hidden' };
    await subject.apply(...titles.map((title, i) => event(i + 1, [watched(title)])));
    await subject.apply(...Array.from({ length: 300 }, (_, i) => event(100 + i, [watched(hidden)])));
    await subject.apply(event(1_000, [{ kind: 'node-delete', node: hidden }]));
    const asked = [
      hop(ann, 'out', { limit: 3 }),
      hop(ann, 'out', { limit: 40, scanMax: 310 }),
      hop(ann, 'out', { limit: 3, scanMax: 300 }),
      ...titles.map((title) => hop(title, 'in', { limit: 2 })),
    ];
    const [few, bounded, none, ...rest] = await subject.store.adjacencies(asked);
    expect(few).toMatchObject({ scanned: 303, truncated: false });
    expect(few?.occurrences.map(({ timeMs }) => timeMs)).toEqual([40, 39, 38]);
    expect(bounded).toMatchObject({ scanned: 310, truncated: true });
    expect(bounded?.occurrences).toHaveLength(10);
    expect(none).toMatchObject({ occurrences: [], scanned: 300, truncated: true });
    expect(rest.map((page) => page.occurrences.map(({ timeMs }) => timeMs))).toEqual(
      titles.map((_, i) => [i + 1]),
    );
  });
  it('ends reads of many nodes with the reason for which they were aborted', async () => {
    const signal = AbortSignal.abort(new Error('nobody waits any more'));
    const hops = subject.store.adjacencies([hop(ann, 'out')], signal);
    await expect(hops).rejects.toThrow('nobody waits any more');
    await expect(subject.store.nodes([ann], signal)).rejects.toThrow('nobody waits any more');
  });
  it('goes on after a place, also among the edges of one event, while newer ones come', async () => {
    const pair = event(3, [watched(dark), watched(lost), { ...watched(lost), key: 'k' }]);
    await subject.apply(event(1, [watched(dark)]), pair);
    const seen: unknown[] = [];
    let after: AdjacencyQuery['after'] = null;
    for (let pages = 0; pages < 6; pages += 1) {
      const page = await subject.store.adjacency(hop(ann, 'out', { limit: 1, after }));
      seen.push(...page.occurrences.map(({ timeMs, to, key }) => [timeMs, to.id, key]));
      after = page.last ?? after;
      await subject.apply(event(9, [watched(dark)]));
    }
    expect(seen).toEqual([[3, 'dark', null], [3, 'lost', null], [3, 'lost', 'k'], [1, 'dark', null]]); // biome-ignore format: one row
  });
  it('says where it looked last, also when all that it saw is hidden', async () => {
    for (let timeMs = 1; timeMs <= 4; timeMs += 1) await subject.apply(event(timeMs, [watched(timeMs < 2 ? dark : lost)])); // biome-ignore format: one row
    await subject.apply(event(5, [{ kind: 'node-delete', node: lost }]));
    const first = await subject.store.adjacency(hop(ann, 'out', { scanMax: 2 }));
    expect(first).toMatchObject({ occurrences: [], truncated: true, last: { timeMs: 3, far: lost } });
    const rest = await subject.store.adjacency(hop(ann, 'out', { after: first.last }));
    expect(rest).toMatchObject({ occurrences: [{ timeMs: 1 }], scanned: 2, truncated: false });
  });
}

function describeJourneys(subject: Subject): void {
  const order = ['oldest-first', 'newest-first'] as const;

  it.each(order)('pages %s through steps of one time without losing or repeating any', async (way) => {
    const batch = [1, 2, 2, 2, 2, 3, 3, 7].map((timeMs, i) => event(timeMs, [step(`d${i % 2}`)]));
    await subject.apply(...batch.toReversed());
    const oldest = batch.map(({ timeMs, occurrence }) => ({ timeMs, occurrence }));
    const expected = way === 'oldest-first' ? oldest : oldest.toReversed();
    const seen: unknown[] = [];
    let query = journeyOf(ann, { order: way, limit: 3 });
    for (let pages = 0; pages < 10; pages += 1) {
      const page = await subject.store.journey(query);
      seen.push(...page.steps.map(({ timeMs, occurrence }) => ({ timeMs, occurrence })));
      if (!page.more) break;
      query = { ...query, after: page.last };
    }
    expect(seen).toEqual(expected);
  });
  it.each(order)('stops at scanMax, %s, and goes on from where it looked', async (way) => {
    for (let timeMs = 1; timeMs <= 9; timeMs += 1)
      await subject.apply(event(timeMs, [step(timeMs === 5 ? 'rare' : 'often')]));
    const query = journeyOf(ann, { order: way, domains: ['rare'], limit: 1, scanMax: 3 });
    const first = await subject.store.journey(query);
    expect(first).toMatchObject({ steps: [], scanned: 3, more: true, truncated: true });
    const second = await subject.store.journey({ ...query, after: first.last });
    expect(second).toMatchObject({ scanned: 2, more: true, truncated: false });
    expect(second.steps.map(({ timeMs }) => timeMs)).toEqual([5]);
    const rest = await subject.store.journey({ ...query, after: second.last, scanMax: 100 });
    expect(rest).toMatchObject({ steps: [], scanned: 4, more: false, truncated: false });
  });
  it.each(order)('ends a page with the step that fills it, %s, and goes on after it', async (way) => {
    const large = { ...step('d'), properties: [['text', 'x'.repeat(1000)]] } as const;
    for (let timeMs = 1; timeMs <= 5; timeMs += 1)
      await subject.apply(event(timeMs, [timeMs === 3 ? step('other') : large]));
    const query = journeyOf(ann, { order: way, domains: ['d'], bytesMax: 1500 });
    const first = await subject.store.journey(query);
    expect(first).toMatchObject({ steps: [{}, {}], scanned: 2, more: true, truncated: true });
    const rest = await subject.store.journey({ ...query, after: first.last });
    expect(rest).toMatchObject({ steps: [{}, {}], scanned: 3, more: false, truncated: false });
    const tiny = await subject.store.journey({ ...query, bytesMax: 1 });
    expect(tiny).toMatchObject({ steps: [{}], more: true, truncated: true });
  });
  it('keeps to its time bounds, the cursor outside them included', async () => {
    for (let timeMs = 1; timeMs <= 6; timeMs += 1) await subject.apply(event(timeMs, [step('d')]));
    const times = async (changes: Partial<JourneyQuery>): Promise<unknown> =>
      (await subject.store.journey(journeyOf(ann, changes))).steps.map(({ timeMs }) => timeMs);
    const bounds = { sinceMs: 2, untilMs: 5 };
    const from = (timeMs: number): Partial<JourneyQuery> => ({
      ...bounds,
      after: { timeMs, occurrence: 0n },
    });
    expect(await times(bounds)).toEqual([4, 3, 2]);
    expect(await times(from(6))).toEqual([4, 3, 2]);
    expect(await times(from(1))).toEqual([]);
    expect(await times({ ...from(0), order: 'oldest-first' })).toEqual([2, 3, 4]);
    expect(await times({ ...from(6), order: 'oldest-first' })).toEqual([]);
  });
  it('keeps the journeys of owners apart whose ids begin alike', async () => {
    await subject.apply(event(1, [step('d')]), event(1, [{ ...step('d'), owner: { type: 'Account', id: 'ann2' } }])); // biome-ignore format: one row
    expect((await subject.store.journey(journeyOf(ann))).steps).toHaveLength(1);
    expect((await subject.store.journey(journeyOf({ type: 'Accoun', id: 'ann' }))).last).toBeNull();
  });
}

function describeEstimates(subject: Subject): void {
  it('estimates distinct nodes and edges, duplicates aside', async () => {
    const some = (): EventMutations[] =>
      Array.from({ length: 500 }, (_, i) => event(i, [watched({ type: 'Title', id: `t${i}` })]));
    await subject.apply(...some());
    await subject.apply(...some());
    const { nodes, edges, relativeError } = await subject.store.estimate();
    expect(Math.abs(nodes - 501)).toBeLessThanOrEqual(501 * 4 * relativeError);
    expect(Math.abs(edges - 500)).toBeLessThanOrEqual(500 * 4 * relativeError);
  });
}
