import { StopError } from '../../foundation/index.ts';
import type { SourcePartition } from '../../graph-store/index.ts';
import type { SourceRecord } from '../event-source.ts';
import type { Outcome, PackedOutcome, RecordProcessor } from '../record-processor.ts';
import type { BackfillPlan } from './backfill-plan.ts';

/**
 * The topic's processor, held to the mappings that were planned: a history half of which was mapped by one version and half by another is one that
 * nobody asked for. A subject that the plan does not name was in force nowhere when it was made.
 */
export class PlannedProcessor implements RecordProcessor {
  readonly #processor: RecordProcessor;
  readonly #planId: string;
  readonly #versions: ReadonlyMap<string, number>;

  constructor(processor: RecordProcessor, plan: BackfillPlan) {
    this.#processor = processor;
    this.#planId = plan.id;
    this.#versions = new Map(plan.mappings.map(({ subject, version }) => [subject, version]));
  }

  process(record: SourceRecord, source: SourcePartition, seenMs: number): Outcome {
    return this.#asPlanned(this.#processor.process(record, source, seenMs), record);
  }

  pack(record: SourceRecord, source: SourcePartition, seenMs: number): Outcome | PackedOutcome {
    const packed = this.#processor.pack?.(record, source, seenMs);
    return packed === undefined ? this.process(record, source, seenMs) : this.#asPlanned(packed, record);
  }

  #asPlanned<T extends Outcome | PackedOutcome>(outcome: T, record: SourceRecord): T {
    if (outcome.kind !== 'mapped') return outcome;
    const origin = outcome.event.lineage?.origin;
    const planned = origin === undefined ? undefined : this.#versions.get(origin.subject);
    if (origin === undefined || planned === undefined || planned === origin.version) return outcome;
    const message = `The plan ${this.#planId} maps ${origin.subject} by version ${planned}, and version ${origin.version} is in force now: plan again, which makes another replay from the beginning.`;
    throw new StopError('BACKFILL_MAPPING_CHANGED', message, {
      context: { subject: origin.subject, offset: record.offset },
    });
  }

  load(schemaId: number, source: SourcePartition, signal?: AbortSignal): Promise<void> {
    return this.#processor.load(schemaId, source, signal);
  }
}
