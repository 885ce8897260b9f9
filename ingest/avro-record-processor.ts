import { LRUCache } from 'lru-cache';
import xxhash, { type XXHashAPI } from 'xxhash-wasm';
import { BadDataError, type Clock, JourneyGraphError } from '../foundation/index.ts';
import type { SourcePartition } from '../graph-store/index.ts';
import {
  compileMap,
  hasMeaning,
  type MapEvent,
  mapSettingsDefault,
  normalizers,
} from '../processors/index.ts';
import {
  AvroSchema,
  compileDecoder,
  compileMapping,
  type Decode,
  type MappingPlan,
  type SchemaRegistry,
  type SubjectVersion,
  type WireLimits,
  wireLimitsDefault,
} from '../schemas/index.ts';
import { type Framing, readFraming } from './confluent-framing.ts';
import type { SourceRecord } from './event-source.ts';
import { GuidTable } from './guid-table.ts';
import type { Outcome, RecordProcessor } from './record-processor.ts';

/** How the subject of a value is named, as in Confluent's serializers. */
export type SubjectStrategy = 'topic' | 'record' | 'topic-record';

export interface AvroRecordProcessorSettings {
  readonly subjectStrategy: SubjectStrategy;
  /** How far ahead of the clock an event's time may lie, milliseconds. */
  readonly futureMsMax: number;
  /** How many mutations one event may mean; more are bad data. */
  readonly mutationsMax: number;
  readonly wireLimits: WireLimits;
  /** Writer schemas kept ready, least recently used out first. */
  readonly preparedMax: number;
  /** How long "unknown", "unmapped" and "incompatible" hold before the registry is asked again, milliseconds. */
  readonly negativeMs: number;
}

export const avroRecordProcessorDefaults: AvroRecordProcessorSettings = {
  subjectStrategy: 'topic',
  ...mapSettingsDefault,
  wireLimits: wireLimitsDefault,
  preparedMax: 5_000,
  negativeMs: 30_000,
};

interface Ready {
  readonly kind: 'ready';
  readonly subject: string;
  readonly plan: MappingPlan;
  readonly decode: Decode;
  readonly map: MapEvent;
  /** Sets this subject's occurrence ids apart from every other's. */
  readonly seed: bigint;
}

/** What is known about a writer's schema. All but `ready` is asked again after a while. */
type Prepared =
  | Ready
  | { readonly kind: 'unmapped'; readonly untilMs: number }
  | { readonly kind: 'dead'; readonly error: JourneyGraphError; readonly untilMs: number };

interface Reader {
  readonly version: number;
  readonly schema: AvroSchema;
  readonly plan: MappingPlan;
  readonly map: MapEvent;
}

const filtered: Outcome = { kind: 'filtered' };
const subjectsMax = 1_000;

/**
 * Confluent-framed Avro to mutations: framing, wire scan, decoding to the newest mapped version, filter, normalize, map.
 *
 * One per pipeline. The newest mapped version of a subject is looked up whenever a writer's schema is met for the first
 * time; when it has changed, every schema of that subject is prepared anew against it.
 */
export class AvroRecordProcessor implements RecordProcessor {
  readonly #registry: SchemaRegistry;
  readonly #clock: Clock;
  readonly #settings: AvroRecordProcessorSettings;
  readonly #hash: XXHashAPI;
  readonly #guids: GuidTable;
  /** By topic, then by writer's schema id: the subject may depend on both. */
  readonly #topics: LRUCache<string, LRUCache<number, Prepared>>;
  readonly #readers = new LRUCache<string, Reader>({ max: subjectsMax });

  /** `registry` answers repeated ids from memory: see `RegistryCache`. */
  static async create(
    registry: SchemaRegistry,
    clock: Clock,
    settings: AvroRecordProcessorSettings = avroRecordProcessorDefaults,
  ): Promise<AvroRecordProcessor> {
    return new AvroRecordProcessor(registry, clock, settings, await xxhash());
  }

  constructor(
    registry: SchemaRegistry,
    clock: Clock,
    settings: AvroRecordProcessorSettings,
    hash: XXHashAPI,
  ) {
    this.#registry = registry;
    this.#clock = clock;
    this.#settings = settings;
    this.#hash = hash;
    this.#guids = new GuidTable(settings.preparedMax);
    this.#topics = new LRUCache({ max: subjectsMax });
  }

  process(record: SourceRecord, source: SourcePartition): Outcome {
    const { value } = record;
    if (!hasMeaning(value)) return filtered;
    let stage = 'framing';
    try {
      const framing = readFraming(value, record.headers);
      const schemaId = this.#schemaIdOf(framing);
      const prepared = this.#topics.get(source.topic)?.get(schemaId);
      const nowMs = this.#clock.now();
      if (prepared === undefined) return { kind: 'needs-schema', schemaId };
      if (prepared.kind !== 'ready') {
        if (nowMs >= prepared.untilMs) return { kind: 'needs-schema', schemaId };
        return prepared.kind === 'unmapped'
          ? filtered
          : { kind: 'dead', stage: 'schema', error: prepared.error };
      }
      stage = 'decode';
      const event = prepared.decode(value, framing.start, value.length);
      stage = 'map';
      const mapped = prepared.map(event, nowMs);
      if (mapped === null) return filtered;
      const { timeMs, eventId, mutations } = mapped;
      const { rank } = prepared.plan;
      const occurrence =
        eventId === null
          ? this.#hash.h64Raw(value.subarray(framing.start), prepared.seed)
          : this.#hash.h64(eventId, prepared.seed);
      return { kind: 'mapped', event: { timeMs, rank, occurrence, mutations } };
    } catch (error) {
      // Anything else is a bug of ours, and a bug is no property of the record.
      if (error instanceof JourneyGraphError && error.reaction === 'bad-data')
        return { kind: 'dead', stage, error };
      throw error;
    }
  }

