import { type Clock, type Log, StopError } from '../foundation/index.ts';
import { type SchemaRegistry, type WireLimits, wireLimitsDefault } from '../schemas/index.ts';
import type { EventSource } from './event-source.ts';
import { type LookupBudget, LookupTable, type LookupTableStatus } from './lookup-table.ts';

export interface LookupTablesParts {
  /** A source of all partitions of the topic, for this process alone. */
  readonly source: (topic: string) => EventSource;
  readonly registry: SchemaRegistry;
  readonly clock: Clock;
  readonly log: Log;
}

export interface LookupTablesSettings {
  /** Of all tables together. */
  readonly bytesMax: number;
  readonly wireLimits: WireLimits;
  /** How long a schema that the registry does not know is not asked for again, milliseconds; above zero. */
  readonly negativeMs: number;
}

export const lookupTablesDefault = {
  bytesMax: 64 * 2 ** 20,
  wireLimits: wireLimitsDefault,
  negativeMs: 30_000,
} as const satisfies LookupTablesSettings;

/** Each is a connection of its own. */
const tablesMax = 64;

/** The tables of a process: one a topic, whatever the number of mappings that look rows up in it. */
export class LookupTables {
  readonly #parts: LookupTablesParts;
  readonly #settings: LookupTablesSettings;
  readonly #budget: LookupBudget;
  readonly #tables = new Map<string, LookupTable>();
  readonly #running: Promise<void>[] = [];
  readonly #ending = new AbortController();

  constructor(parts: LookupTablesParts, settings: LookupTablesSettings = lookupTablesDefault) {
    this.#parts = parts;
    this.#settings = settings;
    this.#budget = { bytesMax: settings.bytesMax, bytes: 0 };
  }

  /** Begins to read it when it is asked for first. Throws `StopError` code `LOOKUP_TABLES_MANY`. */
  table(topic: string): LookupTable {
    const known = this.#tables.get(topic);
    if (known !== undefined) return known;
    if (this.#tables.size >= tablesMax) {
      throw new StopError(
        'LOOKUP_TABLES_MANY',
        `The table ${topic} is one more than the ${tablesMax} that a process reads: look fewer of them up.`,
        { context: { topic } },
      );
    }
    const { source, registry, clock, log } = this.#parts;
    const { wireLimits, negativeMs } = this.#settings;
    const budget = this.#budget;
    const common = { registry, clock, log, budget, wireLimits, negativeMs };
    const table = new LookupTable({ source: source(topic), ...common });
    this.#tables.set(topic, table);
    this.#running.push(table.run(this.#ending.signal));
    return table;
  }

  status(): readonly LookupTableStatus[] {
    return [...this.#tables.values()].map((table) => table.status());
  }

  /** Resolves when nothing is read any more. */
  async close(): Promise<void> {
    this.#ending.abort();
    await Promise.all(this.#running);
  }
}
