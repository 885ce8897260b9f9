import { isUtf8 } from 'node:buffer';
import { BadDataError, type Clock, isAhead } from '../foundation/index.ts';
import {
  AvroSchema,
  compileDecoder,
  type Decode,
  type SchemaRegistry,
  type WireLimits,
} from '../schemas/index.ts';
import { type Framing, readHeaderFraming } from './confluent-framing.ts';
import type { SourceHeader } from './event-source.ts';

type SchemaId = number | string;

/** What wrote keys or rows of a table. Rows hold on to it, so what it lacks may come while they are kept. */
export interface RowWriter {
  /** Of its schema: the id, or the GUID. */
  readonly id: SchemaId;
  /** Null while it is not to be had: what it wrote cannot be read. */
  readonly schema: AvroSchema | null;
  /** Reads keys that it wrote; null when they are no single value. */
  readonly readKey: ((bytes: Uint8Array, start: number) => string | null) | null;
}

interface KnownWriter extends RowWriter {
  schema: RowWriter['schema'];
  readKey: RowWriter['readKey'];
  /** Until when it is not asked for again; of no use once the schema is there. */
  unknownUntilMs: number;
  /** As `unknownUntilMs`, for those who do not wait for the answer. */
  quietUntilMs: number;
  /** Somebody asks for it who waits for nothing else. */
  isAsked: boolean;
}

export interface LookupSchemasParts {
  readonly registry: SchemaRegistry;
  readonly clock: Clock;
  readonly limits: WireLimits;
  /** How long a schema that is not to be had is not asked for again, milliseconds; above zero. */
  readonly negativeMs: number;
}

/** Beyond it what newer schemas wrote cannot be read; a topic has as many versions as its producer had ideas. */
const writersMax = 1_000;
const magicByte = 0;
/** Magic byte and schema id; one byte of Avro at least. */
const framedKeyBytesMin = 6;

/** The schemas of one table's records, asked for once each; those that are not to be had, again after a while. */
export class LookupSchemas {
  readonly #parts: LookupSchemasParts;
  readonly #writers = new Map<SchemaId, KnownWriter>();

  constructor(parts: LookupSchemasParts) {
    this.#parts = parts;
  }

  /** Null while it has to be learned. */
  writer(framing: Framing): RowWriter | null {
    const known = this.#writers.get(idOf(framing));
    // Hostile ids without end would otherwise be kept without end.
    if (known === undefined) return this.#writers.size >= writersMax ? oneTooMany : null;
    return known.schema === null && !this.#isAhead(known.unknownUntilMs) ? null : known;
  }

  /** Throws `OutageError` and `StopError` as the registry does. */
  async learn(framing: Framing, signal?: AbortSignal): Promise<void> {
    const id = idOf(framing);
    const known = this.#writers.get(id);
    if (known === undefined && this.#writers.size >= writersMax) return;
    const writer = known ?? { id, schema: null, readKey: null, ...never };
    await this.#fill(writer, signal);
    this.#writers.set(id, writer);
  }

  /**
   * Asks again for a schema that was not to be had, when it is time to. True when it has come. Throws as `learn` does, and asks no
   * sooner for that.
   */
  async learnAgain({ id }: RowWriter, signal?: AbortSignal): Promise<boolean> {
    const writer = this.#writers.get(id);
    const { clock, negativeMs } = this.#parts;
    if (writer === undefined || writer.schema !== null || writer.isAsked) return false;
    if (this.#isAhead(writer.unknownUntilMs) || this.#isAhead(writer.quietUntilMs)) return false;
    writer.isAsked = true;
    try {
      await this.#fill(writer, signal);
    } finally {
      writer.isAsked = false;
      writer.quietUntilMs = clock.now() + negativeMs;
    }
    return writer.schema !== null;
  }

  async #fill(writer: KnownWriter, signal?: AbortSignal): Promise<void> {
    const { clock, limits, negativeMs } = this.#parts;
    try {
      const schema = new AvroSchema(await this.#textOf(writer.id, signal));
      writer.readKey = compileKey(idNumber(writer.id), schema, limits);
      writer.schema = schema;
    } catch (error) {
      if (!(error instanceof BadDataError)) throw error;
      writer.unknownUntilMs = clock.now() + negativeMs;
    }
  }

  #isAhead(untilMs: number): boolean {
    const { clock, negativeMs } = this.#parts;
    return isAhead(untilMs, negativeMs, clock.now());
  }

  async #textOf(id: SchemaId, signal?: AbortSignal): Promise<string> {
    const { registry } = this.#parts;
    if (typeof id === 'number') return (await registry.schemaById(id, signal)).text;
    if (registry.schemaByGuid === undefined)
      throw new BadDataError('SCHEMA_GUID_UNSUPPORTED', 'This registry cannot look schemas up by GUID.');
    return (await registry.schemaByGuid(id, signal)).text;
  }
}

const never = {
  unknownUntilMs: Number.NEGATIVE_INFINITY,
  quietUntilMs: Number.NEGATIVE_INFINITY,
  isAsked: false,
};

/** What it wrote cannot be read; one for all of them. */
const oneTooMany: RowWriter = { id: -1, schema: null, readKey: null };

/**
 * Null for a key of text, which has no NUL in front: Confluent's serializers put one there, or name the schema in a header.
 *
 * Throws `BadDataError` for a header that names none.
 */
export function keyFraming(key: Uint8Array, headers: readonly SourceHeader[] | null): Framing | null {
  const inHeader = readHeaderFraming(headers, 'key');
  if (inHeader !== null) return inHeader;
  if (key.length < framedKeyBytesMin || key[0] !== magicByte) return null;
  const schemaId = new DataView(key.buffer, key.byteOffset, key.byteLength).getInt32(1);
  return schemaId < 0 ? null : { kind: 'id', schemaId, start: framedKeyBytesMin - 1 };
}

/** Null for what is no UTF-8. */
export function keyText(key: Uint8Array): string | null {
  return isUtf8(key) ? Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString() : null;
}

function idOf(framing: Framing): SchemaId {
  return framing.kind === 'id' ? framing.schemaId : framing.guid;
}

/** For messages; those that go by GUID have none. */
export function idNumber(id: SchemaId): number {
  return typeof id === 'number' ? id : -1;
}

/** A key is a text, an enum, an int or a long, or a record of one of them. */
function compileKey(id: number, schema: AvroSchema, limits: WireLimits): RowWriter['readKey'] {
  const decode: Decode = compileDecoder(
    schema,
    schema,
    { subject: 'a table’s keys', writerId: id, readerVersion: 0 },
    limits,
  );
  return (bytes, start) => {
    try {
      return keyOf(decode(bytes, start, bytes.length));
    } catch (error) {
      if (error instanceof BadDataError) return null;
      throw error;
    }
  };
}

function keyOf(value: unknown): string | null {
  switch (typeof value) {
    case 'string':
      return value;
    case 'bigint':
      return String(value);
    case 'number':
      return Number.isInteger(value) ? String(value) : null;
    case 'object': {
      if (value === null || Array.isArray(value) || value instanceof Uint8Array) return null;
      const fields: readonly unknown[] = Object.values(value);
      const [only] = fields;
      return fields.length === 1 && typeof only !== 'object' ? keyOf(only) : null;
    }
    default:
      return null;
  }
}
