import type { SourcePartition } from './graph-store.ts';

const letterPrefix = 'dlq:';

/** The life under which dead letters of a partition of `<topic>.dlq` are applied again: its positions are not the topic's. */
export function letterLifeOf(source: SourcePartition): SourcePartition {
  return { ...source, topicId: `${letterPrefix}${source.topicId}` };
}

/** True of a life of letters that are applied again: no part of a topic's lag, freshness and fates. */
export function isLetterLife({ topicId }: Pick<SourcePartition, 'topicId'>): boolean {
  return topicId.startsWith(letterPrefix);
}
