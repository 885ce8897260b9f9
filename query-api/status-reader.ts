export type TopicStateKind = 'idle' | 'running' | 'paused' | 'finished' | 'stopped';

/** What only the running process knows about a topic; positions and fates come from the store. */
export interface TopicState {
  readonly topic: string;
  readonly state: TopicStateKind;
  /** Why it is paused or stopped; null while nothing is wrong. */
  readonly reason: string | null;
  /** Now minus the newest event time made durable, milliseconds; null when there was none since the start. */
  readonly freshnessMs: number | null;
  readonly partitions: readonly {
    readonly partition: number;
    readonly topicId: string;
    readonly lag: bigint | null;
  }[];
}

/** The API's view of the pipelines beside it. Composition implements it; all calls are cheap and synchronous. */
export interface StatusReader {
  readonly version: string;
  readonly startedAtMs: number;
  topics(): readonly TopicState[];
  /** False while requests should go elsewhere: starting, stopping, or nothing of ours runs any more. */
  ready(): boolean;
  /** Milliseconds from event time to durable over about the last minute, within 5 %; null when nothing came. */
  freshnessQuantileMs(share: number): number | null;
}
