import { describe, expect, it } from 'vitest';
import { ann, dark, event, hop, lost, type Subject, watched } from './conformance-subject.ts';
import type { EdgeQuery, EdgeView, Fold } from './graph-store.ts';
import { type EdgeMutation, type Property, setElementsMax } from './model.ts';

/** Edges are sets of occurrences: what reading folds them to, and how keys tell several between two nodes apart. */
export function describeEdges(subject: Subject): void {
  describe('edges', () => describeFolds(subject));
  describe('edges by key', () => describeKeys(subject));
}

const find = (subject: Subject, changes: Partial<EdgeQuery> = {}): Promise<EdgeView | null> =>
  subject.store.edge({
    type: 'WATCHED',
    from: ann,
    to: dark,
    key: null,
    folds: new Map(),
    scanMax: 100,
    ...changes,
  });

function describeFolds(subject: Subject): void {
  it('folds occurrences: first, last, count, newest properties', async () => {
    await subject.apply(
      event(3, [watched(dark, [['a', 3], ['b', 3]])]), // biome-ignore format: one row
      event(9, [watched(dark, [['a', 9]])]),
      event(1, [watched(dark)]),
      event(5, [watched(lost)]),
    );
    expect(
      await subject.store.edge({
        type: 'WATCHED',
        from: ann,
        to: dark,
        key: null,
        folds: new Map(),
        scanMax: 10,
      }),
    ).toEqual({
      type: 'WATCHED',
      from: ann,
      to: dark,
      firstSeenMs: 1,
      lastSeenMs: 9,
      count: 3,
      key: null,
      properties: [['a', 9], ['b', 3]], // biome-ignore format: one row
      lineage: null,
      truncated: false,
    });
    expect(
      await subject.store.edge({
        type: 'WATCHED',
        from: ann,
        to: dark,
        key: null,
        folds: new Map(),
        scanMax: 2,
      }),
    ).toMatchObject({ count: 1, truncated: true });
    expect(
      await subject.store.edge({
        type: 'LIKED',
        from: ann,
        to: dark,
        key: null,
        folds: new Map(),
        scanMax: 10,
      }),
    ).toBeNull();
  });
  it('says that the bound ended the scan when all that was looked at is of this edge', async () => {
    await subject.apply(...[1, 2, 3].map((at) => event(at, [watched(dark)])));
    expect(await find(subject, { scanMax: 2 })).toMatchObject({
      count: 2,
      firstSeenMs: 2,
      truncated: true,
    });
    expect(await find(subject, { scanMax: 3 })).toMatchObject({ count: 3, truncated: false });
  });
  it('counts an event once however often it comes', async () => {
    const same = event(3, [watched(dark)]);
    await subject.apply(same, same);
    await subject.apply(same);
    expect(
      await subject.store.edge({
        type: 'WATCHED',
        from: ann,
        to: dark,
        key: null,
        folds: new Map(),
        scanMax: 10,
      }),
    ).toMatchObject({ count: 1 });
  });
  it.each<[Fold, Property[1][], unknown]>([
    ['last', [1n, null, 3n], 3n],
    ['first', [null, 2n, 3n], null],
    ['min', [5n, null, 3n, 4n], 3n],
    ['max', [5n, null, 3n, 4n], 5n],
    ['max', ['9.90', '10.00'], '10.00'],
    ['max', ['b', 'a'], 'b'],
    ['sum', [2n ** 62n, 2n ** 62n - 1n, null], 2n ** 63n - 1n],
    ['sum', [2n ** 62n, 2n ** 62n], '9223372036854775808'],
    ['sum', ['0.10', '-0.05', '12'], '12.05'],
    ['sum', [1e100, 1, -1e100], 1],
    ['sum', [null, null], null],
    ['set', ['b', null, 'a', 'b'], ['a', 'b']],
    ['set', [5, 5n, 2n ** 60n], [5, 2n ** 60n]],
    ['sum', [2n ** 53n + 1n, 1], 2n ** 53n + 2n],
    ['max', ['-1', '-0.50', '-12'], '-0.50'],
    ['min', ['0.05', '00.1', '0.049'], '0.049'],
    ['max', ['9'.repeat(2000), '10'], '9'.repeat(2000)],
  ])('folds a property by `%s` (case %#)', async (fold, values, expected) => {
    const changes = values.map((value, i) => event(i + 1, [watched(dark, [['p', value]])]));
    await subject.apply(...changes.toReversed(), ...changes);
    const edge = await find(subject, { folds: new Map([['p', fold]]) });
    expect(edge?.properties).toEqual([['p', expected]]);
  });
  it('gathers a bounded number of values, and says so', async () => {
    const values = Array.from({ length: setElementsMax + 1 }, (_, i) =>
      event(i, [watched(dark, [['p', i]])]),
    );
    await subject.apply(...values);
    const edge = await find(subject, { folds: new Map([['p', 'set']]), scanMax: 5_000 });
    expect(edge).toMatchObject({ count: setElementsMax + 1, truncated: true });
    expect(edge?.properties[0]?.[1]).toHaveLength(setElementsMax);
  });
  it.each<[string, Property[1][]]>([
    ['beyond the doubles', [1e308, 1e308]],
    ['of a decimal of 65,000 digits', ['1'.repeat(65_000)]],
  ])('refuses a sum %s', async (_what, values) => {
    await subject.apply(...values.map((value, i) => event(i, [watched(dark, [['p', value]])])));
    await expect(find(subject, { folds: new Map([['p', 'sum']]) })).rejects.toMatchObject({
      code: 'FOLD_INVALID',
    });
  });
  it('refuses the sum of what is no number', async () => {
    await subject.apply(event(1, [watched(dark, [['p', 'x']])]));
    await expect(find(subject, { folds: new Map([['p', 'sum']]) })).rejects.toMatchObject({
      code: 'FOLD_INVALID',
    });
  });
}

