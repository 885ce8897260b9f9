import type { Log } from '../foundation/index.ts';
import type { DeadLetterWriter, EventSource, LetterLog, LogState, SourceEnd } from '../ingest/index.ts';
import type { BroadcastLog, SubscriptionTable } from '../live-events/index.ts';

/** Where a process's events come from and its dead letters go: Kafka or the embedded log. */
export interface Events {
  /** What a person reads, such as `embedded log, 9 topics`. */
  readonly description: string;
  readonly topics: readonly string[];
  source(topic: string): EventSource;
  /**
   * How far the log of the topic reaches, whoever reads it.
   *
   * @throws {OutageError} while it does not answer, or has no such topic.
   */
  ends(topic: string): Promise<readonly SourceEnd[]>;
  /** Of all its partitions, whatever other processes read. */
  tableSource(topic: string): EventSource;
  /** Of an archiver, which shares the topic with other processes' archivers and with nobody else. */
  archiveSource(topic: string): EventSource;
  /** What the log has of a topic, and how long it keeps it. */
  logState(topic: string): Promise<LogState>;
  deadLetters(topic: string): DeadLetterWriter;
  /** Dead letters of all topics, for reading. */
  letters(): LetterLog;
  /** Of live events, to every process that has gateways. */
  broadcasts(log: Log): BroadcastLog;
  /** Which gateway subscribes which live event, for routers that come later. */
  subscriptions(log: Log): SubscriptionTable;
  close(): Promise<void>;
}
