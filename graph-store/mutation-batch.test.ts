import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BadDataError } from '../foundation/index.ts';
import { decodeEvents } from './codec.ts';
import { events, pack } from './conformance-graphs.ts';
import type { EventMutations, Mutation, Property } from './model.ts';
import { createMutationBatch } from './mutation-batch.ts';
import { checkNodeId } from './mutation-checks.ts';

const node = { type: 'Account', id: 'ann' };
const event = (changes: Partial<EventMutations>, ...mutations: Mutation[]): EventMutations => ({
  timeMs: 1,
  rank: 0,
  occurrence: 1n,
  mutations,
  ...changes,
});
const withId = (id: string): EventMutations =>
  event({}, { kind: 'node-delete', node: { type: 'Account', id } });
const withProperties = (...properties: Property[]): EventMutations =>
  event({}, { kind: 'node', node, properties });

describe('A mutation batch', () => {
  it('gives back what was packed, whatever it grew to', () => {
    const byName = (mutation: Mutation): Mutation =>
      mutation.kind === 'node'
        ? { ...mutation, properties: mutation.properties.toSorted(([a], [b]) => (a < b ? -1 : 1)) }
        : mutation;
    fc.assert(
      fc.property(fc.array(events(), { maxLength: 8 }), (lists) => {
        const list = lists.flat();
        const sorted = list.map((one) => ({ ...one, mutations: one.mutations.map(byName) }));
        expect([...decodeEvents(pack(list).take())]).toEqual(sorted);
      }),
    );
  });

  it('keeps the extremes of times, occurrence ids and ranks', () => {
    const extremes = [
      event({ timeMs: 0, occurrence: 0n, rank: 0 }),
      event({ timeMs: Number.MAX_SAFE_INTEGER, occurrence: 2n ** 64n - 1n, rank: Number.MAX_SAFE_INTEGER }),
    ];
    expect([...decodeEvents(pack(extremes).take())]).toEqual(extremes);
  });

  it('keeps more nodes in one event than it remembers', () => {
    const links = Array.from({ length: 40 }, (_, i) => ({
      edge: 'E',
      direction: 'in' as const,
      node: { type: 'T', id: `n${i}` },
    }));
    const many = event({}, { kind: 'step', owner: node, domain: 'd', action: 'a', links, properties: [] });
    expect([...decodeEvents(pack([many, many]).take())]).toEqual([many, many]);
  });

  it.each([
    ['an empty id', withId(''), 'INVALID_NODE_ID'],
    ['an id with NUL', withId('a\0b'), 'INVALID_NODE_ID'],
    ['an id of 1,025 bytes', withId('x'.repeat(1025)), 'INVALID_NODE_ID'],
    ['an id of 1,026 bytes in 342 characters', withId('€'.repeat(342)), 'INVALID_NODE_ID'],
    ['half a surrogate pair', withId('a\ud800'), 'INVALID_NODE_ID'],
    ['a negative time', event({ timeMs: -1 }), 'INVALID_EVENT_TIME'],
    ['a time that is no number', event({ timeMs: Number.NaN }), 'INVALID_EVENT_TIME'],
    ['a broken time', event({ timeMs: 1.5 }), 'INVALID_EVENT_TIME'],
    ['an occurrence of 65 bits', event({ occurrence: 2n ** 64n }), 'INVALID_EVENT'],
    ['a rank beyond the safe integers', event({ rank: 2 ** 53 }), 'INVALID_EVENT'],
    ['a negative rank', event({ rank: -1 }), 'INVALID_EVENT'],
    ['a broken rank', event({ rank: 0.5 }), 'INVALID_EVENT'],
    ['an infinite number', withProperties(['p', Number.POSITIVE_INFINITY]), 'INVALID_PROPERTY'],
    ['an integer of 65 bits', withProperties(['p', 2n ** 63n]), 'INVALID_PROPERTY'],
    ['a text of 64 KiB and a byte', withProperties(['p', `${'x'.repeat(65_534)}€`]), 'INVALID_PROPERTY'],
    ['a property named twice', withProperties(['p', 1], ['a', 1], ['p', 2]), 'INVALID_PROPERTY'],
    ['an empty property name', withProperties(['', 1]), 'INVALID_NAME'],
    ['a property name of 129 characters', withProperties(['p'.repeat(129), 1]), 'INVALID_NAME'],
    ['a type with NUL', event({}, { kind: 'node-delete', node: { type: 'A\0', id: 'x' } }), 'INVALID_NAME'],
  ])('refuses %s and keeps nothing of that event', (_, bad, code) => {
    const batch = createMutationBatch();
    const good = event({ timeMs: 7 }, { kind: 'node', node, properties: [['p', 'v']] });
    batch.add(good);
    const sizeBytes = batch.sizeBytes;
    const partly = { ...bad, mutations: [...good.mutations, ...bad.mutations] };
    expect(() => batch.add(partly)).toThrow(expect.objectContaining({ code, reaction: 'bad-data' }));
    expect([batch.eventCount, batch.sizeBytes]).toEqual([1, sizeBytes]);
    batch.add(good);
    expect([...decodeEvents(batch.take())]).toEqual([good, good]);
  });

  it('can be taken once only', () => {
    const batch = createMutationBatch();
    batch.take();
    expect(() => batch.take()).toThrow('only once');
    expect(() => batch.add(event({}))).toThrow('no more events');
  });

  it('takes ids of 1,024 bytes, in one script or another', () => {
    expect(() => checkNodeId('x'.repeat(1024))).not.toThrow();
    expect(() => checkNodeId('🎬'.repeat(256))).not.toThrow();
    expect(() => checkNodeId('🎬'.repeat(257))).toThrow(BadDataError);
  });
});
