import { isList, type Json, JsonFault, type JsonObject } from './iceberg-json.ts';

/**
 * The members of one object of a document that others wrote: each is asked for by name and kind, and what nobody asked for is
 * kept, so that writing the document again loses nothing a later version put there.
 */
export class JsonFields {
  readonly #object: JsonObject;
  readonly #where: string;
  readonly #known = new Set<string>();

  /** `where` is a path for messages, such as `schemas[0]`. @throws JsonFault */
  constructor(value: Json, where: string) {
    if (!isObject(value)) throw new JsonFault(`has no object at ${where}`);
    this.#object = value;
    this.#where = where;
  }

  text(key: string): string {
    return this.#must(this.textOrNull(key), key, 'a text');
  }

  textOrNull(key: string): string | null {
    const value = this.#take(key);
    if (value === null || typeof value === 'string') return value;
    throw this.#fault(key, 'a text');
  }

  int(key: string): number {
    return this.#must(this.intOrNull(key), key, 'a whole number');
  }

  intOrNull(key: string): number | null {
    const value = this.#take(key);
    if (value === null) return null;
    if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
    throw this.#fault(key, 'a whole number');
  }

  long(key: string): bigint {
    return this.#must(this.longOrNull(key), key, 'a whole number of 64 bits');
  }

  longOrNull(key: string): bigint | null {
    const value = this.#take(key);
    if (value === null) return null;
    const long = typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : value;
    if (typeof long === 'bigint' && BigInt.asIntN(64, long) === long) return long;
    throw this.#fault(key, 'a whole number of 64 bits');
  }

  flag(key: string): boolean {
    const value = this.#take(key);
    if (typeof value === 'boolean') return value;
    throw this.#fault(key, 'true or false');
  }

  value(key: string): Json {
    return this.#take(key);
  }

  /** An absent list is an empty one. */
  list<T>(key: string, itemsMax: number, read: (item: Json, where: string) => T): readonly T[] {
    const value = this.#take(key);
    if (value === null) return [];
    if (!isList(value)) throw this.#fault(key, 'a list');
    if (value.length > itemsMax) throw this.#fault(key, `at most ${itemsMax} items`);
    return value.map((item, index) => read(item, `${this.#where}.${key}[${index}]`));
  }

  /** An absent map is an empty one. */
  map<T>(
    key: string,
    itemsMax: number,
    read: (item: Json, where: string, name: string) => T,
  ): ReadonlyMap<string, T> {
    const value = this.#take(key);
    if (value === null) return new Map();
    if (!isObject(value)) throw this.#fault(key, 'an object');
    const entries = Object.entries(value);
    if (entries.length > itemsMax) throw this.#fault(key, `at most ${itemsMax} members`);
    return new Map(entries.map(([name, item]) => [name, read(item, `${this.#where}.${key}.${name}`, name)]));
  }

  texts(key: string, itemsMax: number): Readonly<Record<string, string>> {
    const read = (item: Json, where: string): string => {
      if (typeof item === 'string') return item;
      throw new JsonFault(`has no text at ${where}`);
    };
    return Object.fromEntries(this.map(key, itemsMax, read));
  }

  /** The members that nobody asked for until now. */
  rest(): JsonObject {
    return Object.fromEntries(Object.entries(this.#object).filter(([key]) => !this.#known.has(key)));
  }

  #take(key: string): Json {
    this.#known.add(key);
    return Object.hasOwn(this.#object, key) ? (this.#object[key] ?? null) : null;
  }

  #must<T>(value: T | null, key: string, kind: string): T {
    if (value === null) throw this.#fault(key, kind);
    return value;
  }

  #fault(key: string, kind: string): JsonFault {
    return new JsonFault(`needs ${kind} as ${this.#where}.${key}`);
  }
}

export function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !isList(value);
}
