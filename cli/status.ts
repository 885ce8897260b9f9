import { JourneyGraphError } from '../foundation/index.ts';
import { type GraphReader, liveSources } from '../graph-store/index.ts';
import type { PipelineState, PipelineStatus } from '../ingest/index.ts';
import { printable } from './command-io.ts';
import type { LiveFigures } from './live-line.ts';

/** Of more, their number says more than their names. */
const namedTopicsMax = 3;

/** Of a composition, what is read. */
interface FigureSources {
  readonly store: Pick<GraphReader, 'sources' | 'estimate'>;
  readonly pipelines: readonly { status(): PipelineStatus }[];
  readonly freshness: { quantileLately(share: number): number | null };
}

type StoreFigures = Pick<LiveFigures, 'nodes' | 'edges' | 'deadLetters'>;

/**
 * Reads what the live line shows. While the store cannot be read (it is opened again after a failed write) the last known figures
 * stay, with the reason: an outage that the pipelines sit out must not end the process that waits for it.
 */
export function figureReader({ store, pipelines, freshness }: FigureSources): () => Promise<LiveFigures> {
  let known: StoreFigures = { nodes: 0, edges: 0, deadLetters: 0 };
  return async (): Promise<LiveFigures> => {
    const outage: string[] = [];
    try {
      known = await readStore(store);
    } catch (error) {
      if (!(error instanceof JourneyGraphError && error.retryable)) throw error;
      outage.push(printable(error.message));
    }
    const statuses = pipelines.map((pipeline) => pipeline.status());
    return {
      ...known,
      consumedSinceStart: statuses.reduce((sum, status) => sum + status.fatesSinceStart.consumed, 0),
      freshnessMs: freshness.quantileLately(0.5),
      troubles: [...troublesOf(statuses), ...outage],
    };
  };
}

async function readStore(store: FigureSources['store']): Promise<StoreFigures> {
  const [sources, { nodes, edges }] = await Promise.all([store.sources(), store.estimate()]);
  const deadLetters = liveSources(sources).reduce((sum, { fates }) => sum + fates.deadLettered, 0);
  return { nodes, edges, deadLetters };
}

/** One outage pauses many topics for the same reason, which is said once. */
function troublesOf(statuses: readonly PipelineStatus[]): string[] {
  const topics = new Map<string, string[]>();
  for (const { topic, state } of statuses) {
    const reason = stateReason(state);
    if (reason === null) continue;
    const trouble = `${state.kind}: ${printable(reason)}`;
    topics.set(trouble, [...(topics.get(trouble) ?? []), topic]);
  }
  return [...topics].map(([trouble, names]) => {
    const who = names.length > namedTopicsMax ? `${names.length} topics` : names.map(printable).join(', ');
    return `${who} ${trouble}`;
  });
}

/** Why a pipeline does not run, in one line: lists of problems are written below each other. Null while nothing is wrong. */
export function stateReason(state: PipelineState): string | null {
  return state.kind === 'paused' || state.kind === 'stopped' ? state.why.replaceAll(/\s*\n\s*/g, ' ') : null;
}
