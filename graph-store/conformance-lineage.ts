import { describe, expect, it } from 'vitest';
import { pack } from './conformance-graphs.ts';
import { advance, ann, dark, event, hop, journeyOf, named, type StoreHarness, type Subject, step, watched } from './conformance-subject.ts'; // biome-ignore format: one row
import type { Lineage } from './graph-store.ts';
import type { EventMutations, EventOrigin } from './model.ts';

const first: EventOrigin = { schemaId: 7, subject: 'plays-value', version: 1 };
const second: EventOrigin = { schemaId: -1, subject: 'plays-value.graph', version: 2 };

/** Which record wrote something last. */
export function describeLineage(subject: Subject, { reopen }: StoreHarness): void {
  const from = (one: EventMutations, offset: bigint, origin = first): EventMutations => ({
    ...one,
    lineage: { offset, origin },
  });
  const found = (offset: bigint, { schemaId, subject: name, version }: EventOrigin): Lineage => ({
    topic: 'plays',
    partition: 0,
    offset,
    schemaId,
    mapping: { subject: name, version },
  });

  describe('lineage', () => {
    it('says of nodes, steps and occurrences which record wrote them last', async () => {
      await subject.apply(from(event(1, [named('a'), step('d'), watched(dark)]), 2n ** 62n, second));
      const { store } = subject;
      const lineage = found(2n ** 62n, second);
      expect((await store.node(ann))?.lineage).toEqual(lineage);
      expect((await store.journey(journeyOf(ann))).steps[0]?.lineage).toEqual(lineage);
      for (const page of [await store.adjacency(hop(ann, 'out')), await store.adjacency(hop(dark, 'in'))]) {
        expect(page.occurrences[0]?.lineage).toEqual(lineage);
      }
      expect(await store.edge({ type: 'WATCHED', from: ann, to: dark, key: null, folds: new Map(), scanMax: 9 })).toMatchObject({ lineage }); // biome-ignore format: one row
    });
    it('goes by the last write that changed a node', async () => {
      await subject.apply(from(event(5, [named('new')]), 0n), from(event(3, [named('old')]), 127n, second));
      expect((await subject.store.node(ann))?.lineage).toEqual(found(0n, first));
      await subject.apply(from(event(6, [named('newer')]), 128n, second));
      expect((await subject.store.node(ann))?.lineage).toEqual(found(128n, second));
    });
    it('goes by the newest step or edge of a node without properties', async () => {
      await subject.apply(
        from(event(5, [watched(dark)]), 300n),
        from(event(4, [{ ...watched(dark), type: 'LIKED' }]), 301n, second),
      );
      expect((await subject.store.node(dark))?.lineage).toEqual(found(300n, first));
    });
    it('is null when the writer could not say', async () => {
      await subject.apply(event(1, [named('a')]));
      expect((await subject.store.node(ann))?.lineage).toBeNull();
    });
    it('is no part of the digest', async () => {
      const one = event(1, [named('a'), watched(dark), step('d')]);
      await subject.apply(from(one, 1n));
      const digest = (await subject.store.digest()).hex;
      await subject.apply(from(one, 99n, second));
      expect((await subject.store.digest()).hex).toBe(digest);
      expect((await subject.store.adjacency(hop(ann, 'out'))).occurrences[0]?.lineage?.offset).toBe(99n);
    });
    it('names the partition of each batch', async () => {
      const other = { cluster: 'c1', topic: 'games', topicId: 'life-2', partition: 300 };
      const claim = await subject.store.claim(other);
      await subject.store.apply(
        advance(claim, 0, 1, { source: other }),
        pack([from(event(1, [named('a')]), 5n)]),
      );
      expect((await subject.store.node(ann))?.lineage).toMatchObject({
        topic: 'games',
        partition: 300,
        offset: 5n,
      });
    });
    if (reopen !== null) {
      it('is found again after a restart, and goes on', async () => {
        await subject.apply(from(event(1, [named('a')]), 1n), from(event(1, [watched(dark)]), 2n, second));
        await subject.restart(reopen);
        expect((await subject.store.node(ann))?.lineage).toEqual(found(1n, first));
        const claim = await subject.store.claim(other('life-3'));
        await subject.store.apply(
          advance(claim, 0, 1, { source: other('life-3') }),
          pack([from(event(2, [named('b')]), 3n, { ...first, version: 9 })]),
        );
        expect((await subject.store.node(ann))?.lineage).toMatchObject({
          mapping: { version: 9 },
          offset: 3n,
        });
        expect((await subject.store.node(dark))?.lineage).toEqual(found(2n, second));
      });
    }
  });
}

const other = (topicId: string) => ({ cluster: 'c1', topic: 'plays', topicId, partition: 0 });
