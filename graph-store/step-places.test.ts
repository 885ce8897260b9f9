import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../foundation/index.ts';
import { decodeEvents } from './codec.ts';
import { events, nodes, pack } from './conformance-graphs.ts';
import { createMemoryStore } from './memory-store.ts';
import { namedNodes } from './named-nodes.ts';
import { ObservedWrites } from './observed-writes.ts';
import { OwnerSet, ownerKey } from './owner-set.ts';
import { stepPlaces } from './step-places.ts';

describe('The places of steps in a batch', () => {
  it('are those of the wanted owners, whatever else is in it', () => {
    fc.assert(
      fc.property(events(), fc.subarray([...nodes]), (list, wanted) => {
        const keys = new Set(wanted.map(ownerKey));
        const owners = new OwnerSet();
        for (const node of nodes) owners.add(ownerKey(node));
        for (const node of nodes) if (!wanted.includes(node)) owners.delete(ownerKey(node));
        expect(owners.size).toBe(wanted.length);
        const batch = pack(list);
        const found = stepPlaces(batch.packed, owners);
        const naive = [...decodeEvents(batch.take())].flatMap(({ timeMs, occurrence, mutations }) =>
          mutations.flatMap((mutation) => {
            if (mutation.kind !== 'step' || !keys.has(ownerKey(mutation.owner))) return [];
            return [{ owner: ownerKey(mutation.owner), timeMs, occurrence }];
          }),
        );
        expect(found).toEqual(naive);
      }),
    );
  });
});

describe('The nodes that a batch names', () => {
  it('are all whose properties, edges or steps it changes', () => {
    fc.assert(
      fc.property(events(), fc.constantFrom(...nodes), (list, { type }) => {
        const batch = pack(list);
        const found = new Set(namedNodes(batch.packed, type));
        const named = [...decodeEvents(batch.take())].flatMap(({ mutations }) =>
          mutations.flatMap((mutation) => {
            if (mutation.kind === 'edge' || mutation.kind === 'edge-delete')
              return [mutation.from, mutation.to];
            return mutation.kind === 'step' ? [mutation.owner] : [mutation.node];
          }),
        );
        const missed = named.filter((node) => node.type === type && !found.has(node.id));
        expect(missed).toEqual([]);
        const linked = list.flatMap(({ mutations }) =>
          mutations.flatMap((one) => (one.kind === 'step' ? one.links.map(({ node }) => node) : [])),
        );
        const known = new Set([...named, ...linked].map(({ id }) => id));
        for (const id of found) expect(known).toContain(id);
      }),
    );
  });
});

describe('Observed writes', () => {
  it('tell of each batch before it is handed over and how it ended, and change nothing about it', async () => {
    const store = createMemoryStore(systemClock);
    const told: string[] = [];
    const writes = new ObservedWrites(store, {
      applying: (batch) => {
        told.push(`${batch.eventCount}`);
        return (durable) => told.push(`${durable}`);
      },
    });
    const source = { cluster: 'c', topic: 't', topicId: 'i', partition: 0 };
    const { epoch } = await writes.claim(source);
    const fates = { consumed: 1, applied: 1, superseded: 0, filtered: 0, deadLettered: 0 };
    const advance = { source, epoch, from: 0n, next: 1n, fates, newestEventMs: 0 };
    const event = { timeMs: 1, rank: 0, occurrence: 1n, mutations: [] };
    await writes.apply(advance, pack([event]));
    await expect(writes.apply({ ...advance, epoch: epoch + 9 }, pack([event]))).rejects.toMatchObject({
      code: 'FENCED',
    });
    expect(told).toEqual(['1', 'true', '1', 'false']);
  });
});
