import type { SourcePartition, SourceStatus } from './graph-store.ts';

const letterPrefix = 'dlq:';

/** The life under which dead letters of a partition of `<topic>.dlq` are applied again: its positions are not the topic's. */
export function letterLifeOf(source: SourcePartition): SourcePartition {
  return { ...source, topicId: `${letterPrefix}${source.topicId}` };
}

/** True of a life of letters that are applied again: no part of a topic's lag, freshness and fates. */
export function isLetterLife({ topicId }: Pick<SourcePartition, 'topicId'>): boolean {
  return topicId.startsWith(letterPrefix);
}

/** A replay is a life of its own: its position guards and counts nothing but itself. */
export const backfillTopicIdPrefix = 'backfill:';

export function isBackfill({ topicId }: Pick<SourcePartition, 'topicId'>): boolean {
  return topicId.startsWith(backfillTopicIdPrefix);
}

/** Positions of topics as they flow; those of replays and of letters say nothing of how far or how fresh a topic is. */
export function liveSources(sources: readonly SourceStatus[]): readonly SourceStatus[] {
  return sources.filter(({ source }) => !isBackfill(source) && !isLetterLife(source));
}

export function backfillSources(sources: readonly SourceStatus[]): readonly SourceStatus[] {
  return sources.filter(({ source }) => isBackfill(source));
}
