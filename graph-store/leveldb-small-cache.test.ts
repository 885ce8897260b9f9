import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../foundation/index.ts';
import { pack } from './conformance-graphs.ts';
import { advance, event, source } from './conformance-subject.ts';
import type { GraphStore } from './graph-store.ts';
import { openLevelStore } from './leveldb-store.ts';
import { createMemoryStore } from './memory-store.ts';
import type { EventMutations, NodeMutation } from './model.ts';

function write(number: number, size: number, value: number): NodeMutation {
  const text = String.fromCharCode(97 + (value % 26)).repeat(size);
  return { kind: 'node', node: { type: 'N', id: `n${number}` }, properties: [['text', text], ['value', value]] }; // biome-ignore format: one row
}

async function digestAfter(store: GraphStore, batches: readonly EventMutations[][]): Promise<string> {
  const claim = await store.claim(source);
  await Promise.all(batches.map((batch, i) => store.apply(advance(claim, i, i + 1), pack(batch))));
  return (await store.digest()).hex;
}

describe('A LevelDB store with a node cache that forgets all the time', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'graph-store-small-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('writes every row that it acknowledges', async () => {
    const change = fc.tuple(fc.nat(300), fc.constantFrom(0, 10, 900, 5000), fc.nat(1000));
    const batches = fc.array(fc.array(change, { minLength: 1, maxLength: 150 }), {
      minLength: 1,
      maxLength: 8,
    });
    let opened = 0;
    const property = fc.asyncProperty(
      batches,
      fc.constantFrom(1, 20_000, 2 ** 23),
      async (lists, windowBytesMax) => {
        const graph = lists.map((list) =>
          list.map(([node, size, value]) => event(value % 7, [write(node, size, value)])),
        );
        opened += 1;
        const settings = { folder: join(folder, String(opened)), nodeCacheBytes: 20_000, windowBytesMax };
        const store = await openLevelStore(settings, systemClock);
        const found = await digestAfter(store, graph);
        await store.close();
        expect(found).toBe(await digestAfter(createMemoryStore(systemClock), graph));
      },
    );
    await fc.assert(property, { numRuns: 18 });
  }, 60_000);
});
