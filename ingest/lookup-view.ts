import { LRUCache } from 'lru-cache';
import { BadDataError } from '../foundation/index.ts';
import { type AvroSchema, compileDecoder, type Decode, type WireLimits } from '../schemas/index.ts';
import type { RowWriter } from './lookup-schemas.ts';

/** A row as the table keeps it: its Avro bytes, and what wrote them. */
export interface EncodedRow {
  readonly bytes: Uint8Array;
  readonly writer: RowWriter;
}

/** What a view reads. */
export interface RowKeeper {
  readonly topic: string;
  encoded(key: string): EncodedRow | null;
  /** A row is there and cannot be read with the mapping's schema. */
  unreadable(error: BadDataError): void;
}

interface Decoded {
  /** Another row of the key has other bytes: there is nothing to be told. */
  readonly of: EncodedRow;
  readonly row: unknown;
}

/** Of encoded bytes; what is decoded takes several times as much. */
const decodedBytesMax = 4 * 2 ** 20;
const entryBytes = 256;

/** The rows of a table as one mapping reads them; decoded when asked for, the least recently used forgotten. */
export class LookupView {
  readonly #table: RowKeeper;
  readonly #schema: AvroSchema;
  readonly #limits: WireLimits;
  readonly #decoders = new Map<RowWriter, Decode | BadDataError>();
  readonly #decoded = new LRUCache<string, Decoded>({
    maxSize: decodedBytesMax,
    sizeCalculation: ({ of }, key) => of.bytes.length + key.length + entryBytes,
  });

  constructor(table: RowKeeper, schema: AvroSchema, limits: WireLimits) {
    this.#table = table;
    this.#schema = schema;
    this.#limits = limits;
  }

  /** Null when there is no row of that key, or none that can be read. */
  row(key: string): unknown {
    const of = this.#table.encoded(key);
    if (of === null) return null;
    const known = this.#decoded.get(key);
    if (known?.of === of) return known.row;
    const row = this.#decode(of);
    this.#decoded.set(key, { of, row });
    return row;
  }

  #decode({ bytes, writer }: EncodedRow): unknown {
    const decode = this.#decoder(writer);
    try {
      if (decode instanceof BadDataError) throw decode;
      return decode(bytes, 0, bytes.length);
    } catch (error) {
      if (!(error instanceof BadDataError)) throw error;
      this.#table.unreadable(error);
      return null;
    }
  }

  #decoder(writer: RowWriter): Decode | BadDataError {
    const known = this.#decoders.get(writer);
    if (known !== undefined) return known;
    const made = this.#compile(writer);
    this.#decoders.set(writer, made);
    return made;
  }

  #compile({ id, schema }: RowWriter): Decode | BadDataError {
    const { topic } = this.#table;
    if (schema === null) {
      const message = `A row of the table ${topic} was written with schema ${id}, which the registry does not know.`;
      return new BadDataError('LOOKUP_ROW_UNREADABLE', message, { context: { topic, schemaId: id } });
    }
    try {
      const pair = { subject: `the table ${topic}`, writerId: id, readerVersion: 0 };
      return compileDecoder(schema, this.#schema, pair, this.#limits);
    } catch (error) {
      if (error instanceof BadDataError) return error;
      throw error;
    }
  }
}
