/**
 * A partition of a topic in one life of that topic. A recreated topic has another `topicId`, hence another
 * position: it starts from its own beginning instead of being skipped up to the old topic's offset.
 */
export interface SourcePartition {
  readonly cluster: string;
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
}

/**
 * What became of consumed records. Conservation: consumed = applied + superseded + filtered + deadLettered,
 * at any moment, because the counts move in the same atomic write as the position.
 *
 * - applied: its mutations are in the graph;
 * - superseded: the same event (occurrence) with the same bytes was the last of its id in the same coalescing window, so it added nothing;
 * - filtered: its schema has no mapping, or the mapping's filter left it out;
 * - deadLettered: it can never be applied and was written to the dead letters.
 */
export interface Fates {
  readonly consumed: number;
  readonly applied: number;
  readonly superseded: number;
  readonly filtered: number;
  readonly deadLettered: number;
}

export interface SourceStatus {
  readonly source: SourcePartition;
  readonly epoch: number;
  /** The first offset not yet applied; 0 while nothing was. */
  readonly next: bigint;
  readonly fates: Fates;
  readonly newestEventMs: number;
}
