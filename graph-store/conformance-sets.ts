import { describe, expect, it } from 'vitest';
import { must, systemClock } from '../foundation/index.ts';
import { pack } from './conformance-graphs.ts';
import { advance, ann, dark, event, type Subject, source } from './conformance-subject.ts';
import { createMemoryStore } from './memory-store.ts';
import { type Mutation, type SetChange, setElementsMax } from './model.ts';

/** Properties with several values. */
export function describeSets(subject: Subject): void {
  describe('sets', () => {
    it('adds and removes elements, the newest word about each winning', async () => {
      await subject.apply(
        event(5, [tags('remove', 'b')]),
        event(1, [tags('add', 'a', 'b')]),
        event(3, [tags('add', 'c')]),
      );
      expect(await tagsOf(subject)).toEqual([['a', 'c'], 5]);
      await subject.apply(event(6, [tags('add', 'b')]));
      expect(await tagsOf(subject)).toEqual([['a', 'b', 'c'], 6]);
    });
    it('keeps an element that is added and removed at one time', async () => {
      await subject.apply(event(1, [tags('add', 'a')]), event(1, [tags('remove', 'a')]));
      expect(await tagsOf(subject)).toEqual([['a'], 1]);
    });
    it('replaces all that is older, also when that comes later', async () => {
      await subject.apply(event(5, [tags('replace', 'x', 'y')]), event(3, [tags('add', 'late')]));
      expect(await tagsOf(subject)).toEqual([['x', 'y'], 5]);
      await subject.apply(event(7, [tags('replace')]));
      expect(await tagsOf(subject)).toEqual([[], 7]);
      await subject.apply(event(8, [tags('add', 'z')]), event(6, [tags('add', 'late')]));
      expect(await tagsOf(subject)).toEqual([['z'], 8]);
    });
    it('tells values of different kinds apart, but not an int from a long', async () => {
      await subject.apply(event(1, [tags('add', 1, '1', true, 2n ** 60n)]));
      expect(must(await tagsOf(subject), 'there is a set')[0]).toEqual([true, 1, 2n ** 60n, '1']);
      await subject.apply(event(2, [tags('remove', 1n)]));
      expect(must(await tagsOf(subject), 'there is a set')[0]).toEqual([true, 2n ** 60n, '1']);
    });
    it('gives way to a single value that is newer, and comes back with a newer change', async () => {
      const single: Mutation = { kind: 'node', node: ann, properties: [['tags', 'one']] };
      await subject.apply(event(1, [tags('add', 'a')]), event(5, [single]), event(3, [tags('add', 'b')]));
      expect((await subject.store.node(ann))?.properties).toEqual([
        { name: 'tags', value: 'one', timeMs: 5 },
      ]);
      await subject.apply(event(6, [tags('remove', 'a')]));
      expect(await tagsOf(subject)).toEqual([['b'], 6]);
    });
    it('stands beside other properties', async () => {
      const name: Mutation = { kind: 'node', node: ann, properties: [['name', 'Ann'], ['zip', 'z']] }; // biome-ignore format: one row
      await subject.apply(event(1, [tags('add', 'a')]), event(2, [name]), event(3, [tags('add', 'b')]));
      await subject.apply(event(4, [name]));
      expect((await subject.store.node(ann))?.properties).toEqual([
        { name: 'name', value: 'Ann', timeMs: 4 },
        { name: 'tags', value: ['a', 'b'], timeMs: 3 },
        { name: 'zip', value: 'z', timeMs: 4 },
      ]);
    });
    it('is hidden by a delete as any property', async () => {
      await subject.apply(event(1, [tags('add', 'a')]), event(2, [{ kind: 'node-delete', node: ann }]));
      await subject.apply(event(3, [tags('add', 'b')]));
      expect(await tagsOf(subject)).toEqual([['b'], 3]);
    });
    it('keeps the newest elements beyond its bound, whatever order they come in', async () => {
      const changes = Array.from({ length: setElementsMax / 5 + 1 }, (_, i) =>
        event(i + 1, [tags('add', ...[0, 1, 2, 3, 4].map((j) => 5 * i + j))]),
      );
      await subject.apply(...changes.toReversed(), ...changes.slice(0, 3));
      const [elements] = must(await tagsOf(subject), 'there is a set');
      expect(elements).toHaveLength(setElementsMax);
      expect(Math.min(...elements.map(Number))).toBe(5);
    });
    it('keeps the same ones of many that are equally old, whatever order they come in', async () => {
      const changes = Array.from({ length: setElementsMax / 5 + 6 }, (_, i) =>
        event(1, [tags('add', ...[0, 1, 2, 3, 4].map((j) => `e${5 * i + j}`))]),
      );
      await subject.apply(...changes);
      const digest = (await subject.store.digest()).hex;
      await subject.apply({ ...event(9, [{ kind: 'node-delete', node: dark }]) });
      const other = createMemoryStore(systemClock);
      const claim = await other.claim(source);
      const deletion = event(9, [{ kind: 'node-delete', node: dark }]);
      await other.apply(advance(claim, 0, 1), pack([...changes.toReversed(), deletion]));
      expect((await other.digest()).hex).not.toBe(digest);
      expect((await other.digest()).hex).toBe((await subject.store.digest()).hex);
    });
    it('counts a change that changes nothing', async () => {
      const first = event(5, [tags('add', 'a')]);
      await subject.apply(first);
      const digest = (await subject.store.digest()).hex;
      await subject.apply(first, event(4, [tags('remove', 'a')]));
      expect((await subject.store.digest()).hex).toBe(digest);
    });
  });
}

function tags(set: SetChange['set'], ...elements: SetChange['elements'][number][]): Mutation {
  return { kind: 'node', node: ann, properties: [['tags', { set, elements }]] };
}

async function tagsOf(subject: Subject): Promise<[readonly unknown[], number] | null> {
  const found = (await subject.store.node(ann))?.properties.find(({ name }) => name === 'tags');
  return found === undefined || !Array.isArray(found.value) ? null : [found.value, found.timeMs];
}
