import type { JourneyGraphError } from '../foundation/index.ts';
import type { SourcePartition } from '../graph-store/index.ts';
import type { SourceRecord } from './event-source.ts';

/** A record that can never be applied, with where it came from and why. */
export interface DeadLetter {
  readonly source: SourcePartition;
  readonly record: SourceRecord;
  readonly error: JourneyGraphError;
  /** Which stage refused it: `framing`, `schema`, `decode`, `map`. */
  readonly stage: string;
}

/**
 * Where dead letters go: `<topic>.dlq`, with Kafka Connect's `__connect.errors.*` headers and the original key, bytes,
 * timestamp and headers.
 *
 * Called by the pipeline before the batch's position moves. Resolving is the acknowledgement that every letter is durable
 * in the log; an `OutageError` makes the pipeline pause and send the same letters again. So a crash in between may write
 * a letter twice (same topic, partition and offset in its headers), but can never lose one.
 */
export interface DeadLetterWriter {
  write(letters: readonly DeadLetter[]): Promise<void>;
  close(): Promise<void>;
}
