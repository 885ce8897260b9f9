import { must } from '../foundation/index.ts';
import type { NodeView } from './graph-store.ts';
import type { PropertyValue } from './model.ts';
import { nativeName } from './neo4j-keys.ts';

/** What may be sent as a parameter: integers are bigint, for the driver takes every number for a float. */
export type Parameter =
  | PropertyValue
  | Int8Array
  | readonly Parameter[]
  | { readonly [name: string]: Parameter };

/** The driver's bytes are signed; no copy. */
export function signed(bytes: Buffer): Int8Array {
  return new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

export function bytesOf(value: unknown): Buffer {
  const bytes = must(value instanceof Int8Array ? value : null, 'Neo4j answers bytes here');
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

export function textOf(value: unknown): string {
  return must(typeof value === 'string' ? value : null, 'Neo4j answers text here');
}

/** Of what is known to be a safe integer. */
export function integerOf(value: unknown): number {
  return Number(must(typeof value === 'bigint' ? value : null, 'Neo4j answers an integer here'));
}

export function listOf(value: unknown): readonly unknown[] {
  return must(Array.isArray(value) ? value : null, 'Neo4j answers a list here');
}

/** An event time that may be missing: -1 then. */
export function timeOf(value: unknown): number {
  return value === null || value === undefined ? -1 : integerOf(value);
}

/**
 * Properties as people read them in Cypher: what Neo4j cannot keep is left out (nulls, lists of several kinds, names that are no GraphQL
 * names or begin as ours do). No answer of ours is read from them.
 */
export function plainProperties(
  properties: readonly Pick<NodeView['properties'][number], 'name' | 'value'>[],
): Record<string, Parameter> {
  const plain: Record<string, Parameter> = Object.create(null);
  for (const { name, value } of properties) {
    if (value === null || nativeName(name) === null) continue;
    if (Array.isArray(value) && new Set(value.map((element) => typeof element)).size > 1) continue;
    plain[name] = value;
  }
  return plain;
}
