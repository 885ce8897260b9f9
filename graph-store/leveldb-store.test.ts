import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, must } from '../foundation/index.ts';
import { describeGraphStore } from './conformance.ts';
import type { GraphStore } from './graph-store.ts';
import type { LevelSettings } from './leveldb-protocol.ts';
import { openLevelStore } from './leveldb-store.ts';

const folders = new WeakMap<GraphStore, string>();
const bounds = {
  writeBufferBytes: 2 ** 20,
  blockCacheBytes: 2 ** 20,
  nodeCacheBytes: 4096,
  windowBytesMax: 2048,
};

/** Of which a handful of events fills one: what follows goes into the next, and at last all into the one that is left. */
const stretchBytes = 2048;

function describeLevelStore(name: string, settings: Partial<LevelSettings>): void {
  const openIn = async (folder: string, clock: Clock): Promise<GraphStore> => {
    const store = await openLevelStore({ folder, ...bounds, ...settings }, clock);
    folders.set(store, folder);
    return store;
  };
  describeGraphStore(name, {
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
}

const folderOf = (store: GraphStore): string => must(folders.get(store), 'the harness opened this store');

describeLevelStore('The LevelDB store', {});
describeLevelStore('The LevelDB store in stretches', { stretchBytes });
