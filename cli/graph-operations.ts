import type { Settings } from '../config/index.ts';
import type { EmbeddedStore, SwitchableStore } from '../graph-store/index.ts';
import type { Pipeline, ShadowGraphs } from '../ingest/index.ts';
import type { GraphOperations, StepJournal } from '../query-api/index.ts';
import type { CommandIo } from './command-io.ts';
import { GraphFolders } from './graph-folders.ts';
import { openEmbeddedStore } from './graph-store-in-use.ts';
import { GraphSwitch } from './graph-switch.ts';
import { whenUnlocked } from './store-lock.ts';

export interface GraphsInUse {
  readonly inForce: SwitchableStore;
  /** Those that replays write to. */
  readonly shadows: ShadowGraphs<EmbeddedStore>;
  readonly pipelines: readonly Pick<Pipeline, 'ends' | 'reclaim'>[];
  /** Of the steps that they apply. */
  readonly journal: Pick<StepJournal, 'beginAnew'>;
  /** Told once another graph is in force, before anything is applied to it. */
  readonly switched: () => void;
}

/** What operators may ask about the graphs of a data folder while it is in use. */
export function graphOperations(
  settings: Settings,
  { inForce, shadows, pipelines, journal, switched }: GraphsInUse,
  io: CommandIo,
): GraphOperations {
  const folders = new GraphFolders(settings.data);
  const graphs = new GraphSwitch({
    ...{ folders, inForce, shadows, newId: io.newId },
    open: (name) => openEmbeddedStore(settings, folders.folderOf(name), io),
    patiently: (name, open) => whenUnlocked(folders.folderOf(name), open, io),
    ends: async () => (await Promise.all(pipelines.map((pipeline) => pipeline.ends()))).flat(),
    replaced: () => {
      journal.beginAnew();
      switched();
      for (const pipeline of pipelines) pipeline.reclaim();
    },
  });
  return {
    list: () => graphs.list(),
    compare: (other, differencesMax) => graphs.comparison(inForce, other, differencesMax),
    switchTo: (name, behindMax) => graphs.switchTo(name, behindMax),
    back: (behindMax) => graphs.back(behindMax),
    drop: (name) => graphs.drop(name),
  };
}
