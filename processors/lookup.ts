import type { LookupPlan, MappingPlan, MissingRow } from '../schemas/index.ts';
import type { Roots } from './read.ts';
import { compileValue } from './value.ts';

/** The decoded rows of a mapping's lookups, in their order; null where there is none. */
export type Rows = readonly unknown[];

/** A row that an event names and that the table does not have. */
export interface Missing {
  /** Which of the mapping's lookups. */
  readonly index: number;
  readonly key: string;
  readonly policy: MissingRow;
}

export interface Looked {
  readonly rows: Rows;
  readonly missing: readonly Missing[];
}

/** Reads one row; null when the table has none for the key. */
export type ReadRow = (index: number, key: string) => unknown;

/**
 * The rows that belong to a decoded event. Null when the mapping's condition leaves the event out without any row. An event whose key
 * is null names no row, so that none is missing. Throws `BadDataError` naming the path of a key that cannot be read.
 */
export type FindRows = (event: unknown, readRow: ReadRow) => Looked | null;

const noneMissing: readonly Missing[] = [];

/** Null for a mapping without lookups. */
export function compileLookups({ lookups, whereBeforeLookups }: MappingPlan): FindRows | null {
  if (lookups.length === 0) return null;
  const keys = lookups.map(compileKey);
  return (event, readRow) => {
    const roots: unknown[] = [event];
    if (whereBeforeLookups !== null && whereBeforeLookups.evaluate(roots) !== true) return null;
    let missing: Missing[] | null = null;
    for (const [index, { readKey, policy }] of keys.entries()) {
      const key = readKey(roots);
      const row = key === null ? null : (readRow(index, key) ?? null);
      if (key !== null && row === null) {
        missing ??= [];
        missing.push({ index, key, policy });
      }
      roots.push(row);
    }
    return { rows: roots.slice(1), missing: missing ?? noneMissing };
  };
}

interface Key {
  readonly readKey: (roots: Roots) => string | null;
  readonly policy: MissingRow;
}

function compileKey({ key, missing }: LookupPlan): Key {
  const read = compileValue(key);
  return {
    policy: missing,
    readKey: (roots) => {
      const value = read(roots);
      return value === null ? null : String(value);
    },
  };
}
