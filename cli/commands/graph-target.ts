import { RefusedError } from '../../foundation/index.ts';
import type { CompareEvent } from '../../graph-store/index.ts';
import type { ListedGraph, Switched } from '../../query-api/index.ts';
import type { CommandIo } from '../command-io.ts';
import { GraphClient } from '../graph-client.ts';
import { GraphFolders } from '../graph-folders.ts';
import { GraphSwitch } from '../graph-switch.ts';
import { askTheServer, openGraphFolder, waited } from '../store-folder.ts';
import { endpoint } from './server-option.ts';
import type { StoreOptions } from './store-target.ts';

/** What the commands ask, of a server or of a data folder. */
export interface GraphTarget {
  list(): Promise<readonly ListedGraph[]>;
  compare(one: string, other: string, differencesMax: number): AsyncIterable<CompareEvent>;
  switchTo(name: string, behindMax: bigint): Promise<Switched>;
  back(behindMax: bigint): Promise<Switched>;
  drop(name: string): Promise<void>;
}

export function graphTarget(options: StoreOptions, io: CommandIo): GraphTarget {
  const { data } = options;
  if (data === undefined) return serverTarget(options, io);
  if (options.url !== undefined) {
    throw new RefusedError(
      'STORE_TARGET',
      'Name either a running server with --url or its folder with --data, not both.',
    );
  }
  return folderTarget(data, io);
}

function serverTarget(options: StoreOptions, io: CommandIo): GraphTarget {
  const client = new GraphClient(endpoint(options), io.signal);
  return {
    list: () => client.list(),
    compare: async function* (one, other, differencesMax) {
      const live = (await client.list()).find(({ state }) => state === 'live')?.name;
      if (one !== 'live' && one !== live) {
        throw new RefusedError(
          'GRAPH_NOT_LIVE',
          `A running server compares its live graph, ${live ?? 'live'}, with another one: name it first, or ask of its folder with --data while it is stopped.`,
        );
      }
      yield* client.compare(other, differencesMax);
    },
    switchTo: (name, behindMax) => client.switchTo(name, behindMax),
    back: (behindMax) => client.back(behindMax),
    drop: (name) => client.drop(name),
  };
}

function folderTarget(data: string, io: CommandIo): GraphTarget {
  const folders = new GraphFolders(data);
  const open = (name: string): ReturnType<typeof openGraphFolder> =>
    openGraphFolder(folders.folderOf(name), io);
  const patiently = <T>(name: string, work: () => Promise<T>): Promise<T> =>
    waited(folders.folderOf(name), askTheServer, io, work);
  // Nobody reads its topics: whether they still have what the graph lacks, the next start finds out.
  const idle = { inForce: null, shadows: null, ends: async () => [], replaced: () => undefined };
  const graphs = new GraphSwitch({ folders, open, patiently, newId: io.newId, ...idle });
  const named = async (name: string): Promise<string> =>
    name === 'live' ? (await folders.pointer()).live : name;
  return {
    list: () => graphs.list(),
    compare: async function* (one, other, differencesMax) {
      const name = await named(one);
      const store = await patiently(name, () => open(name));
      try {
        yield* await graphs.comparison(store, await named(other), differencesMax);
      } finally {
        await store.close();
      }
    },
    switchTo: (name, behindMax) => graphs.switchTo(name, behindMax),
    back: (behindMax) => graphs.back(behindMax),
    drop: (name) => graphs.drop(name),
  };
}
