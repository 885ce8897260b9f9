import { LRUCache } from 'lru-cache';
import type { XXHashAPI } from 'xxhash-wasm';
import { BadDataError, type Clock, hashes, isAhead, JourneyGraphError } from '../foundation/index.ts';
import type { EventOrigin, PackedEvent, SourcePartition } from '../graph-store/index.ts';
import { hasMeaning, type Rows } from '../processors/index.ts';
import {
  AvroSchema,
  compileDecoder,
  type Decode,
  type SchemaRegistry,
  type WireLimits,
  wireLimitsDefault,
} from '../schemas/index.ts';
import { type Framing, idBytes, plainSchemaId, readFraming } from './confluent-framing.ts';
import { EventPacker } from './event-packer.ts';
import type { SourceRecord } from './event-source.ts';
import { GuidTable } from './guid-table.ts';
import type { LookupTables } from './lookup-tables.ts';
import type { Reader } from './mapping-judge.ts';
import type { SubjectMapping } from './mapping-slot.ts';
import type { MappingsInForce } from './mappings-in-force.ts';
import { RecordLookups } from './record-lookups.ts';
import type { Outcome, PackedOutcome, RecordProcessor } from './record-processor.ts';

/** How the subject of a value is named, as in Confluent's serializers. */
export type SubjectStrategy = 'topic' | 'record' | 'topic-record';

export interface AvroRecordProcessorSettings {
  readonly subjectStrategy: SubjectStrategy;
  readonly wireLimits: WireLimits;
  /** Writer schemas kept ready, least recently used out first. */
  readonly preparedMax: number;
  /** How long "unknown", "unmapped" and "incompatible" hold before the registry is asked again, milliseconds. */
  readonly negativeMs: number;
}

export const avroRecordProcessorDefaults: AvroRecordProcessorSettings = {
  subjectStrategy: 'topic',
  wireLimits: wireLimitsDefault,
  preparedMax: 5_000,
  negativeMs: 30_000,
};

export interface AvroRecordProcessorParts {
  /** Answers repeated ids from memory: see `RegistryCache`. */
  readonly registry: SchemaRegistry;
  /** Shared by all processors of a process. */
  readonly mappings: MappingsInForce;
  /** Shared by all processors of a process; null where no mapping looks anything up. */
  readonly tables: LookupTables | null;
  readonly clock: Clock;
}

/** A writer's schema together with the mapping that its events go by. */
interface Pair {
  readonly schemaId: number;
  readonly writer: AvroSchema;
  readonly mapping: SubjectMapping;
}

/** What is known about a writer's schema. All but `ready` is asked again after a while. */
type Prepared =
  | {
      readonly kind: 'ready';
      readonly pair: Pair;
      readonly reader: Reader;
      readonly decode: Decode;
      /** Null where events have to go the general way. */
      readonly packer: EventPacker | null;
      /** Null when the mapping looks nothing up. */
      readonly lookups: RecordLookups | null;
      /** Sets this subject's occurrence ids apart from every other's. */
      readonly seed: bigint;
      readonly origin: EventOrigin;
    }
  | { readonly kind: 'unmapped'; readonly pair: Pair; readonly reader: null; readonly untilMs: number }
  | {
      readonly kind: 'dead';
      /** Null when the writer's schema itself is not to be had. */
      readonly pair: Pair | null;
      readonly reader: Reader | null;
      readonly error: JourneyGraphError;
      readonly untilMs: number;
    };

/** The subject of a topic's values by the strategy `topic`, the only one that tells it before an event has come. */
export function valueSubjectOf(topic: string): string {
  return `${topic}-value`;
}

const filtered: Outcome = { kind: 'filtered' };
const topicsMax = 1_000;

/**
 * Confluent-framed Avro to mutations: framing, wire scan, decoding to the newest mapped version, filter, normalize, map.
 *
 * One per pipeline. Every record is read by the version that is in force when it comes: where that has changed, the writer's
 * schema, which is kept, is resolved against the new one on the spot, without asking the registry.
 */
export class AvroRecordProcessor implements RecordProcessor {
  readonly #parts: AvroRecordProcessorParts;
  readonly #settings: AvroRecordProcessorSettings;
  readonly #hash: XXHashAPI;
  readonly #guids: GuidTable;
  /** By topic, then by writer's schema id: the subject may depend on both. */
  readonly #topics: LRUCache<string, LRUCache<number, Prepared>>;
  /** The last one used, which is the last that the caches let go: records of one schema come by the million. */
  #last: { readonly topic: string; readonly schemaId: number; readonly prepared: Prepared } | null = null;

  static async create(
    parts: AvroRecordProcessorParts,
    settings: AvroRecordProcessorSettings = avroRecordProcessorDefaults,
  ): Promise<AvroRecordProcessor> {
    return new AvroRecordProcessor(parts, settings, await hashes());
  }

