import { GraphQLError, GraphQLScalarType, Kind, type ValueNode } from 'graphql';
import { dayMs, dayText } from './day-text.ts';

const rfc3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt]([01]\d|2[0-3]):(\d\d):(\d\d)(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)$/;
const takesDateTime = 'an RFC 3339 date and time such as 2026-11-21T20:15:00Z';

/** Milliseconds since the Unix epoch inside, RFC 3339 outside. Fractions beyond milliseconds are cut off. */
export const dateTimeScalar = new GraphQLScalarType<number, string>({
  name: 'DateTime',
  description: 'A date and time by RFC 3339, such as `2026-11-21T20:15:00Z`.',
  specifiedByURL: 'https://scalars.graphql.org/andimarek/date-time.html',
  serialize: (value) => {
    if (typeof value !== 'number') throw new TypeError('a DateTime is made from milliseconds');
    return dateTimeText(value);
  },
  parseValue: (value) => parseDateTime(value),
  // The node tells where in the query the value stands, hence which argument it is.
  parseLiteral: (node) => parseDateTime(node.kind === Kind.STRING ? node.value : null, node),
});

/** The years 0000 to 9999: RFC 3339 has no others. */
const firstMs = -62_167_219_200_000;
const lastMs = 253_402_300_799_999;

export function fitsDateTime(value: unknown): boolean {
  return typeof value === 'number' && value >= firstMs && value <= lastMs;
}

/** With microseconds where there are some: a double holds them exactly enough to round them back. */
function dateTimeText(timeMs: number): string {
  return wholeText(timeMs) ?? fractionText(timeMs);
}

const two = Array.from({ length: 60 }, (_, i) => String(i).padStart(2, '0'));

/** Of a whole millisecond, as nearly all are; null of others, and of what is before 1970. */
function wholeText(timeMs: number): string | null {
  const day = Math.floor(timeMs / dayMs);
  const date = Number.isSafeInteger(timeMs) ? dayText(day) : null;
  if (date === null) return null;
  const seconds = Math.floor((timeMs - day * dayMs) / 1000);
  const millis = String(timeMs - day * dayMs - seconds * 1000).padStart(3, '0');
  return `${date}T${two[Math.floor(seconds / 3600)]}:${two[Math.floor(seconds / 60) % 60]}:${two[seconds % 60]}.${millis}Z`;
}

function fractionText(timeMs: number): string {
  const micros = Math.round((timeMs - Math.floor(timeMs)) * 1000);
  const text = new Date(Math.floor(timeMs) + (micros === 1000 ? 1 : 0)).toISOString();
  return micros % 1000 === 0 ? text : `${text.slice(0, -1)}${String(micros).padStart(3, '0')}Z`;
}

function parseDateTime(value: unknown, node?: ValueNode): number {
  const match = typeof value === 'string' ? rfc3339.exec(value) : null;
  const timeMs = match === null ? Number.NaN : Date.parse(match[0].toUpperCase());
  // Date.parse rolls February 30 over into March; the day must come back as it was written.
  const day = new Date(Date.UTC(Number(match?.[1]), Number(match?.[2]) - 1, Number(match?.[3])));
  if (Number.isNaN(timeMs) || day.getUTCDate() !== Number(match?.[3])) {
    throw new GraphQLError(`DateTime takes ${takesDateTime}.`, {
      ...(node === undefined ? {} : { nodes: node }),
      extensions: { code: 'BAD_USER_INPUT', takes: takesDateTime },
    });
  }
  return timeMs;
}

/** Output only. */
export const jsonScalar = new GraphQLScalarType<unknown, unknown>({
  name: 'JSON',
  description:
    'Any JSON value. Whole numbers beyond ±(2^53 - 1) are given as strings of digits, because JSON readers would round them.',
  specifiedByURL: 'https://www.rfc-editor.org/rfc/rfc8259',
  serialize: (value) => value,
});

const takesBigInt = 'a whole number, or a text of its digits';

export const bigIntScalar = new GraphQLScalarType<bigint, number | string>({
  name: 'BigInt',
  description: 'A whole number; a string of digits beyond ±(2^53 - 1), because JSON readers would round it.',
  specifiedByURL: 'https://www.rfc-editor.org/rfc/rfc8259#section-6',
  serialize: (value) => {
    if (typeof value !== 'bigint' && typeof value !== 'number')
      throw new TypeError('a BigInt is a whole number');
    return safeNumber(BigInt(value));
  },
  parseValue: (value) => parseBigInt(value),
  parseLiteral: (node) =>
    parseBigInt(node.kind === Kind.INT || node.kind === Kind.STRING ? node.value : null, node),
});

/** Of at most so many digits as 64 bits have. */
const wholeNumber = /^-?\d{1,19}$/;

function parseBigInt(value: unknown, node?: ValueNode): bigint {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value);
  if (typeof value === 'string' && wholeNumber.test(value)) return BigInt(value);
  throw new GraphQLError(`BigInt takes ${takesBigInt}.`, {
    ...(node === undefined ? {} : { nodes: node }),
    extensions: { code: 'BAD_USER_INPUT', takes: takesBigInt },
  });
}

/** A number while JSON keeps it exact, else its digits. */
export function safeNumber(value: bigint): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value.toString();
}
