import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../foundation/index.ts';
import { describeBulkReads } from './conformance-bulk.ts';
import { describeCounts } from './conformance-counts.ts';
import { describeEdges } from './conformance-edges.ts';
import { events, pack, type Reads, readEverything } from './conformance-graphs.ts';
import { describeLevels } from './conformance-levels.ts';
import { describeLineage } from './conformance-lineage.ts';
import { describePositions } from './conformance-positions.ts';
import { assertProperty, shuffle, split } from './conformance-property.ts';
import { describeQueries } from './conformance-queries.ts';
import { describeReads } from './conformance-reads.ts';
import { describeRules } from './conformance-rules.ts';
import { describeSets } from './conformance-sets.ts';
import { describeSnapshots } from './conformance-snapshot.ts';
import { describeStubs } from './conformance-stubs.ts';
import { advance, propertyTimeoutOf, type StoreHarness, Subject, source } from './conformance-subject.ts';
import { describeSweep } from './conformance-sweep.ts';
import { describeTimeToLive } from './conformance-time-to-live.ts';
import { describeVersions } from './conformance-versions.ts';
import type { GraphStore } from './graph-store.ts';
import { createMemoryStore } from './memory-store.ts';
import type { EventMutations } from './model.ts';

/** The promises of the store port, run on every adapter; a theme a file. */
export function describeGraphStore(name: string, harness: StoreHarness): void {
  describe(`${name} keeps the store's promises`, () => {
    const subject = new Subject(harness);
    describeRules(subject);
    describeReads(subject);
    describeEdges(subject);
    describeSets(subject);
    describeLineage(subject, harness);
    describeTimeToLive(subject, harness);
    describeSweep(subject, harness);
    describeCounts(subject);
    describePositions(subject, harness);
    describeQueries(subject, harness);
    describeBulkReads(subject, harness);
    describeStubs(subject);
    describeLevels(subject, harness);
    describeSnapshots(subject, harness);
    describeVersions(harness);

    it('gives one digest and the same reads for any order, duplicates and split', {
      timeout: propertyTimeoutOf(harness),
    }, async () => {
      const shuffled = fc.record({
        original: events(),
        shuffleSeed: fc.integer(),
        splits: fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 8 }),
      });
      const property = fc.asyncProperty(shuffled, async ({ original, shuffleSeed, splits }) => {
        const reference = await readsAfter(createMemoryStore(systemClock), [original]);
        const other = await harness.open(systemClock);
        try {
          const reads = await readsAfter(
            other,
            split(shuffle([...original, ...original], shuffleSeed), splits),
          );
          expect(reads).toEqual(reference);
        } finally {
          await harness.dispose(other);
        }
      });
      await assertProperty(harness.propertyRuns, property);
    });

    const { reopen } = harness;
    if (reopen !== null) {
      it('finds everything again after a restart', async () => {
        const batch = fc.sample(events(), { numRuns: 5, seed: 7 }).flat();
        await subject.apply(...batch.map((one, i) => ({ ...one, occurrence: BigInt(i) })));
        const before = await readEverything(subject.store);
        const sources = await subject.store.sources();
        const estimate = await subject.store.estimate();
        await subject.restart(reopen);
        expect(await readEverything(subject.store)).toEqual(before);
        expect(await subject.store.sources()).toEqual(sources);
        expect(await subject.store.estimate()).toEqual(estimate);
        await expect(
          subject.store.apply(advance(subject.claim, subject.applied, subject.applied), pack([])),
        ).rejects.toMatchObject({
          code: 'STORE_NOT_CLAIMED',
        });
        expect(await subject.store.claim(source)).toEqual({ epoch: 2, next: BigInt(subject.applied) });
      });
    }
  });
}

async function readsAfter(store: GraphStore, batches: EventMutations[][]): Promise<Reads> {
  const claim = await store.claim(source);
  await Promise.all(batches.map((batch, i) => store.apply(advance(claim, i, i + 1), pack(batch))));
  return await readEverything(store);
}