function describeKeys(subject: Subject): void {
  const session = (key: string, properties: Property[] = []): EdgeMutation => ({
    ...watched(dark, properties),
    key,
  });

  it('keeps edges of one type between two nodes apart by their keys', async () => {
    await subject.apply(
      event(1, [session('a', [['n', 1n]]), session('b', [['n', 2n]])]),
      event(2, [session('a')]),
    );
    expect(await find(subject, { key: 'a' })).toMatchObject({ key: 'a', count: 2, properties: [['n', 1n]] });
    expect(await find(subject, { key: 'b' })).toMatchObject({ key: 'b', count: 1, lastSeenMs: 1 });
    expect(await find(subject, { key: 'ab' })).toBeNull();
    expect(await find(subject)).toMatchObject({ key: null, count: 3 });
    const page = await subject.store.adjacency(hop(dark, 'in'));
    expect(page.occurrences.map(({ key, timeMs }) => [key, timeMs])).toEqual([['a', 2], ['a', 1], ['b', 1]]); // biome-ignore format: one row
  });
  it('deletes the edge of one key alone', async () => {
    const { properties: _, ...edge } = session('a');
    await subject.apply(event(1, [session('a'), session('aa'), watched(dark)]));
    await subject.apply(event(1, [{ ...edge, kind: 'edge-delete' }]));
    expect(await find(subject, { key: 'a' })).toBeNull();
    expect(await find(subject)).toMatchObject({ count: 2 });
    await subject.apply(event(2, [{ kind: 'edge-delete', type: 'WATCHED', from: ann, to: dark }]));
    expect((await subject.store.adjacency(hop(ann, 'out'))).occurrences.map(({ key }) => key)).toEqual([
      'aa',
    ]);
  });
  it('takes any text for a key', async () => {
    const keys = ['é\0n', '\0', '__proto__', 'x'.repeat(255)];
    await subject.apply(
      event(
        1,
        keys.map((key) => session(key)),
      ),
    );
    const { occurrences } = await subject.store.adjacency(hop(ann, 'out'));
    expect(new Set(occurrences.map(({ key }) => key))).toEqual(new Set(keys));
    for (const key of keys) expect(await find(subject, { key })).toMatchObject({ count: 1 });
    expect(
      await subject.store.edge({
        type: 'WATCHED',
        from: ann,
        to: lost,
        key: '\0',
        folds: new Map(),
        scanMax: 9,
      }),
    ).toBeNull();
  });
}
