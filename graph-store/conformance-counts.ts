import { describe, expect, it } from 'vitest';
import { pack } from './conformance-graphs.ts';
import { advance, ann, event, named, type Subject } from './conformance-subject.ts';
import type { Applied } from './graph-store.ts';
import type { EventMutations, Mutation, SetChange } from './model.ts';

/** What `apply` says of the node writes that it made and of those that it could leave out. */
export function describeCounts(subject: Subject): void {
  describe('the counts of node writes', () => {
    const tags = (...elements: SetChange['elements'][number][]): Mutation => change('add', ...elements);

    it('leave a change of a set out that changes nothing, and count one that joins a row of its window', async () => {
      const { apply } = appliesOf(subject);
      const first = event(5, [tags('a', 'b')]);
      expect(await apply(first)).toEqual({ nodeWrites: 1, nodeWritesSuppressed: 0, nodeWritesCoalesced: 0 });
      const digest = (await subject.store.digest()).hex;
      expect(await apply(first, event(4, [change('remove', 'a')]), event(5, [tags('b')]))).toEqual({
        nodeWrites: 0,
        nodeWritesSuppressed: 3,
        nodeWritesCoalesced: 0,
      });
      expect((await subject.store.digest()).hex).toBe(digest);
      expect(await apply(event(5, [tags('c')]), event(6, [tags('a')]))).toEqual({
        nodeWrites: 1,
        nodeWritesSuppressed: 0,
        nodeWritesCoalesced: 1,
      });
    });

    it('leave out what an older replacement says of a set', async () => {
      const { apply } = appliesOf(subject);
      await apply(event(5, [change('replace', 'a')]));
      const older = event(4, [change('replace', 'b'), change('add', 'c')]);
      expect(await apply(older, event(3, [change('remove', 'a')]))).toEqual({
        nodeWrites: 0,
        nodeWritesSuppressed: 3,
        nodeWritesCoalesced: 0,
      });
    });

    it('leave a value out that is there already', async () => {
      const { apply } = appliesOf(subject);
      const first = event(5, [named('Ann')]);
      expect(await apply(first)).toEqual({ nodeWrites: 1, nodeWritesSuppressed: 0, nodeWritesCoalesced: 0 });
      expect(await apply(first, event(4, [named('Anne')]))).toEqual({
        nodeWrites: 0,
        nodeWritesSuppressed: 2,
        nodeWritesCoalesced: 0,
      });
      expect(await apply(event(6, [named('Ann')]))).toEqual({
        nodeWrites: 1,
        nodeWritesSuppressed: 0,
        nodeWritesCoalesced: 0,
      });
    });
  });
}

function change(set: SetChange['set'], ...elements: SetChange['elements'][number][]): Mutation {
  return { kind: 'node', node: ann, properties: [['tags', { set, elements }]] };
}

function appliesOf({ store, claim }: Subject): { apply(...batch: EventMutations[]): Promise<Applied> } {
  let next = 0;
  return {
    async apply(...batch) {
      const from = next;
      next += batch.length;
      return await store.apply(advance(claim, from, next), pack(batch));
    },
  };
}
