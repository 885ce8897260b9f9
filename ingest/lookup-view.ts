import { LRUCache } from 'lru-cache';
import { BadDataError } from '../foundation/index.ts';
import { type AvroSchema, compileDecoder, type Decode, type WireLimits } from '../schemas/index.ts';
import { idNumber, type RowWriter } from './lookup-schemas.ts';

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
  /** A row is asked for whose writer's schema is not to be had: it may be by now. */
  wantWriter(writer: RowWriter): void;
}

interface Decoded {
  /** Another row of the key has other bytes: there is nothing to be told. */
  readonly of: EncodedRow;
  /** The writer's schema when it was decoded. */
  readonly by: AvroSchema | null;
  readonly row: unknown;
}

/** Of encoded bytes; what is decoded takes several times as much. */
const decodedBytesMax = 4 * 2 ** 20;
const entryBytes = 256;

/** The rows of a table as the mappings with one schema of it read them; decoded when asked for, the least recently used forgotten. */
export class LookupView {
  readonly #table: RowKeeper;
  readonly #schema: AvroSchema;
  readonly #limits: WireLimits;
  readonly #decoders = new Map<AvroSchema, Decode | BadDataError>();
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
    const { writer } = of;
    if (writer.schema === null) this.#table.wantWriter(writer);
    const known = this.#decoded.get(key);
    if (known?.of === of && known.by === writer.schema) return known.row;
    const row = this.#decode(of);
    this.#decoded.set(key, { of, by: writer.schema, row });
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

  #decoder({ id, schema }: RowWriter): Decode | BadDataError {
    if (schema === null) {
      const { topic } = this.#table;
      const message = `A row of the table ${topic} was written with schema ${id}, which the registry does not know.`;
      return new BadDataError('LOOKUP_ROW_UNREADABLE', message, {
        context: { topic, schemaId: idNumber(id) },
      });
    }
    const known = this.#decoders.get(schema);
    if (known !== undefined) return known;
    const made = this.#compile(idNumber(id), schema);
    this.#decoders.set(schema, made);
    return made;
  }

  #compile(writerId: number, schema: AvroSchema): Decode | BadDataError {
    try {
      const pair = { subject: `the table ${this.#table.topic}`, writerId, readerVersion: 0 };
      return compileDecoder(schema, this.#schema, pair, this.#limits);
    } catch (error) {
      if (error instanceof BadDataError) return error;
      throw error;
    }
  }
}
