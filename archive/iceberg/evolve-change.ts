import type { Clock } from '../../foundation/index.ts';
import type { TableVersion } from './catalog.ts';
import type { TableEvolution } from './iceberg-table.ts';
import { evolved } from './schema-evolution.ts';
import type { TableChange } from './table-commit.ts';
import type { TableMetadata } from './table-metadata.ts';

/** Columns and properties, without a snapshot. Tried again it finds its own work done and does nothing. */
export class EvolveChange implements TableChange {
  readonly #plan: (base: TableMetadata) => TableEvolution;
  readonly #clock: Clock;

  constructor(plan: (base: TableMetadata) => TableEvolution, clock: Clock) {
    this.#plan = plan;
    this.#clock = clock;
  }

  async on({ metadata }: TableVersion): Promise<TableMetadata | null> {
    const { changes, properties } = this.#plan(metadata);
    const next = evolved(metadata, changes);
    const isSaid = Object.entries(properties).every(([key, value]) => metadata.properties[key] === value);
    if (next === metadata && isSaid) return null;
    return {
      ...next,
      properties: { ...metadata.properties, ...properties },
      lastUpdatedMs: Math.max(this.#clock.now(), metadata.lastUpdatedMs),
    };
  }

  isIn(): boolean {
    return false;
  }

  async lost(): Promise<void> {
    // It wrote no file.
  }
}
