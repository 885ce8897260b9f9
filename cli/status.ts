import type { PipelineState, PipelineStatus } from '../ingest/index.ts';
import { printable } from './command-io.ts';
import type { Composition } from './composition.ts';
import type { LiveFigures } from './live-line.ts';

/** What the live line shows now. */
export async function readFigures(composition: Composition): Promise<LiveFigures> {
  const [sources, estimate] = await Promise.all([composition.store.sources(), composition.store.estimate()]);
  const statuses = composition.pipelines.map((pipeline) => pipeline.status());
  return {
    consumedSinceStart: statuses.reduce((sum, status) => sum + status.fatesSinceStart.consumed, 0),
    freshnessMs: composition.freshness.quantile(0.5),
    nodes: estimate.nodes,
    edges: estimate.edges,
    deadLetters: sources.reduce((sum, { fates }) => sum + fates.deadLettered, 0),
    troubles: statuses.flatMap(trouble),
  };
}

function trouble(status: PipelineStatus): string[] {
  const reason = stateReason(status.state);
  return reason === null ? [] : [`${status.topic} ${status.state.kind}: ${printable(reason)}`];
}

/** Why a pipeline does not run; null while nothing is wrong. */
export function stateReason(state: PipelineState): string | null {
  return state.kind === 'paused' || state.kind === 'stopped' ? state.why : null;
}
