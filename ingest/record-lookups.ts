import { BadDataError, must } from '../foundation/index.ts';
import type { Missing, Rows } from '../processors/index.ts';
import type { LookupTable } from './lookup-table.ts';
import type { LookupTables } from './lookup-tables.ts';
import type { LookupView } from './lookup-view.ts';
import type { Reader } from './mapping-judge.ts';
import type { Outcome } from './record-processor.ts';

/** Rows for the map stage, or what is to be done instead of mapping. */
export type LookupOutcome =
  | { readonly kind: 'rows'; readonly rows: Rows }
  | Extract<Outcome, { kind: 'filtered' | 'needs-row' }>;

const filtered: Outcome & { kind: 'filtered' } = { kind: 'filtered' };

interface Bound {
  readonly table: LookupTable;
  readonly view: LookupView;
}

/** The lookups of one mapping, bound to the tables of this process. */
export class RecordLookups {
  readonly #find: NonNullable<Reader['findRows']>;
  readonly #bound: readonly Bound[];

  /** Null for a mapping without any. Throws `StopError` for one table too many. */
  static of({ plan, findRows }: Reader, tables: LookupTables | null): RecordLookups | null {
    if (findRows === null) return null;
    const known = must(tables, 'a process that maps events has tables to look up in');
    const bound = plan.lookups.map(({ topic, schema }) => {
      const table = known.table(topic);
      return { table, view: table.view(schema) };
    });
    return new RecordLookups(findRows, bound);
  }

  private constructor(find: NonNullable<Reader['findRows']>, bound: readonly Bound[]) {
    this.#find = find;
    this.#bound = bound;
  }

  /** False while a table is not, or not any more, to be asked: `caughtUp` waits for it and says why. */
  get usable(): boolean {
    for (const { table } of this.#bound) if (!table.usable) return false;
    return true;
  }

  /** As {@link LookupTable.caughtUp}, of all tables. */
  async caughtUp(signal?: AbortSignal): Promise<void> {
    for (const { table } of this.#bound) await table.caughtUp(signal);
  }

  /**
   * A wait counts from `sinceMs`, when the record was written: so events that have waited in the log already do not wait once more, and
   * a thousand that all miss their row hold their partition up no longer than one.
   *
   * @throws {BadDataError} `LOOKUP_ROW_MISSING`, or what an expression says.
   */
  rows(event: unknown, sinceMs: number, nowMs: number): LookupOutcome {
    const found = this.#find(event, (index, key) => this.#at(index).view.row(key));
    if (found === null) return filtered;
    const { rows, missing } = found;
    if (missing.length === 0) return { kind: 'rows', rows };
    for (const { index, key, policy } of missing) {
      const untilMs = sinceMs + policy.waitMs;
      if (nowMs < untilMs)
        return {
          kind: 'needs-row',
          table: this.#at(index).table,
          key,
          untilMs: Math.min(untilMs, nowMs + policy.waitMs),
        };
    }
    for (const { index } of missing) this.#at(index).table.noteMissing();
    for (const one of missing) if (one.policy.afterwards === 'deadLetter') throw this.#noRow(one);
    return { kind: 'rows', rows };
  }

  #at(index: number): Bound {
    return must(this.#bound[index], 'each lookup is bound to its table');
  }

  #noRow({ index, policy }: Missing): BadDataError {
    const { topic } = this.#at(index).table;
    const waited = policy.waitMs === 0 ? '' : ` within ${policy.waitMs} ms`;
    return new BadDataError(
      'LOOKUP_ROW_MISSING',
      `The table ${topic} had no row of the event’s key${waited}, and the mapping has such an event go to the dead letters.`,
      { context: { path: `graph.lookups[${index}]` } },
    );
  }
}
