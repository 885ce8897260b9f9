import { describe, expect, it } from 'vitest';
import { must } from '../foundation/index.ts';
import { pack } from './conformance-graphs.ts';
import {
  advance,
  ann,
  dark,
  event,
  hop,
  journeyOf,
  lost,
  named,
  nameOf,
  type Subject,
  step,
  watched,
} from './conformance-subject.ts';
import type { Mutation, Property } from './model.ts';

/** The rules of `model.ts`: how changes combine, whatever order they come in. */
export function describeRules(subject: Subject): void {
  describe('nodes', () => describeNodes(subject));
  describe('tombstones', () => describeTombstones(subject));
}

function describeNodes(subject: Subject): void {
  it('does not know a node that nothing mentioned', async () => {
    expect(await subject.store.node(ann)).toBeNull();
  });
  it('lets the newest write win whatever order writes arrive in', async () => {
    await subject.apply(event(20, [named('new')]), event(10, [named('old')]));
    await subject.apply(event(15, [named('middle')]));
    expect(await nameOf(subject.store)).toEqual([['new', 20]]);
  });
  it('breaks a tie of time by rank and a tie of rank by content', async () => {
    await subject.apply(event(5, [named('z')], 1), event(5, [named('a')], 2), event(5, [named('z')], 0));
    expect(await nameOf(subject.store)).toEqual([['a', 5]]);
    await subject.apply(event(5, [named('b')], 2), event(5, [named('a')], 2));
    expect(await nameOf(subject.store)).toEqual([['b', 5]]);
  });
  it('keeps registers apart and sorts them by name', async () => {
    await subject.apply(event(1, [{ kind: 'node', node: ann, properties: [['b', 1], ['a', 1]] }])); // biome-ignore format: one row
    await subject.apply(event(2, [{ kind: 'node', node: ann, properties: [['c', 2], ['b', 2]] }])); // biome-ignore format: one row
    const node = must(await subject.store.node(ann), 'the node exists');
    expect(node.properties).toEqual([
      { name: 'a', value: 1, timeMs: 1 },
      { name: 'b', value: 2, timeMs: 2 },
      { name: 'c', value: 2, timeMs: 2 },
    ]);
  });
  it('gives every kind of value back as it was', async () => {
    const properties: Property[] = [
      ['big', 2n ** 63n - 1n],
      ['empty', ''],
      ['false', false],
      ['long', 'ü'.repeat(5000)],
      ['negative', -(2n ** 63n)],
      ['null', null],
      ['number', -1.5e300],
      ['true', true],
      ['zero', 0],
    ];
    await subject.apply(
      event(1, [
        { kind: 'node', node: ann, properties },
        { ...watched(dark), properties },
        step('x'),
      ]),
    ); // biome-ignore format: one row
    const node = must(await subject.store.node(ann), 'the node exists');
    expect(node.properties.map(({ name: key, value }) => [key, value])).toEqual(properties);
    const page = await subject.store.adjacency(hop(dark, 'in'));
    expect(page.occurrences.map((found) => found.properties)).toEqual([properties]);
  });
  it('counts the writes that changed nothing', async () => {
    const first = event(5, [named('x')]);
    expect(await subject.store.apply(advance(subject.claim, 0, 1), pack([first]))).toEqual({
      nodeWrites: 1,
      nodeWritesSuppressed: 0,
      nodeWritesCoalesced: 0,
    });
    const again = pack([first, event(4, [named('y')])]);
    expect(await subject.store.apply(advance(subject.claim, 1, 3), again)).toEqual({
      nodeWrites: 0,
      nodeWritesSuppressed: 2,
      nodeWritesCoalesced: 0,
    });
  });
  it('knows a node from its edges alone, without properties', async () => {
    await subject.apply(event(1, [watched(dark)]));
    expect(await subject.store.node(dark)).toEqual({ node: dark, properties: [], lineage: null });
  });
  it.each(['__proto__', 'constructor', '🎬🍿', 'x'.repeat(1024), ' ', '>', 'a/b\u0001\uffff'])(
    'takes the hostile id %j as any other',
    async (id) => {
      const hostile = { type: 'Account', id };
      const owned: Mutation = {
        kind: 'step',
        owner: hostile,
        domain: 'd',
        action: 'a',
        links: [],
        properties: [['__proto__', 'p']],
      };
      const edge: Mutation = {
        kind: 'edge',
        type: 'WATCHED',
        from: hostile,
        to: hostile,
        properties: [],
      };
      const node: Mutation = { kind: 'node', node: hostile, properties: [['constructor', 'c']] };
      await subject.apply(event(1, [owned, edge, node]));
      expect((await subject.store.node(hostile))?.properties[0]).toMatchObject({
        name: 'constructor',
        value: 'c',
      });
      expect((await subject.store.journey(journeyOf(hostile))).steps[0]?.properties).toEqual([
        ['__proto__', 'p'],
      ]);
      expect((await subject.store.adjacency(hop(hostile, 'in'))).occurrences[0]?.from).toEqual(hostile);
      expect(await subject.store.node({ type: 'Account', id: `${id.slice(0, 1000)}2` })).toBeNull();
    },
  );
}

