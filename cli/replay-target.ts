import type { Settings } from '../config/index.ts';
import { RefusedError } from '../foundation/index.ts';
import { createMemoryStore, type EmbeddedStore, type GraphStore } from '../graph-store/index.ts';
import type { BackfillTarget, ReplayGraph, ShadowGraphs } from '../ingest/index.ts';
import type { CommandIo } from './command-io.ts';
import { GraphFolders } from './graph-folders.ts';

/** Shadows of a data folder, each open while replays write to it; null where the graph is in a database server. */
export type Shadows = ShadowGraphs<EmbeddedStore> | null;

/** What a plan asks of a graph. */
export type AskedGraph = Pick<EmbeddedStore, 'snapshot' | 'deletedTypes'>;

/** The graph that a replay writes to, which its user closes. */
export async function openReplayTarget(
  into: BackfillTarget,
  live: GraphStore,
  shadows: Shadows,
): Promise<ReplayGraph> {
  // Past whoever watches what happens now: history is no news to subscribers and audiences.
  if (into === 'live') return { writes: live, graph: live, close: async () => undefined };
  const { graph, release } = await embedded(shadows).use(into.shadow);
  return { writes: graph, graph, close: release };
}

/**
 * Gives `work` what a shadow says of itself. One that is missing is not made for it: it is as an empty one.
 *
 * @throws RefusedError GRAPH_NAME_INVALID, GRAPH_IN_FORCE, GRAPH_SINGLE.
 */
export async function withShadow<T>(
  name: string,
  shadows: Shadows,
  settings: Settings,
  { clock }: CommandIo,
  work: (graph: AskedGraph) => Promise<T>,
): Promise<T> {
  const opener = embedded(shadows);
  if (!new GraphFolders(settings.data).isThere(name)) return await work(emptyGraph(createMemoryStore(clock)));
  const { graph, release } = await opener.use(name);
  try {
    return await work(graph);
  } finally {
    await release();
  }
}

function embedded(shadows: Shadows): ShadowGraphs<EmbeddedStore> {
  if (shadows !== null) return shadows;
  throw new RefusedError(
    'GRAPH_SINGLE',
    'A graph in a database server has no second one beside it: replay into the live graph, or into another namespace or keyspace.',
  );
}

function emptyGraph(store: GraphStore): AskedGraph {
  return {
    snapshot: () => store.snapshot(),
    deletedTypes: async () => ({ nodes: new Set(), edges: new Set() }),
  };
}
