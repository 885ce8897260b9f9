import { isUtf8 } from 'node:buffer';
import { BadDataError } from '../foundation/index.ts';
import {
  AvroSchema,
  compileDecoder,
  type Decode,
  type SchemaRegistry,
  type WireLimits,
} from '../schemas/index.ts';
import type { Framing } from './confluent-framing.ts';

/** What wrote keys or rows of a table. */
export interface RowWriter {
  readonly id: number;
  /** Null when it is not to be had: what it wrote cannot be read. */
  readonly schema: AvroSchema | null;
  /** Reads keys that it wrote; null when they are no single value. */
  readonly readKey: ((bytes: Uint8Array, start: number) => string | null) | null;
}

/** Beyond it what newer schemas wrote cannot be read; a topic has as many versions as its producer had ideas. */
const writersMax = 1_000;
const magicByte = 0;
/** Magic byte and schema id; one byte of Avro at least. */
const framedKeyBytesMin = 6;

/** The schemas of one table's records, asked for once each. */
export class LookupSchemas {
  readonly #registry: SchemaRegistry;
  readonly #limits: WireLimits;
  readonly #writers = new Map<number | string, RowWriter>();

  constructor(registry: SchemaRegistry, limits: WireLimits) {
    this.#registry = registry;
    this.#limits = limits;
  }

  /** Null while it has to be learned. */
  writer(framing: Framing): RowWriter | null {
    const known = this.#writers.get(nameOf(framing));
    // Hostile ids without end would otherwise be kept without end.
    return known ?? (this.#writers.size >= writersMax ? oneTooMany : null);
  }

  /** Throws `OutageError` and `StopError` as the registry does. */
  async learn(framing: Framing, signal?: AbortSignal): Promise<void> {
    if (this.#writers.size >= writersMax) return;
    let schema: AvroSchema | null = null;
    try {
      schema = new AvroSchema(await this.#textOf(framing, signal));
    } catch (error) {
      if (!(error instanceof BadDataError)) throw error;
    }
    const id = idOf(framing);
    const readKey = schema === null ? null : compileKey(id, schema, this.#limits);
    this.#writers.set(nameOf(framing), { id, schema, readKey });
  }

  async #textOf(framing: Framing, signal?: AbortSignal): Promise<string> {
    if (framing.kind === 'id') return (await this.#registry.schemaById(framing.schemaId, signal)).text;
    if (this.#registry.schemaByGuid === undefined)
      throw new BadDataError('SCHEMA_GUID_UNSUPPORTED', 'This registry cannot look schemas up by GUID.');
    return (await this.#registry.schemaByGuid(framing.guid, signal)).text;
  }
}

/** What it wrote cannot be read; one for all of them. */
const oneTooMany: RowWriter = { id: -1, schema: null, readKey: null };

/** A key of text has no NUL in front; Confluent's serializers put one there. */
export function keyFraming(key: Uint8Array): Framing | null {
  if (key.length < framedKeyBytesMin || key[0] !== magicByte) return null;
  const schemaId = new DataView(key.buffer, key.byteOffset, key.byteLength).getInt32(1);
  return schemaId < 0 ? null : { kind: 'id', schemaId, start: framedKeyBytesMin - 1 };
}

/** Null for what is no UTF-8. */
export function keyText(key: Uint8Array): string | null {
  return isUtf8(key) ? Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString() : null;
}

function nameOf(framing: Framing): number | string {
  return framing.kind === 'id' ? framing.schemaId : framing.guid;
}

function idOf(framing: Framing): number {
  return framing.kind === 'id' ? framing.schemaId : -1;
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
