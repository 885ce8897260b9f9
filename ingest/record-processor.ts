import type { JourneyGraphError } from '../foundation/index.ts';
import type { EventMutations, PackedEvent, SourcePartition } from '../graph-store/index.ts';
import type { SourceRecord } from './event-source.ts';

/** What a record turned out to be. */
export type Outcome =
  | {
      readonly kind: 'mapped';
      readonly event: EventMutations;
      /** Rows of tables had a part in it: the same bytes may come to something else a moment later. */
      readonly hasRows?: true;
    }
  | { readonly kind: 'filtered' }
  | { readonly kind: 'dead'; readonly stage: string; readonly error: JourneyGraphError }
  /** Its schema is not loaded yet: call `load`, then `process` the record again. */
  | { readonly kind: 'needs-schema'; readonly schemaId: number }
  /** A table has no row for it yet and its mapping waits for one: call `arrival`, then `process` the record again. */
  | {
      readonly kind: 'needs-row';
      readonly table: RowArrivals;
      readonly key: string;
      /** By the clock; from then on `process` does without. */
      readonly untilMs: number;
    };

/** An event that was packed on the spot: its mutations are bytes, and are the processor's again at the next call. */
export interface PackedOutcome {
  readonly kind: 'mapped';
  readonly event: PackedEvent;
  readonly hasRows?: never;
}

/** Where rows come in. */
export interface RowArrivals {
  readonly topic: string;
  /** Resolves when the key's row came, at `untilMs`, when there is another reason to process the record again, or when `signal` aborts. */
  arrival(key: string, untilMs: number, signal: AbortSignal): Promise<void>;
}

/**
 * From a record to mutations: framing, decoding and all processors behind one call.
 *
 * `process` is called by the pipeline for every record, in offset order; it is synchronous, does no I/O and does not throw
 * for anything that a record contains. `seenMs` is when the record was fetched. `load` is called when `process` asked for it, one at a time; it throws `OutageError`
 * when the registry does not answer or a table cannot be read (the pipeline pauses and calls again) and `StopError` when a person must act. After it
 * resolved, `process` answers for that schema id: an id that the registry does not know answers `dead`.
 */
export interface RecordProcessor {
  process(record: SourceRecord, source: SourcePartition, seenMs: number): Outcome;
  /** As `process`, for whoever only adds the event to a batch: where it can it spares making objects of the mutations. */
  pack?(record: SourceRecord, source: SourcePartition, seenMs: number): Outcome | PackedOutcome;
  load(schemaId: number, source: SourcePartition, signal?: AbortSignal): Promise<void>;
}
