import { type AvroBytes, AvroFault, type AvroParts, type AvroRecord, type AvroValue } from './avro-datum.ts';
import { isList, type Json, type JsonObject } from './iceberg-json.ts';
import { isObject } from './json-fields.ts';

export type AvroRead = (bytes: AvroBytes) => AvroValue;
export type AvroWrite = (parts: AvroParts, value: AvroValue) => void;
/** What a field is called in what is read. `id` is null where the schema gives none. */
export type FieldName = (id: number | null, name: string) => string;

const depthMax = 30;
const typesMax = 10_000;

/** Compiles a schema that anybody may have written. @throws AvroFault */
export function compileRead(schema: Json, fieldName: FieldName): AvroRead {
  return new ReadCompiler(fieldName).compile(schema, 0);
}

const primitives: ReadonlyMap<Json, AvroRead> = new Map<Json, AvroRead>([
  ['null', () => null],
  ['boolean', (bytes) => bytes.byte() !== 0],
  ['int', (bytes) => bytes.int()],
  ['long', (bytes) => bytes.long()],
  ['float', (bytes) => bytes.float()],
  ['double', (bytes) => bytes.double()],
  ['bytes', (bytes) => bytes.sized()],
  ['string', (bytes) => bytes.text()],
]);

class ReadCompiler {
  readonly #fieldName: FieldName;
  readonly #named = new Map<string, AvroRead>();
  #types = 0;

  constructor(fieldName: FieldName) {
    this.#fieldName = fieldName;
  }

  compile(schema: Json, depth: number): AvroRead {
    this.#types += 1;
    if (depth > depthMax || this.#types > typesMax) throw new AvroFault('has a schema that is too large');
    if (typeof schema === 'string') return this.#byName(schema);
    if (isList(schema)) return this.#union(schema, depth);
    if (!isObject(schema)) throw new AvroFault('has no Avro schema');
    switch (schema.type) {
      case 'record':
        return this.#remember(schema, this.#record(schema, depth));
      case 'array':
        return arrayOf(this.compile(schema.items ?? null, depth + 1));
      case 'map':
        return mapOf(this.compile(schema.values ?? null, depth + 1));
      case 'fixed':
        return this.#remember(schema, fixedOf(schema.size ?? null));
      case 'enum':
        return this.#remember(schema, enumOf(schema.symbols ?? null));
      default:
        return this.compile(schema.type ?? null, depth + 1);
    }
  }

  /** A type that refers to itself is not there yet, and Iceberg's schemas have none. */
  #byName(name: string): AvroRead {
    const found = primitives.get(name) ?? this.#named.get(name);
    if (found === undefined)
      throw new AvroFault(`has the unknown type ${JSON.stringify(name.slice(0, 40))} in its schema`);
    return found;
  }

  #remember(schema: JsonObject, read: AvroRead): AvroRead {
    if (typeof schema.name === 'string') this.#named.set(schema.name, read);
    return read;
  }

  #union(branches: Json, depth: number): AvroRead {
    const reads = isList(branches) ? branches.map((branch) => this.compile(branch, depth + 1)) : [];
    return (bytes) => {
      const read = reads[bytes.int()];
      if (read === undefined) throw new AvroFault('has a value of no branch of its union');
      return read(bytes);
    };
  }

  #record(schema: JsonObject, depth: number): AvroRead {
    const declared = schema.fields ?? null;
    if (!isList(declared)) throw new AvroFault('has a record without fields in its schema');
    const fields = declared.map((field) => {
      if (!isObject(field) || typeof field.name !== 'string')
        throw new AvroFault('has a field without a name in its schema');
      const id = typeof field['field-id'] === 'number' ? field['field-id'] : null;
      return [this.#fieldName(id, field.name), this.compile(field.type ?? null, depth + 1)] as const;
    });
    return (bytes) => Object.fromEntries(fields.map(([name, read]) => [name, read(bytes)]));
  }
}

function arrayOf(item: AvroRead): AvroRead {
  return (bytes) => {
    const items: AvroValue[] = [];
    for (let count = bytes.blockCount(); count > 0; count = bytes.blockCount()) {
      for (; count > 0; count -= 1) items.push(item(bytes));
    }
    return items;
  };
}

function mapOf(value: AvroRead): AvroRead {
  return arrayOf((bytes) => ({ key: bytes.text(), value: value(bytes) }));
}

function fixedOf(size: Json): AvroRead {
  if (typeof size !== 'number') throw new AvroFault('has a fixed type without a size in its schema');
  return (bytes) => bytes.bytes(size);
}

function enumOf(symbols: Json): AvroRead {
  const texts = isList(symbols) ? symbols : [];
  return (bytes) => {
    const symbol = texts[bytes.int()];
    if (typeof symbol !== 'string') throw new AvroFault('has a value that its enum has not');
    return symbol;
  };
}

/** Compiles a schema of our own: what does not fit it is a bug of ours. */
export function compileWrite(schema: Json): AvroWrite {
  if (isList(schema)) return writeOptional(compileWrite(schema[1] ?? null));
  if (isObject(schema)) {
    if (schema.type === 'record')
      return writeRecord(isList(schema.fields ?? null) ? (schema.fields ?? []) : []);
    if (schema.type === 'array') return writeArray(compileWrite(schema.items ?? null));
    return compileWrite(schema.type ?? null);
  }
  return writePrimitive(String(schema));
}

function writePrimitive(type: string): AvroWrite {
  return (parts, value) => {
    if (type === 'boolean' && typeof value === 'boolean') return parts.byte(value ? 1 : 0);
    if (type === 'int' && typeof value === 'number') return parts.long(BigInt(value));
    if (type === 'long' && typeof value === 'bigint') return parts.long(value);
    if (type === 'string' && typeof value === 'string') return parts.text(value);
    if (type === 'bytes' && value instanceof Uint8Array) return parts.sized(value);
    throw new TypeError(`no ${type}: ${typeof value}`);
  };
}

function writeOptional(write: AvroWrite): AvroWrite {
  return (parts, value) => {
    parts.long(value === null ? 0n : 1n);
    if (value !== null) write(parts, value);
  };
}

function writeArray(item: AvroWrite): AvroWrite {
  return (parts, value) => {
    if (!isAvroList(value)) throw new TypeError('no list');
    if (value.length > 0) parts.long(BigInt(value.length));
    for (const each of value) item(parts, each);
    parts.long(0n);
  };
}

function writeRecord(declared: Json): AvroWrite {
  const fields = (isList(declared) ? declared : []).filter(isObject).map((field) => {
    return { name: String(field.name), write: compileWrite(field.type ?? null) };
  });
  return (parts, value) => {
    if (!isAvroRecord(value)) throw new TypeError('no record');
    for (const field of fields) field.write(parts, value[field.name] ?? null);
  };
}

export function isAvroList(value: AvroValue): value is readonly AvroValue[] {
  return Array.isArray(value);
}

export function isAvroRecord(value: AvroValue): value is AvroRecord {
  return typeof value === 'object' && value !== null && !isAvroList(value) && !(value instanceof Uint8Array);
}
