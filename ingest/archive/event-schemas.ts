import { LRUCache } from 'lru-cache';
import {
  type ArchivedSchemas,
  type EventField,
  eventFields,
  eventReaders,
  type ReadValue,
} from '../../archive/index.ts';
import { BadDataError, type Clock, isAhead } from '../../foundation/index.ts';
import {
  AvroSchema,
  compileDecoder,
  type Decode,
  type SchemaRegistry,
  type WireLimits,
} from '../../schemas/index.ts';
import { type Framing, readFraming } from '../confluent-framing.ts';
import type { SourceRecord } from '../event-source.ts';
import type { TopicTable } from './topic-table.ts';

export interface EventSchemasParts {
  readonly table: TopicTable;
  readonly archived: ArchivedSchemas;
  readonly registry: SchemaRegistry;
  readonly clock: Clock;
}

export interface EventSchemasLimits {
  /** Columns for the fields of events; 0: none, the raw bytes alone. */
  readonly columnsMax: number;
  readonly wireLimits: WireLimits;
  /** Schemas kept ready, least recently used out first. */
  readonly schemasMax: number;
  /** How long an id that the registry does not know is not asked for again. */
  readonly negativeMs: number;
}

/** What a record says besides its bytes. */
export interface ReadEvent {
  readonly schemaId: number | null;
  /** Null: its bytes could not be read, or are none of an event. */
  readonly event: unknown;
  /** For each of the table's event columns. */
  readonly readers: readonly (ReadValue | null)[];
}

interface Known {
  readonly fields: readonly EventField[];
  readonly decode: Decode;
  /** Of the table's columns that the readers are for. */
  version: number;
  readers: readonly (ReadValue | null)[];
}

const unread: ReadEvent = { schemaId: null, event: null, readers: [] };

/** The schemas of a topic's records: kept beside the table, and made into columns of it. */
export class EventSchemas {
  readonly #parts: EventSchemasParts;
  readonly #limits: EventSchemasLimits;
  readonly #known: LRUCache<number | string, Known>;
  /** Until when ids are not asked for again; `Infinity`: for good, such as a schema that is archived and cannot be compiled. Apart, so that rubbish puts no schema out. */
  readonly #rawUntilMs: LRUCache<number | string, number>;
  readonly #loading = new Map<number | string, Promise<void>>();
  /** Records whose bytes are archived and whose columns are null, though there is a schema for them. */
  undecoded = 0;

  constructor(parts: EventSchemasParts, limits: EventSchemasLimits) {
    this.#parts = parts;
    this.#limits = limits;
    this.#known = new LRUCache({ max: limits.schemasMax });
    this.#rawUntilMs = new LRUCache({ max: limits.schemasMax });
  }

  /**
   * Loads the records' schemas, each once, so that this ends whatever producers wrote: of more than are kept, some are read as bytes alone.
   *
   * @throws what the registry, the store and the catalog do; an unknown or invalid schema is no error.
   */
  async prepare(records: readonly SourceRecord[], cluster: string): Promise<void> {
    const looked = new Set<number | string>();
    for (const record of records) {
      const id = idOf(framingOf(record));
      if (id === null || looked.has(id)) continue;
      looked.add(id);
      if (this.#isMissing(id)) await this.#loadOnce(id, cluster);
    }
  }

  #isMissing(id: number | string): boolean {
    const untilMs = this.#rawUntilMs.get(id);
    if (untilMs === Number.POSITIVE_INFINITY) return false;
    if (untilMs !== undefined) return !isAhead(untilMs, this.#limits.negativeMs, this.#parts.clock.now());
    return this.#known.get(id) === undefined;
  }

  async #loadOnce(id: number | string, cluster: string): Promise<void> {
    const before = this.#loading.get(id);
    if (before !== undefined) return await before;
    const loading = this.#load(id, cluster).finally(() => this.#loading.delete(id));
    this.#loading.set(id, loading);
    await loading;
  }

  read(record: SourceRecord): ReadEvent {
    const framing = framingOf(record);
    const id = idOf(framing);
    const { value } = record;
    if (framing === null || id === null || value === null) return unread;
    const schemaId = typeof id === 'number' ? id : null;
    const entry = this.#known.get(id);
    if (entry === undefined) return { ...unread, schemaId };
    try {
      const event = entry.decode(value, framing.start, value.length);
      return { schemaId, event, readers: this.#readers(entry) };
    } catch (error) {
      if (!(error instanceof BadDataError)) throw error;
      this.undecoded += 1;
      return { ...unread, schemaId };
    }
  }

  async #load(id: number | string, cluster: string): Promise<void> {
    const { archived, clock } = this.#parts;
    const text = await this.#text(id);
    if (text === null) {
      this.#rawUntilMs.set(id, clock.now() + this.#limits.negativeMs);
      return;
    }
    await archived.keep(cluster, id, text);
    const known = this.#limits.columnsMax === 0 ? null : this.#compile(id, text);
    if (known !== null) await this.#parts.table.addColumns(known.fields, this.#limits.columnsMax);
    if (known === null) {
      this.#rawUntilMs.set(id, Number.POSITIVE_INFINITY);
      return;
    }
    this.#rawUntilMs.delete(id);
    this.#known.set(id, known);
  }

  async #text(id: number | string): Promise<string | null> {
    const { registry } = this.#parts;
    try {
      if (typeof id === 'number') return (await registry.schemaById(id)).text;
      return registry.schemaByGuid === undefined ? null : (await registry.schemaByGuid(id)).text;
    } catch (error) {
      if (error instanceof BadDataError) return null;
      throw error;
    }
  }

  #compile(id: number | string, text: string): Known | null {
    try {
      const schema = new AvroSchema(text);
      const fields = eventFields(schema);
      if (fields === null) return null;
      const writerId = typeof id === 'number' ? id : -1;
      const pair = { subject: this.#parts.table.topic, writerId, readerVersion: 0 };
      const decode = compileDecoder(schema, schema, pair, this.#limits.wireLimits);
      return { fields, decode, version: -1, readers: [] };
    } catch (error) {
      if (error instanceof BadDataError) return null;
      throw error;
    }
  }

  #readers(entry: Known): readonly (ReadValue | null)[] {
    const { table } = this.#parts;
    if (entry.version !== table.version) {
      entry.version = table.version;
      entry.readers = eventReaders(entry.fields, table.eventColumns, table.fieldIds);
    }
    return entry.readers;
  }
}

function idOf(framing: Framing | null): number | string | null {
  if (framing === null) return null;
  return framing.kind === 'id' ? framing.schemaId : framing.guid;
}

/** Null: a tombstone, or no event; both are archived as they are. */
function framingOf({ value, headers }: SourceRecord): Framing | null {
  if (value === null) return null;
  try {
    return readFraming(value, headers);
  } catch (error) {
    if (error instanceof BadDataError) return null;
    throw error;
  }
}
