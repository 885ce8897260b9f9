import type { JourneyGraphError } from '../foundation/index.ts';
import type { EventMutations, SourcePartition } from '../graph-store/index.ts';
import type { SourceRecord } from './event-source.ts';

/** What a record turned out to be. */
export type Outcome =
  | { readonly kind: 'mapped'; readonly event: EventMutations }
  | { readonly kind: 'filtered' }
  | { readonly kind: 'dead'; readonly stage: string; readonly error: JourneyGraphError }
  /** Its schema is not loaded yet: call `load`, then `process` the record again. */
  | { readonly kind: 'needs-schema'; readonly schemaId: number };

/**
 * From a record to mutations: framing, decoding and all processors behind one call.
 *
 * `process` is called by the pipeline for every record, in offset order; it is synchronous, does no I/O and does not throw
 * for anything that a record contains. `load` is called when `process` asked for it, one at a time; it throws `OutageError`
 * when the registry does not answer (the pipeline pauses and calls again) and `StopError` when a person must act. After it
 * resolved, `process` answers for that schema id: an id that the registry does not know answers `dead`.
 */
export interface RecordProcessor {
  process(record: SourceRecord, source: SourcePartition): Outcome;
  load(schemaId: number, source: SourcePartition, signal?: AbortSignal): Promise<void>;
}
