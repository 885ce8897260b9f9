import { describe, expect, it } from 'vitest';
import { pack } from './conformance-graphs.ts';
import {
  advance,
  ann,
  event,
  journeyOf,
  named,
  nameOf,
  type StoreHarness,
  type Subject,
  source,
  step,
} from './conformance-subject.ts';
import type { GraphStore } from './graph-store.ts';

/** Claims, fences, positions and fates, and the end of a store. */
export function describePositions(subject: Subject, { guarantee = 'atomic' }: StoreHarness): void {
  describe('positions', () => describeClaims(subject, guarantee));
  describe('closing', () => describeClosing(subject));
}

function describeClaims(subject: Subject, guarantee: GraphStore['guarantee']): void {
  /** What a fenced batch brings: a store that writes mutation by mutation may have written it before it asked. */
  const zombie = guarantee === 'atomic' ? [event(1, [named('zombie')])] : [];

  it('answers a first claim with epoch 1 and no position, and each later one with more', async () => {
    expect(subject.claim).toEqual({ epoch: 1, next: null });
    await subject.apply(event(1, [named('x')]));
    expect(await subject.store.claim(source)).toEqual({ epoch: 2, next: 1n });
  });
  it('fences an older epoch and changes nothing', async () => {
    const newer = await subject.store.claim(source);
    const before = (await subject.store.digest()).hex;
    const late = subject.store.apply(advance(subject.claim, 0, 1), pack(zombie));
    await expect(late).rejects.toMatchObject({ code: 'FENCED', reaction: 'fenced' });
    expect((await subject.store.digest()).hex).toBe(before);
    await subject.store.apply(advance(newer, 0, 1), pack([]));
    expect((await subject.store.sources())[0]).toMatchObject({ next: 1n, epoch: 2 });
  });
  it('fences what begins below the position, and takes holes', async () => {
    await subject.store.apply(advance(subject.claim, 0, 10), pack([]));
    const back = subject.store.apply(advance(subject.claim, 9, 11), pack(zombie));
    await expect(back).rejects.toMatchObject({ code: 'FENCED' });
    await subject.store.apply(advance(subject.claim, 20, 30), pack([]));
    expect((await subject.store.sources())[0]).toMatchObject({ next: 30n });
    expect(await subject.store.node(ann)).toBeNull();
  });
  it('refuses a batch of a partition that nobody claimed', async () => {
    const unclaimed = { ...advance(subject.claim, 0, 1), source: { ...source, partition: 7 } };
    await expect(subject.store.apply(unclaimed, pack([]))).rejects.toMatchObject({
      code: 'STORE_NOT_CLAIMED',
    });
    expect(await subject.store.sources()).toHaveLength(1);
  });
  it('applies batches in call order though nobody waits between them', async () => {
    const results = Array.from({ length: 20 }, (_, i) =>
      subject.store.apply(advance(subject.claim, i, i + 1), pack([event(i, [named(`n${i}`), step('d')])])),
    );
    await Promise.all(results);
    expect(await nameOf(subject.store)).toEqual([['n19', 19]]);
    expect((await subject.store.journey(journeyOf(ann))).steps).toHaveLength(20);
  });
  it('adds fates up and keeps the greatest event time', async () => {
    const fates = { consumed: 10, applied: 4, superseded: 3, filtered: 2, deadLettered: 1 };
    await subject.store.apply(advance(subject.claim, 0, 10, { fates, newestEventMs: 99 }), pack([]));
    await subject.store.apply(advance(subject.claim, 10, 20, { fates, newestEventMs: 50 }), pack([]));
    expect(await subject.store.sources()).toEqual([
      {
        source,
        epoch: 1,
        next: 20n,
        fates: { consumed: 20, applied: 8, superseded: 6, filtered: 4, deadLettered: 2 },
        newestEventMs: 99,
      },
    ]);
  });
  it('starts a recreated topic from its own beginning', async () => {
    await subject.store.apply(advance(subject.claim, 0, 10), pack([]));
    const recreated = { ...source, topicId: 'life-2' };
    expect(await subject.store.claim(recreated)).toEqual({ epoch: 1, next: null });
    expect((await subject.store.sources()).map(({ next }) => next)).toEqual([10n, 0n]);
  });
}

function describeClosing(subject: Subject): void {
  it('can be closed twice, and says afterwards that it is closed', async () => {
    await subject.store.close();
    await subject.store.close();
    await expect(subject.store.node(ann)).rejects.toMatchObject({ reaction: 'outage' });
    await expect(subject.store.claim(source)).rejects.toMatchObject({ reaction: 'outage' });
  });
}