  constructor(parts: AvroRecordProcessorParts, settings: AvroRecordProcessorSettings, hash: XXHashAPI) {
    this.#parts = parts;
    this.#settings = settings;
    this.#hash = hash;
    this.#guids = new GuidTable(settings.preparedMax);
    this.#topics = new LRUCache({ max: topicsMax });
  }

  process(record: SourceRecord, source: SourcePartition, seenMs: number): Outcome {
    const { value } = record;
    if (!hasMeaning(value)) return filtered;
    let stage = 'framing';
    try {
      const framing = readFraming(value, record.headers);
      const schemaId = this.#schemaIdOf(framing);
      const prepared = this.#current(source.topic, schemaId);
      const nowMs = this.#parts.clock.now();
      if (prepared === null) return { kind: 'needs-schema', schemaId };
      if (prepared.kind !== 'ready') {
        if (!isAhead(prepared.untilMs, this.#settings.negativeMs, nowMs))
          return { kind: 'needs-schema', schemaId };
        return prepared.kind === 'unmapped'
          ? filtered
          : { kind: 'dead', stage: 'schema', error: prepared.error };
      }
      stage = 'decode';
      const decoded = prepared.decode(value, framing.start, value.length);
      stage = 'map';
      const { map } = prepared.reader;
      let rows: Rows | undefined;
      if (prepared.lookups !== null) {
        const looked = prepared.lookups.rows(decoded, sinceOf(record, seenMs), nowMs);
        if (looked.kind !== 'rows') return looked;
        ({ rows } = looked);
      }
      const mapped = map(decoded, nowMs, rows);
      if (mapped === null) return filtered;
      const { timeMs, rank, eventId, mutations } = mapped;
      const occurrence =
        eventId === null
          ? this.#hash.h64Raw(value.subarray(framing.start), prepared.seed)
          : this.#hash.h64(eventId, prepared.seed);
      const lineage = { offset: record.offset, origin: prepared.origin };
      const event = { timeMs, rank, occurrence, mutations, lineage };
      return rows === undefined ? { kind: 'mapped', event } : { kind: 'mapped', event, hasRows: true };
    } catch (error) {
      // Anything else is a bug of ours, and a bug is no property of the record.
      if (error instanceof JourneyGraphError && error.reaction === 'bad-data')
        return { kind: 'dead', stage, error };
      throw error;
    }
  }

  pack(record: SourceRecord, source: SourcePartition, seenMs: number): Outcome | PackedOutcome {
    const event = this.#packed(record, source);
    return event === null ? this.process(record, source, seenMs) : { kind: 'mapped', event };
  }

  /** Only where the schema is known and its mapping plain: what is new, or wrong, is `process`'s. */
  #packed({ value, offset, headers }: SourceRecord, { topic }: SourcePartition): PackedEvent | null {
    if (value === null) return null;
    const schemaId = plainSchemaId(value, headers);
    const prepared = schemaId < 0 ? null : this.#current(topic, schemaId);
    if (prepared?.kind !== 'ready' || prepared.packer === null) return null;
    return prepared.packer.pack(value, idBytes, offset, this.#parts.clock.now());
  }

  async load(schemaId: number, source: SourcePartition, signal?: AbortSignal): Promise<void> {
    const { topic } = source;
    try {
      // What waits for a table alone must not wait for the registry too, which may be away for longer.
      const prepared = this.#readyAnyway(topic, schemaId) ?? (await this.#ask(topic, schemaId, signal));
      if (prepared.kind === 'ready') await prepared.lookups?.caughtUp(signal);
      this.#keep(topic, schemaId, prepared);
    } catch (error) {
      if (!(error instanceof BadDataError)) throw error;
      this.#keep(topic, schemaId, {
        kind: 'dead',
        pair: null,
        reader: null,
        error,
        untilMs: this.#untilMs(),
      });
    }
  }

  async #ask(topic: string, schemaId: number, signal?: AbortSignal): Promise<Prepared> {
    const writer = new AvroSchema(await this.#writerText(schemaId, signal));
    const mapping = await this.#parts.mappings.of(this.#subjectOf(writer, topic), signal);
    return this.#prepare({ schemaId, writer, mapping });
  }