  async load(schemaId: number, source: SourcePartition, signal?: AbortSignal): Promise<void> {
    const { topic } = source;
    try {
      this.#keep(topic, schemaId, await this.#prepare(schemaId, topic, signal));
    } catch (error) {
      if (!(error instanceof BadDataError)) throw error;
      this.#keep(topic, schemaId, { kind: 'dead', error, untilMs: this.#untilMs() });
    }
  }

  /** A GUID gets a number of our own, so that all else deals with numbers. */
  #schemaIdOf(framing: Framing): number {
    return framing.kind === 'id' ? framing.schemaId : this.#guids.idOf(framing.guid);
  }

  #untilMs(): number {
    return this.#clock.now() + this.#settings.negativeMs;
  }

  #keep(topic: string, schemaId: number, prepared: Prepared): void {
    let schemas = this.#topics.get(topic);
    if (schemas === undefined) {
      schemas = new LRUCache({ max: this.#settings.preparedMax });
      this.#topics.set(topic, schemas);
    }
    schemas.set(schemaId, prepared);
  }

  async #prepare(schemaId: number, topic: string, signal?: AbortSignal): Promise<Prepared> {
    const text = await this.#writerText(schemaId, signal);
    const writer = new AvroSchema(text);
    const subject = this.#subjectOf(writer, topic);
    const reader = await this.#reader(subject, signal);
    if (reader === null) return { kind: 'unmapped', untilMs: this.#untilMs() };
    const { schema, plan, map, version } = reader;
    const pair = { subject, writerId: schemaId, readerVersion: version };
    const decode = compileDecoder(writer, schema, pair, this.#settings.wireLimits);
    return { kind: 'ready', subject, plan, decode, map, seed: this.#hash.h64(subject) };
  }

  async #writerText(schemaId: number, signal?: AbortSignal): Promise<string> {
    if (schemaId >= 0) return (await this.#registry.schemaById(schemaId, signal)).text;
    const guid = this.#guids.guidOf(schemaId);
    if (this.#registry.schemaByGuid === undefined || guid === null) {
      throw new BadDataError(
        'SCHEMA_GUID_UNSUPPORTED',
        'The value names its schema by GUID, and this schema registry cannot look schemas up by GUID.',
      );
    }
    return (await this.#registry.schemaByGuid(guid, signal)).text;
  }

  #subjectOf(writer: AvroSchema, topic: string): string {
    const { subjectStrategy } = this.#settings;
    if (subjectStrategy === 'topic') return `${topic}-value`;
    if (writer.name === null) {
      throw new BadDataError(
        'SCHEMA_NAMELESS',
        `The schema has no name, so its subject cannot be told by the strategy \`${subjectStrategy}\`.`,
      );
    }
    return subjectStrategy === 'record' ? writer.name : `${topic}-${writer.name}`;
  }

  /** Null when no version of the subject carries a mapping. Throws `StopError` when the newest that does is invalid. */
  async #reader(subject: string, signal?: AbortSignal): Promise<Reader | null> {
    const newest = await this.#newestMapped(subject, signal);
    if (newest === null) return null;
    const { version, schema } = newest;
    const known = this.#readers.get(subject);
    if (known?.version === version && known.schema.text === schema.text) return known;
    const plan = compileMapping({ subject, version }, schema, normalizers);
    const { futureMsMax, mutationsMax } = this.#settings;
    const map = compileMap(plan, { futureMsMax, mutationsMax });
    const reader = { version, schema, plan, map };
    this.#readers.set(subject, reader);
    if (known !== undefined) this.#forget(subject);
    return reader;
  }

  async #newestMapped(subject: string, signal?: AbortSignal): Promise<MappedVersion | null> {
    const latest = await this.#registry.latest(subject, signal);
    if (latest === null) return null;
    const mapped = mappedVersion(latest);
    if (mapped !== null) return mapped;
    for (const version of (await this.#registry.versions(subject, signal)).toReversed()) {
      const older = mappedVersion(version);
      if (older !== null) return older;
    }
    return null;
  }

  /** Schemas of a subject whose reader has changed are prepared again when they are next met. */
  #forget(subject: string): void {
    for (const schemas of this.#topics.values()) {
      for (const [id, prepared] of [...schemas.entries()]) {
        if (prepared.kind === 'ready' && prepared.subject === subject) schemas.delete(id);
      }
    }
  }
}

interface MappedVersion {
  readonly version: number;
  readonly schema: AvroSchema;
}

/** Null when the version carries no mapping, or is no valid schema and so cannot mean anything. */
function mappedVersion({ version, schema: { text } }: SubjectVersion): MappedVersion | null {
  if (!text.includes('"graph"')) return null;
  try {
    const schema = new AvroSchema(text);
    return schema.graph === undefined ? null : { version, schema };
  } catch (error) {
    if (error instanceof BadDataError) return null;
    throw error;
  }
}
