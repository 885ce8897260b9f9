/** JSON in which whole numbers beyond 2^53 are bigint: snapshot ids of other writers have 63 bits, and `JSON.parse` alone rounds them. */
export type Json = null | boolean | number | bigint | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

const depthMax = 64;

/** What is wrong with a document; whoever knows the document's name catches it and says so. */
export class JsonFault extends Error {
  override readonly name = 'JsonFault';
}

/** @throws JsonFault */
export function parseJson(text: string): Json {
  let value: unknown;
  try {
    value = JSON.parse(text, exactInteger);
  } catch {
    throw new JsonFault('is no JSON');
  }
  return checked(value, 0);
}

export function printJson(value: Json): string {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (isList(value)) return `[${value.map(printJson).join(',')}]`;
  const members = Object.entries(value).map(([key, member]) => `${JSON.stringify(key)}:${printJson(member)}`);
  return `{${members.join(',')}}`;
}

export function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

/** The third argument is what was written, which the language's own types do not know yet. */
function exactInteger(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
  const source = context?.source ?? '';
  return /^-?\d{1,40}$/.test(source) ? BigInt(source) : value;
}

function checked(value: unknown, depth: number): Json {
  if (depth > depthMax) throw new JsonFault(`is nested deeper than ${depthMax}`);
  switch (typeof value) {
    case 'boolean':
    case 'bigint':
    case 'string':
      return value;
    case 'number':
      // Printed it would be null.
      if (!Number.isFinite(value)) throw new JsonFault('has a number beyond what a double holds');
      return value;
    case 'object':
      if (value === null) return null;
      if (Array.isArray(value)) return value.map((item: unknown) => checked(item, depth + 1));
      return Object.fromEntries(
        Object.entries(value).map(([key, member]) => [key, checked(member, depth + 1)]),
      );
    default:
      throw new JsonFault('is no JSON');
  }
}
