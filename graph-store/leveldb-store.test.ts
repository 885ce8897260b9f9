import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { must } from '../foundation/index.ts';
import { describeGraphStore } from './conformance.ts';
import type { GraphStore } from './graph-store.ts';
import { openLevelStore } from './leveldb-store.ts';

const folders = new WeakMap<GraphStore, string>();
const bounds = {
  writeBufferBytes: 2 ** 20,
  blockCacheBytes: 2 ** 20,
  nodeCacheBytes: 4096,
  groupBytesMax: 2048,
};

async function openIn(folder: string): Promise<GraphStore> {
  const store = await openLevelStore({ folder, ...bounds });
  folders.set(store, folder);
  return store;
}

const folderOf = (store: GraphStore): string => must(folders.get(store), 'the harness opened this store');

describeGraphStore('The LevelDB store', {
  open: async () => openIn(await mkdtemp(join(tmpdir(), 'graph-store-'))),
  reopen: async (store) => {
    await store.close();
    return await openIn(folderOf(store));
  },
  dispose: async (store) => {
    await store.close();
    await rm(folderOf(store), { recursive: true });
  },
  propertyRuns: 25,
});
