import { type Settings, settingSpecs } from '../config/index.ts';
import { must, RefusedError } from '../foundation/index.ts';
import {
  type GraphStore,
  type Restorable,
  restoreLevelFolder,
  SnapshotEncoder,
} from '../graph-store/index.ts';
import type { CommandIo } from './command-io.ts';
import { GraphFolders } from './graph-folders.ts';
import { openStore } from './graph-store-in-use.ts';
import { createLog } from './log.ts';
import { StoreClient } from './store-client.ts';
import { openStoreFolder } from './store-folder.ts';
import { whenUnlocked } from './store-lock.ts';
import { productVersion } from './version.ts';

/** Where a graph is, or goes to. */
export type StorePlace =
  | { readonly kind: 'folder'; readonly text: string; readonly data: string }
  | { readonly kind: 'server'; readonly text: string; readonly url: string }
  | { readonly kind: 'shared'; readonly text: string; readonly store: Exclude<Settings['store'], 'leveldb'> };

/** The address of a server, a word of the setting `store`, or else a data folder. */
export function readPlace(text: string): StorePlace {
  if (/^https?:\/\//.test(text)) return { kind: 'server', text, url: text.replace(/\/$/, '') };
  if (isShared(text)) return { kind: 'shared', text, store: text };
  return { kind: 'folder', text, data: text };
}

function isShared(text: string): text is Exclude<Settings['store'], 'leveldb'> {
  const spec = must(settingSpecs.get('store'), 'there is a setting for the store');
  return spec.kind === 'choice' && text !== 'leveldb' && spec.choices.includes(text);
}

const nameTheServer =
  'name its address, such as http://127.0.0.1:4000, instead of the folder, or stop it first';

/** Gives `work` the bytes of a snapshot of the graph at the place. */
export async function withSnapshotOf<T>(
  place: StorePlace,
  settings: Settings,
  io: CommandIo,
  work: (bytes: AsyncIterable<Uint8Array>) => Promise<T>,
): Promise<T> {
  switch (place.kind) {
    case 'server': {
      const client = new StoreClient({ url: place.url, token: settings['api.token'] }, io.signal);
      return await work(await client.snapshot());
    }
    case 'folder': {
      await using cleanup = new AsyncDisposableStack();
      const store = await openStoreFolder(place.data, io, nameTheServer);
      cleanup.defer(() => store.close());
      const about = { productVersion: productVersion(), takenAtMs: io.clock.now() };
      const file = await store.openSnapshotFile(about);
      cleanup.use(file);
      return await work(file.bytes());
    }
    default: {
      await using cleanup = new AsyncDisposableStack();
      const { store } = await openStore({ ...settings, store: place.store }, io, createLog(settings, io));
      cleanup.defer(() => store.close());
      const snapshot = cleanup.use(await store.snapshot());
      const about = { productVersion: productVersion(), takenAtMs: io.clock.now() };
      return await work(new SnapshotEncoder(snapshot, about).bytes());
    }
  }
}

/** Whether a graph may be restored there: nothing is, or a part of one that may be the same. Opens nothing. */
export function checkTarget(place: StorePlace): void {
  if (place.kind !== 'server') return;
  const message = `${place.text} is a running server, which takes no graph over: name its data folder, with the server stopped, or a shared store: neo4j or cassandra.`;
  throw new RefusedError('STORE_COPY_TARGET', message);
}

/** True when a data folder has a store for its live graph, whole or half restored; null where nobody can say without opening it. */
export async function hasStore(place: StorePlace): Promise<boolean | null> {
  if (place.kind !== 'folder') return null;
  const folders = new GraphFolders(place.data);
  return folders.isThere((await folders.pointer()).live);
}

/** Takes the graph over, or goes on with it. Returns when it is durable. */
export async function restoreInto(
  place: StorePlace,
  graph: Restorable,
  settings: Settings,
  io: CommandIo,
): Promise<void> {
  if (place.kind === 'folder') {
    const folders = new GraphFolders(place.data);
    // Where the graph is read from then, which `store` need not be.
    const folder = folders.folderOf((await folders.pointer()).live);
    // Locked it is before it has read anything of the graph, which can be read once.
    await whenUnlocked(folder, () => restoreLevelFolder({ folder }, graph), io);
    return;
  }
  checkTarget(place);
  await withStoreAt(place, settings, io, graph.id ?? null, (store) => store.restore(graph));
}

/** Gives `work` the store of a place that is no server, and closes it. */
export async function withStoreAt<T>(
  place: StorePlace,
  settings: Settings,
  io: CommandIo,
  resume: string | null,
  work: (store: GraphStore) => Promise<T>,
): Promise<T> {
  await using cleanup = new AsyncDisposableStack();
  const store = await openAt(place, settings, io, resume);
  cleanup.defer(() => store.close());
  return await work(store);
}

async function openAt(
  place: StorePlace,
  settings: Settings,
  io: CommandIo,
  resume: string | null,
): Promise<GraphStore> {
  if (place.kind === 'folder') return await openStoreFolder(place.data, io);
  const { store } = await openStore(
    { ...settings, store: place.kind === 'shared' ? place.store : settings.store },
    io,
    createLog(settings, io),
    resume,
  );
  return store;
}
