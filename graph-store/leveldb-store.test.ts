import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, must } from '../foundation/index.ts';
import { describeGraphStore } from './conformance.ts';
import type { GraphStore } from './graph-store.ts';
import { openLevelStore } from './leveldb-store.ts';

const folders = new WeakMap<GraphStore, string>();
const bounds = {
  writeBufferBytes: 2 ** 20,
  blockCacheBytes: 2 ** 20,
  nodeCacheBytes: 4096,
  windowBytesMax: 2048,
};

async function openIn(folder: string, clock: Clock): Promise<GraphStore> {
  const store = await openLevelStore({ folder, ...bounds }, clock);
  folders.set(store, folder);
  return store;
}

const folderOf = (store: GraphStore): string => must(folders.get(store), 'the harness opened this store');

describeGraphStore('The LevelDB store', {
  open: async (clock) => openIn(await mkdtemp(join(tmpdir(), 'graph-store-')), clock),
  reopen: async (store, clock) => {
    await store.close();
    return await openIn(folderOf(store), clock);
  },
  dispose: async (store) => {
    await store.close();
    await rm(folderOf(store), { recursive: true });
  },
  propertyRuns: 10,
  answersRows: true,
});
