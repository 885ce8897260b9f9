import { BadDataError } from '../foundation/index.ts';

/** What a schema's text may cost before anything is compiled from it. */
export interface SchemaLimits {
  /** UTF-8 bytes of the text. */
  readonly textBytesMax: number;
  /** Levels of JSON below the top. */
  readonly depthMax: number;
  /** JSON values in the whole text. */
  readonly valuesMax: number;
  readonly unionBranchesMax: number;
  /** Values that one record of this schema holds outside of arrays and maps, nulls included. */
  readonly recordValuesMax: number;
}

export const schemaLimitsDefault: SchemaLimits = {
  textBytesMax: 1_048_576,
  depthMax: 96,
  valuesMax: 100_000,
  unionBranchesMax: 256,
  recordValuesMax: 10_000,
};

/** True for an object that is no array: the shape in which avsc hands over records. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** True when two texts say the same: registries write what they were given anew, and spaces say nothing. */
export function isSameSchemaText(a: string, b: string): boolean {
  return a === b || compact(a) === compact(b);
}

/** As it stands where it is no JSON. */
function compact(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text));
  } catch {
    return text;
  }
}

function tooLarge(what: string, limit: string): BadDataError {
  return new BadDataError('SCHEMA_TOO_LARGE', `The schema ${what}; the limit is ${limit}.`);
}

/**
 * Parses a schema's JSON text within the limits, without recursion of our own.
 *
 * Throws `BadDataError`: `SCHEMA_INVALID` or `SCHEMA_TOO_LARGE`.
 */
export function parseSchemaText(text: string, limits: SchemaLimits = schemaLimitsDefault): unknown {
  const bytes = Buffer.byteLength(text);
  if (bytes > limits.textBytesMax) throw tooLarge(`has ${bytes} bytes`, `${limits.textBytesMax} bytes`);
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    // A registry may hand out a bare primitive name instead of its JSON form.
    if (/^[a-z]+$/.test(text.trim())) return text.trim();
    throw new BadDataError('SCHEMA_INVALID', 'The schema is not JSON.', { cause });
  }
  checkShape(parsed, limits);
  return parsed;
}

/** Of JSON, by a record in a record: the record, its list of fields, the field, the union with null. */
const levelsOfRecord = 4;
/** Keys below which a JSON array is a union; elsewhere it lists fields, symbols, aliases or parts of a mapping. */
const unionKeys = new Set(['', 'type', 'items', 'values']);

function checkShape(parsed: unknown, limits: SchemaLimits): void {
  const pending: { value: unknown; depth: number; key: string }[] = [{ value: parsed, depth: 0, key: '' }];
  let seen = 0;
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { value, depth, key } = next;
    seen += 1;
    if (seen > limits.valuesMax) throw tooLarge('holds too many JSON values', `${limits.valuesMax}`);
    if (typeof value !== 'object' || value === null) continue;
    if (depth >= limits.depthMax) {
      const records = Math.floor(limits.depthMax / levelsOfRecord);
      throw tooLarge(
        'nests too deep',
        `${limits.depthMax} levels of JSON, about ${records} records in each other`,
      );
    }
    if (Array.isArray(value)) {
      if (unionKeys.has(key) && value.length > limits.unionBranchesMax) {
        throw tooLarge(`has a union of ${value.length} branches`, `${limits.unionBranchesMax}`);
      }
      for (const item of value) pending.push({ value: item, depth: depth + 1, key: 'item' });
      continue;
    }
    if ('name' in value && value.name === '__proto__') {
      throw new BadDataError(
        'SCHEMA_INVALID',
        'The schema has a field or type named `__proto__`, which is refused.',
      );
    }
    for (const [name, child] of Object.entries(value))
      pending.push({ value: child, depth: depth + 1, key: name });
  }
}
