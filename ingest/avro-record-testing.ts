import { type Clock, silentLog } from '../foundation/index.ts';
import type { EventMutations } from '../graph-store/index.ts';
import type { SchemaRegistry } from '../schemas/index.ts';
import {
  AvroRecordProcessor,
  type AvroRecordProcessorSettings,
  avroRecordProcessorDefaults,
} from './avro-record-processor.ts';
import type { SourceHeader, SourceRecord } from './event-source.ts';
import type { LookupTables } from './lookup-tables.ts';
import { MappingsInForce } from './mappings-in-force.ts';
import type { Outcome } from './record-processor.ts';

/** What the processor's tests share. */

export function processorOver(
  registry: SchemaRegistry,
  clock: Clock,
  settings: AvroRecordProcessorSettings = avroRecordProcessorDefaults,
  tables: LookupTables | null = null,
): Promise<AvroRecordProcessor> {
  const mappings = new MappingsInForce({ registry, clock, random: () => 0.5, log: silentLog });
  return AvroRecordProcessor.create({ registry, mappings, tables, clock }, settings);
}

export const sourceOf = (topic: string) => ({ cluster: 'c', topic, topicId: 't', partition: 0 });

export function recordOf(
  value: Uint8Array | null,
  headers: readonly SourceHeader[] | null = null,
): SourceRecord {
  return { offset: 0n, timestampMs: -1, key: null, value, headers };
}

/** As the pipeline does: loads what is asked for, then asks again. */
export async function run(
  processor: AvroRecordProcessor,
  topic: string,
  record: SourceRecord,
  seenMs = 0,
): Promise<Outcome> {
  const first = processor.process(record, sourceOf(topic), seenMs);
  if (first.kind !== 'needs-schema') return first;
  await processor.load(first.schemaId, sourceOf(topic));
  return processor.process(record, sourceOf(topic), seenMs);
}

export function eventOf(outcome: Outcome): EventMutations {
  if (outcome.kind !== 'mapped')
    throw new Error(`expected a mapped event, not ${JSON.stringify(describeOutcome(outcome))}`);
  return outcome.event;
}

export function describeOutcome(outcome: Outcome): unknown {
  return outcome.kind === 'dead'
    ? { stage: outcome.stage, code: outcome.error.code, path: outcome.error.context.path }
    : outcome.kind;
}