  /** Ready but for its tables, by the mapping in force and without the registry; null when that has to be asked. */
  #readyAnyway(topic: string, schemaId: number): (Prepared & { readonly kind: 'ready' }) | null {
    const known = this.#known(topic, schemaId);
    if (known === null || known.pair === null || known.pair.mapping.retired) return null;
    const { pair } = known;
    const prepared = pair.mapping.reader === known.reader ? known : this.#prepare(pair);
    return prepared.kind === 'ready' ? prepared : null;
  }

  /** Null when the schema has to be loaded. */
  #current(topic: string, schemaId: number): Prepared | null {
    const prepared = this.#known(topic, schemaId);
    if (prepared === null) return null;
    const { pair } = prepared;
    if (pair === null) return prepared;
    if (pair.mapping.retired) return null;
    if (pair.mapping.reader === prepared.reader) return isUsable(prepared) ? prepared : null;
    const renewed = this.#prepare(pair);
    if (!isUsable(renewed)) return null;
    this.#keep(topic, schemaId, renewed);
    return renewed;
  }

  #known(topic: string, schemaId: number): Prepared | null {
    if (this.#last?.schemaId === schemaId && this.#last.topic === topic) return this.#last.prepared;
    const prepared = this.#topics.get(topic)?.get(schemaId);
    if (prepared === undefined) return null;
    this.#last = { topic, schemaId, prepared };
    return prepared;
  }

  /** A GUID gets a number of our own, so that all else deals with numbers. */
  #schemaIdOf(framing: Framing): number {
    return framing.kind === 'id' ? framing.schemaId : this.#guids.idOf(framing.guid);
  }

  #untilMs(): number {
    return this.#parts.clock.now() + this.#settings.negativeMs;
  }

  #keep(topic: string, schemaId: number, prepared: Prepared): void {
    let schemas = this.#topics.get(topic);
    if (schemas === undefined) {
      schemas = new LRUCache({ max: this.#settings.preparedMax });
      this.#topics.set(topic, schemas);
    }
    schemas.set(schemaId, prepared);
    this.#last = { topic, schemaId, prepared };
  }

  #prepare(pair: Pair): Prepared {
    const { schemaId, writer, mapping } = pair;
    const { reader } = mapping;
    if (reader === null) return { kind: 'unmapped', pair, reader, untilMs: this.#untilMs() };
    const { subject, version, schema } = reader.from;
    try {
      const names = { subject, writerId: schemaId, readerVersion: version };
      const decode = compileDecoder(writer, schema, names, this.#settings.wireLimits);
      this.#parts.mappings.noteWriter(mapping.subject, schemaId, writer);
      const lookups = RecordLookups.of(reader, this.#parts.tables);
      // Numbers below zero are our own, for schemas that go by GUID.
      const origin = { schemaId: Math.max(schemaId, -1), subject, version };
      const seed = this.#hash.h64(mapping.subject);
      const packer = this.#packerOf(pair, reader, { seed, origin });
      return { kind: 'ready', pair, reader, decode, packer, lookups, seed, origin };
    } catch (error) {
      if (!(error instanceof BadDataError)) throw error;
      return { kind: 'dead', pair, reader, error, untilMs: this.#untilMs() };
    }
  }

  /** Where a writer's schema is another than the mapping's, its fields lie elsewhere. */
  #packerOf(
    { writer }: Pair,
    { plain, from }: Reader,
    of: { readonly seed: bigint; readonly origin: EventOrigin },
  ): EventPacker | null {
    if (plain === null || writer.text !== from.schema.text) return null;
    return new EventPacker(plain, writer, this.#settings.wireLimits, this.#hash, of);
  }

  async #writerText(schemaId: number, signal?: AbortSignal): Promise<string> {
    const { registry } = this.#parts;
    if (schemaId >= 0) return (await registry.schemaById(schemaId, signal)).text;
    const guid = this.#guids.guidOf(schemaId);
    if (registry.schemaByGuid === undefined || guid === null) {
      throw new BadDataError(
        'SCHEMA_GUID_UNSUPPORTED',
        'The value names its schema by GUID, and this schema registry cannot look schemas up by GUID.',
      );
    }
    return (await registry.schemaByGuid(guid, signal)).text;
  }

  #subjectOf(writer: AvroSchema, topic: string): string {
    const { subjectStrategy } = this.#settings;
    if (subjectStrategy === 'topic') return valueSubjectOf(topic);
    if (writer.name === null) {
      throw new BadDataError(
        'SCHEMA_NAMELESS',
        `The schema has no name, so its subject cannot be told by the strategy \`${subjectStrategy}\`.`,
      );
    }
    return subjectStrategy === 'record' ? writer.name : `${topic}-${writer.name}`;
  }
}

/** False while a table that its lookups need has not been read to its end, or cannot be read: loading again waits for it. */
function isUsable(prepared: Prepared): boolean {
  return prepared.kind !== 'ready' || prepared.lookups === null || prepared.lookups.usable;
}

/** When the record was written, as far as that is known and not in the future. */
function sinceOf({ timestampMs }: SourceRecord, seenMs: number): number {
  return timestampMs < 0 ? seenMs : Math.min(timestampMs, seenMs);
}
