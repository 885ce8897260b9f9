import type { Clock } from '../foundation/index.ts';
import { addMutationCounts, noMutations } from '../graph-store/index.ts';
import { addNodeWrites, noNodeWrites, type Pipeline } from '../ingest/index.ts';
import type { MutationState, NodeWriteState, TopicState } from '../query-api/index.ts';
import { stateReason } from './status.ts';
import type { TopicWatch, WatchedTopic } from './topic-watch.ts';

/** Of a topic that this process reads, some partitions of it perhaps. */
export function topicState(pipeline: Pick<Pipeline, 'status'>, watch: TopicWatch): TopicState {
  const { topic, state, freshnessMs, partitions } = pipeline.status();
  const own = new Map(
    partitions.flatMap(({ source, assigned, lag }) =>
      assigned && state.kind === 'running' && lag !== null ? [[placeOf(source), lag] as const] : [],
    ),
  );
  const seen = watchedPartitions(watch.seen(topic));
  const known = new Set(seen.map(placeOf));
  const unseen = partitions.flatMap(({ source, lag }) =>
    known.has(placeOf(source))
      ? []
      : [{ partition: source.partition, topicId: source.topicId, lag, waitedMs: null }],
  );
  // What the pipeline was told with its last batch is newer, while it reads. Of nothing that waits, nothing has waited for long.
  const watched = seen.map((one) => {
    const lag = own.get(placeOf(one));
    return lag === undefined ? one : { ...one, lag, waitedMs: lag === 0n ? 0 : one.waitedMs };
  });
  return {
    topic,
    state: state.kind,
    reason: stateReason(state),
    freshnessMs,
    partitions: [...watched, ...unseen],
  };
}

/** Of a topic that other processes read. */
export function topicElsewhere(topic: string, watch: TopicWatch, clock: Clock): TopicState {
  const seen = watch.seen(topic);
  const newestEventMs = seen?.newestEventMs ?? 0;
  return {
    topic,
    state: 'elsewhere',
    reason: null,
    freshnessMs: newestEventMs === 0 ? null : clock.now() - newestEventMs,
    partitions: watchedPartitions(seen),
  };
}

export function nodeWritesOf(pipelines: readonly Pick<Pipeline, 'status'>[]): NodeWriteState {
  const { nodeWrites, nodeWritesSuppressed, nodeWritesCoalesced } = pipelines
    .map((pipeline) => pipeline.status().nodeWritesSinceStart)
    .reduce(addNodeWrites, noNodeWrites);
  return { written: nodeWrites, suppressed: nodeWritesSuppressed, coalesced: nodeWritesCoalesced };
}

export function supersededMutationsOf(pipelines: readonly Pick<Pipeline, 'status'>[]): MutationState {
  const { nodes, edges, steps } = pipelines
    .map((pipeline) => pipeline.status().supersededSinceStart)
    .reduce(addMutationCounts, noMutations);
  return { node: nodes, edge: edges, step: steps };
}

function watchedPartitions(seen: WatchedTopic | null): TopicState['partitions'] {
  return (seen?.lags ?? []).map(({ source, records, waitedMs }) => ({
    partition: source.partition,
    topicId: source.topicId,
    lag: records,
    waitedMs,
  }));
}

function placeOf({ topicId, partition }: { readonly topicId: string; readonly partition: number }): string {
  return `${topicId}/${partition}`;
}