function describeTombstones(subject: Subject): void {
  const deletion: Mutation = { kind: 'node-delete', node: ann };
  const unwatched: Mutation = { kind: 'edge-delete', type: 'WATCHED', from: ann, to: dark };

  it('hides what is not newer than a delete, in whatever order it arrives', async () => {
    const changes = [event(5, [named('x'), step('s'), watched(dark)]), event(5, [deletion])];
    await subject.apply(...changes.toReversed());
    expect(await subject.store.node(ann)).toBeNull();
    expect((await subject.store.journey(journeyOf(ann))).steps).toEqual([]);
    expect((await subject.store.adjacency(hop(dark, 'in'))).occurrences).toEqual([]);
    expect((await subject.store.adjacency(hop(ann, 'out'))).occurrences).toEqual([]);
  });
  it('shows what is newer than a delete', async () => {
    await subject.apply(event(5, [deletion]), event(6, [named('back')]), event(4, [step('late')]));
    expect(await nameOf(subject.store)).toEqual([['back', 6]]);
    expect((await subject.store.journey(journeyOf(ann))).steps).toEqual([]);
  });
  it('lets a late write of another property stay hidden', async () => {
    await subject.apply(event(6, [named('back')]), event(5, [deletion]));
    await subject.apply(event(3, [{ kind: 'node', node: ann, properties: [['late', 1]] }]));
    expect(await nameOf(subject.store)).toEqual([['back', 6]]);
  });
  it('keeps the greater of two deletes', async () => {
    await subject.apply(event(9, [deletion]), event(3, [deletion]));
    await subject.apply(event(2, [deletion]), event(8, [named('x')]));
    expect(await subject.store.node(ann)).toBeNull();
  });
  it('brings a deleted node back when a newer edge or step mentions it', async () => {
    await subject.apply(event(5, [{ kind: 'node-delete', node: dark }]), event(4, [watched(dark)]));
    expect(await subject.store.node(dark)).toBeNull();
    await subject.apply(event(6, [{ kind: 'edge', type: 'LIKED', from: ann, to: dark, properties: [] }]));
    expect(await subject.store.node(dark)).toEqual({ node: dark, properties: [], lineage: null });
    await subject.apply(event(7, [deletion]));
    expect(await subject.store.node(ann)).toBeNull();
    await subject.apply(event(8, [step('s')]));
    expect(await subject.store.node(ann)).toEqual({ node: ann, properties: [], lineage: null });
  });
  it('takes an edge before its nodes, and deletes one edge alone', async () => {
    await subject.apply(event(3, [watched(dark)]), event(3, [watched(lost)]), event(4, [unwatched]));
    expect(
      await subject.store.edge({
        type: 'WATCHED',
        from: ann,
        to: dark,
        key: null,
        folds: new Map(),
        scanMax: 10,
      }),
    ).toBeNull();
    expect(
      await subject.store.edge({
        type: 'WATCHED',
        from: ann,
        to: lost,
        key: null,
        folds: new Map(),
        scanMax: 10,
      }),
    ).toMatchObject({ count: 1 });
    await subject.apply(event(5, [watched(dark)]), event(1, [named('x')]));
    expect(
      await subject.store.edge({
        type: 'WATCHED',
        from: ann,
        to: dark,
        key: null,
        folds: new Map(),
        scanMax: 10,
      }),
    ).toMatchObject({ count: 1, firstSeenMs: 5 });
    expect((await subject.store.adjacency(hop(dark, 'in'))).occurrences).toHaveLength(1);
  });
  it('leaves out links to nodes that were deleted since', async () => {
    const gone: Mutation = { kind: 'node-delete', node: dark };
    await subject.apply(event(3, [step('a')]), event(4, [step('b', lost)]), event(6, [step('c')]));
    await subject.apply(event(5, [gone]));
    const { steps } = await subject.store.journey(journeyOf(ann));
    expect(steps.map(({ links }) => links.map(({ node }) => node.id))).toEqual([['dark'], ['lost'], []]);
  });
}
