import type { SourceEnd } from './event-source.ts';

/** How long a log keeps a topic's records; null where it does not bound them so. */
export interface LogRetention {
  readonly ms: number | null;
  /** Of a partition. */
  readonly bytes: number | null;
  /** Only the newest record of a key stays. */
  readonly isCompacted: boolean;
}

/** What a log has of a topic, and for how long. */
export interface LogState {
  readonly ends: readonly SourceEnd[];
  readonly retention: LogRetention;
}
