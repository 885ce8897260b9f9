import { must } from '../foundation/index.ts';

/** What a query is given and what a column answers, as far as this adapter's tables have it. */
export type Parameter =
  | null
  | string
  | number
  | bigint
  | boolean
  | Buffer
  | readonly Buffer[]
  | ReadonlyMap<Buffer, Buffer>;

export function bytesOf(value: unknown): Buffer {
  if (Buffer.isBuffer(value)) return value;
  throw new TypeError('a column holds no bytes');
}

export function optionalBytes(value: unknown): Buffer | null {
  return value === null || value === undefined ? null : bytesOf(value);
}

export function textOf(value: unknown): string {
  return must(typeof value === 'string' ? value : null, 'a column holds text');
}

export function integerOf(value: unknown): number {
  if (typeof value === 'bigint') return Number(value);
  return must(typeof value === 'number' ? value : null, 'a column holds an integer');
}

/** A time; -1 where the column holds nothing. */
export function timeOf(value: unknown): number {
  return value === null || value === undefined ? -1 : integerOf(value);
}

/** Of a column that is a map of bytes to bytes; empty where it holds nothing. */
export function mapOf(value: unknown): (readonly [key: Buffer, value: Buffer])[] {
  if (value === null || value === undefined) return [];
  const map: Map<unknown, unknown> = must(value instanceof Map ? value : null, 'a column holds a map');
  return Array.from(map, ([key, one]) => [bytesOf(key), bytesOf(one)] as const);
}

export function mapOfText(value: unknown): ReadonlyMap<string, string> {
  const map: Map<unknown, unknown> = must(value instanceof Map ? value : null, 'a column holds a map');
  return new Map(Array.from(map, ([key, one]) => [textOf(key), textOf(one)] as const));
}
