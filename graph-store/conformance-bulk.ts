import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../foundation/index.ts';
import type { FarEndsQuery } from './bulk-reads.ts';
import { edgeTypes, events, nodes, pack } from './conformance-graphs.ts';
import { assertProperty } from './conformance-property.ts';
import { advance, ann, dark, event, lost, named, propertyTimeoutOf, type StoreHarness, type Subject, source, watched } from './conformance-subject.ts'; // biome-ignore format: one row
import type { GraphStore, OccurrenceView } from './graph-store.ts';

const pagesMax = 200;

/** Reads over many nodes tell what single reads tell, page by page. */
export function describeBulkReads(subject: Subject, harness: StoreHarness): void {
  describe('reads over many nodes', () => {
    it('tell what single reads tell, whatever the graph and the size of a page', {
      timeout: propertyTimeoutOf(harness),
    }, async () => {
      const asked = fc.record({
        of: fc.constantFrom(...nodes),
        type: fc.constantFrom(...edgeTypes),
        direction: fc.constantFrom('out' as const, 'in' as const),
        farType: fc.constantFrom(...new Set(nodes.map(({ type }) => type))),
        sinceMs: fc.integer({ min: 0, max: 5 }),
        untilMs: fc.oneof(fc.integer({ min: 0, max: 8 }), fc.constant(Number.MAX_SAFE_INTEGER)),
        scanMax: fc.integer({ min: 1, max: 4 }),
        keepsSome: fc.boolean(),
      });
      const property = fc.asyncProperty(
        events(),
        fc.array(asked, { minLength: 1, maxLength: 8 }),
        async (list, queries) => {
          const store = await harness.open(systemClock);
          try {
            await store.apply(advance(await store.claim(source), 0, 1), pack(list));
            await compareScans(store);
            for (const { keepsSome, ...query } of queries)
              await compareEnds(store, { ...query, after: null, keep: keepsSome ? hasProperty : null });
          } finally {
            await harness.dispose(store);
          }
        },
      );
      await assertProperty(harness.propertyRuns, property);
    });

    it('leave out what a delete or a time to live hides', async () => {
      const ends = async (): Promise<readonly string[]> => await everyEnd(subject.store, endsOfAnn);
      await subject.apply(event(3, [watched(dark), watched(lost)]), event(9, [watched(lost)]));
      expect(await ends()).toEqual(['lost', 'dark', 'lost']);
      await subject.apply(event(4, [{ kind: 'edge-delete', type: 'WATCHED', from: ann, to: lost }]));
      expect(await ends()).toEqual(['lost', 'dark']);
      await subject.apply(event(5, [{ kind: 'node-delete', node: dark }]));
      expect(await ends()).toEqual(['lost']);
      await subject.store.setTimeToLive({ nodes: {}, edges: { WATCHED: 10 } });
      subject.nowMs = 30;
      expect(await ends()).toEqual([]);
    });

    it('know nodes that have properties, and answer null for what is gone', async () => {
      await subject.apply(event(3, [named('Ann'), watched(dark)]));
      expect((await subject.store.bulk.scan({ type: 'Account', after: null, limit: 10 })).ids).toEqual([
        'ann',
      ]);
      const stubs = await subject.store.bulk.scan({ type: 'Title', after: null, limit: 10 });
      expect(stubs).toMatchObject({ ids: [], next: null });
      const read = async (): Promise<unknown> =>
        await subject.store.bulk.properties({ type: 'Account', ids: ['ann', 'nobody'], names: ['name'] });
      expect(await read()).toEqual([[{ name: 'name', value: 'Ann', timeMs: 3 }], null]);
      await subject.apply(event(4, [{ kind: 'node-delete', node: ann }]));
      expect(await read()).toEqual([null, null]);
    });
  });
}

const endsOfAnn: FarEndsQuery = {
  of: ann,
  type: 'WATCHED',
  direction: 'out',
  farType: 'Title',
  sinceMs: 0,
  untilMs: Number.MAX_SAFE_INTEGER,
  after: null,
  scanMax: 2,
  keep: null,
};

const hasProperty: NonNullable<FarEndsQuery['keep']> = (properties) => properties.length > 0;

/** A page after another to the end; each looks at no more rows than it may. */
async function everyEnd(store: GraphStore, first: FarEndsQuery): Promise<readonly string[]> {
  const ids: string[] = [];
  let query = first;
  for (let pages = 0; pages < pagesMax; pages += 1) {
    const page = await store.bulk.farEnds(query);
    expect(page.scanned).toBeLessThanOrEqual(query.scanMax);
    ids.push(...page.ids);
    if (page.next === null) return ids;
    query = { ...query, after: page.next };
  }
  throw new Error(`the ends have no end after ${pagesMax} pages`);
}

async function compareEnds(store: GraphStore, query: FarEndsQuery): Promise<void> {
  const { keep, after: _, farType, ...hop } = query;
  const { occurrences } = await store.adjacency({ ...hop, limit: 10_000, scanMax: 10_000 });
  const end = (view: OccurrenceView) => (query.direction === 'out' ? view.to : view.from);
  const expected = occurrences.filter(
    (view) => end(view).type === farType && (keep?.(view.properties) ?? true),
  );
  expect(await everyEnd(store, query)).toEqual(expected.map((view) => end(view).id));
}

async function compareScans(store: GraphStore): Promise<void> {
  const names = ['p', 's', '__proto__'];
  for (const type of new Set(nodes.map((node) => node.type))) {
    const ids: string[] = [];
    let after: Uint8Array | null = null;
    let share = 0;
    for (let pages = 0; pages < pagesMax; pages += 1) {
      const page: Awaited<ReturnType<GraphStore['bulk']['scan']>> = await store.bulk.scan({
        type,
        after,
        limit: 1,
      });
      ids.push(...page.ids);
      expect(page.share ?? 1).toBeGreaterThanOrEqual(share);
      share = page.share ?? 1;
      after = page.next;
      if (after === null) break;
    }
    expect(after).toBeNull();
    expect(new Set(ids).size).toBe(ids.length);
    const single = await Promise.all(nodes.map((ref) => store.node(ref)));
    const described = single.filter((view) => view?.node.type === type && view.properties.length > 0);
    expect(ids).toEqual(expect.arrayContaining(described.map((view) => view?.node.id)));
    const all = nodes.filter((node) => node.type === type);
    const properties = await store.bulk.properties({ type, ids: all.map(({ id }) => id), names });
    const views = await Promise.all(all.map((ref) => store.node(ref)));
    expect(properties).toEqual(
      views.map((view) =>
        view === null ? null : view.properties.filter(({ name }) => names.includes(name)),
      ),
    );
  }
}
