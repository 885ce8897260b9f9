import { describe, expect, it } from 'vitest';
import { createMutationBatch } from './mutation-batch.ts';
import { hashNodeName } from './node-hash.ts';
import { WriteStamps } from './write-stamps.ts';

function hashOf(id: string): number {
  const name = Buffer.from(`A\0${id}\0`);
  return hashNodeName(name, 0, name.length);
}

function naming(id: string): Buffer {
  const batch = createMutationBatch();
  const node = { type: 'A', id };
  batch.add({ timeMs: 1, occurrence: 1n, rank: 0, mutations: [{ kind: 'node', node, properties: [] }] });
  return batch.packed;
}

describe('Stamps of what was written', () => {
  it('hold until a batch names the node, from the moment it is handed over', () => {
    const stamps = new WriteStamps();
    stamps.end(stamps.begin(naming('x')));
    const { settled } = stamps;
    expect(stamps.holds(hashOf('x'), settled)).toBe(true);
    const second = stamps.begin(naming('y'));
    expect(stamps.holds(hashOf('x'), settled)).toBe(true);
    expect(stamps.holds(hashOf('y'), settled)).toBe(false);
    stamps.end(second);
    expect(stamps.holds(hashOf('y'), settled)).toBe(false);
    expect(stamps.holds(hashOf('y'), stamps.settled)).toBe(true);
  });

  it('count a batch as settled when all those before it are', () => {
    const stamps = new WriteStamps();
    const first = stamps.begin(naming('x'));
    const second = stamps.begin(naming('y'));
    stamps.end(second);
    expect(stamps.settled).toBe(0);
    expect(stamps.holds(hashOf('y'), stamps.settled)).toBe(false);
    stamps.end(first);
    expect(stamps.settled).toBe(2);
  });

  it('count every node as named by a batch that nobody looked into', () => {
    const stamps = new WriteStamps();
    const number = stamps.begin(null);
    expect(stamps.holds(hashOf('x'), 0)).toBe(false);
    stamps.end(number);
    expect(stamps.holds(hashOf('x'), stamps.settled)).toBe(true);
  });

  it('count nothing that was read before something else was written', () => {
    const stamps = new WriteStamps();
    const { settled } = stamps;
    stamps.forget();
    expect(stamps.holds(hashOf('x'), settled)).toBe(false);
    expect(stamps.holds(hashOf('x'), stamps.settled)).toBe(true);
  });
});
