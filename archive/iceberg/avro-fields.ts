import { AvroFault, type AvroRecord, type AvroValue } from './avro-datum.ts';
import { isAvroList, isAvroRecord } from './avro-schema.ts';

/** The fields of one record of a manifest, asked for by name and kind. Throws AvroFault. */
export class AvroFields {
  readonly #record: AvroRecord;

  constructor(value: AvroValue) {
    if (!isAvroRecord(value)) throw new AvroFault('has no record where one belongs');
    this.#record = value;
  }

  get(name: string): AvroValue {
    return Object.hasOwn(this.#record, name) ? (this.#record[name] ?? null) : null;
  }

  text(name: string): string {
    const value = this.get(name);
    if (typeof value === 'string') return value;
    throw missing(name);
  }

  intOrNull(name: string): number | null {
    const value = this.get(name);
    if (value === null || typeof value === 'number') return value;
    // Some writers say long where the format says int.
    if (typeof value === 'bigint' && BigInt.asIntN(32, value) === value) return Number(value);
    throw missing(name);
  }

  int(name: string): number {
    return present(this.intOrNull(name), name);
  }

  longOrNull(name: string): bigint | null {
    const value = this.get(name);
    if (value === null || typeof value === 'bigint') return value;
    if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value);
    throw missing(name);
  }

  long(name: string): bigint {
    return present(this.longOrNull(name), name);
  }

  /** Rows and bytes of a file: none is negative or beyond 2^53. */
  count(name: string): number {
    const value = Number(this.long(name));
    if (value >= 0 && Number.isSafeInteger(value)) return value;
    throw new AvroFault(`has ${value} as ${name}`);
  }

  flag(name: string): boolean {
    const value = this.get(name);
    if (typeof value === 'boolean') return value;
    throw missing(name);
  }

  bytesOrNull(name: string): Uint8Array | null {
    const value = this.get(name);
    if (value === null || value instanceof Uint8Array) return value;
    throw missing(name);
  }

  list<T>(name: string, read: (item: AvroFields) => T): readonly T[] | null {
    const value = this.get(name);
    return value === null ? null : listOf(value, name).map((item) => read(new AvroFields(item)));
  }

  longs(name: string): readonly bigint[] | null {
    const value = this.get(name);
    if (value === null) return null;
    return listOf(value, name).map((item) => {
      if (typeof item === 'bigint') return item;
      if (typeof item === 'number') return BigInt(item);
      throw missing(name);
    });
  }

  /** A map by int, which Avro has as a list of pairs. */
  pairs<T>(name: string, read: (pair: AvroFields) => T): ReadonlyMap<number, T> | null {
    const pairs = this.list(name, (pair) => [pair.int('key'), read(pair)] as const);
    return pairs === null ? null : new Map(pairs);
  }
}

function listOf(value: AvroValue, name: string): readonly AvroValue[] {
  if (isAvroList(value)) return value;
  throw missing(name);
}

function present<T>(value: T | null, name: string): T {
  if (value === null) throw missing(name);
  return value;
}

function missing(name: string): AvroFault {
  return new AvroFault(`has no ${name} as Iceberg's manifests have it`);
}
