import { expect, it } from 'vitest';
import { must, systemClock } from '../foundation/index.ts';
import { type EmbeddedStore, openLevelStore } from '../graph-store/index.ts';
import { type GraphUse, ShadowGraphs } from '../ingest/index.ts';
import { fakeIo } from './command-io.fake.ts';
import { temporaryFolder } from './export-testing.ts';
import { GraphFolders } from './graph-folders.ts';
import { GraphSwitch } from './graph-switch.ts';
import { whenUnlocked } from './store-lock.ts';

const source = { cluster: 'c', topic: 'plays', topicId: 'i', partition: 0 };

/** A data folder that no server has open. */
const noServer = { inForce: null, replaced: () => undefined, ends: async () => [] };

it('A replay that begins in a graph while that is dropped has a new one, and not the one that goes', async () => {
  const folders = new GraphFolders(await temporaryFolder());
  const make = async (name: string): Promise<EmbeddedStore> =>
    await openLevelStore({ folder: await folders.make(name) }, systemClock);
  const dropped = await make('copy');
  await dropped.claim(source);
  await dropped.close();
  await folders.point({ live: 'main', previous: 'copy' });

  const wasThere: boolean[] = [];
  const shadows = new ShadowGraphs((name) => {
    wasThere.push(folders.isThere(name));
    return make(name);
  });
  const replays: Promise<GraphUse<EmbeddedStore>>[] = [];
  const graphs = new GraphSwitch({
    ...noServer,
    ...{ folders, shadows },
    open: (name) => openLevelStore({ folder: folders.folderOf(name) }, systemClock),
    patiently: (name, open) => whenUnlocked(folders.folderOf(name), open, fakeIo()),
    // Asked for when the graph was found to be open nowhere, and right before it is moved away.
    newId: () => {
      replays.push(shadows.use('copy'));
      return 'x';
    },
  });
  await graphs.drop('copy');
  const { graph, release } = await must(replays[0], 'one began while the graph was dropped');
  expect(wasThere).toEqual([false]);
  expect(await graph.sources()).toEqual([]);
  await graph.claim(source);
  await release();
  expect(folders.isThere('copy')).toBe(true);
  expect(await folders.pointer()).toEqual({ live: 'main', previous: null });
});

it('A graph that a replay has is not dropped, and stays the one before the live one', async () => {
  const folders = new GraphFolders(await temporaryFolder());
  const make = async (name: string): Promise<EmbeddedStore> =>
    await openLevelStore({ folder: await folders.make(name) }, systemClock);
  const shadows = new ShadowGraphs(make);
  const { release } = await shadows.use('copy');
  await folders.point({ live: 'main', previous: 'copy' });
  const graphs = new GraphSwitch({
    ...noServer,
    ...{ folders, shadows },
    open: make,
    patiently: (_name, open) => open(),
    newId: () => 'x',
  });
  await expect(graphs.drop('copy')).rejects.toMatchObject({ code: 'GRAPH_BUSY' });
  expect(await folders.pointer()).toEqual({ live: 'main', previous: 'copy' });
  await release();
  await graphs.drop('copy');
  expect(await folders.names()).toEqual([]);
});
