import type { Snapshot } from 'classic-level';
import { differingRow } from './difference-text.ts';
import type { ComparedGraph, DifferingRow } from './graph-difference.ts';
import type { Level } from './level.ts';
import { forwardRowChunks, levelSources, originsAt } from './leveldb-snapshot.ts';
import type { OriginRow } from './lineage.ts';
import { logicalValue } from './logical-rows.ts';
import { type RangeDigests, rangeBounds } from './range-digests.ts';
import { graphRange, metaKey, rowKind, rowKindOf, typeOf } from './rows.ts';
import { encodeSource } from './source-json.ts';
import { Expiry, timeToLiveOf } from './time-to-live.ts';

/** A row as it is stored, and what it says alone. */
export interface SideRow {
  readonly key: Buffer;
  readonly value: Buffer;
  readonly logical: Buffer;
}

/** One of two graphs that are compared, as it was at one moment: what its readers can see, by its own times to live. */
export class LevelGraphSide {
  readonly #db: Level;
  readonly #snapshot: Snapshot;
  readonly #expiry: Expiry;
  readonly #originOf: (id: number) => OriginRow | null;

  constructor(db: Level, snapshot: Snapshot, nowMs: number) {
    this.#db = db;
    this.#snapshot = snapshot;
    this.#expiry = new Expiry(timeToLiveOf(db.getSync(metaKey.timeToLive, { snapshot })), nowMs);
    this.#originOf = originsAt(db, snapshot);
  }

  /** Reads everything once; yields how many rows more. */
  async *digest(into: RangeDigests): AsyncGenerator<number> {
    for await (const chunk of this.#chunks(graphRange)) {
      for (const { key, logical } of chunk) into.add(key, logical);
      yield chunk.length;
    }
  }

  async *rows(range: number): AsyncGenerator<SideRow> {
    for await (const chunk of this.#chunks(rangeBounds(range))) yield* chunk;
  }

  rowOf({ key, value }: SideRow): DifferingRow {
    return differingRow(key, value, this.#expiry.ofNode(typeOf(key)), this.#originOf);
  }

  async about(digests: RangeDigests): Promise<ComparedGraph> {
    const sources = (await levelSources(this.#db, this.#snapshot)).map(encodeSource);
    return { rows: digests.rowsInAll, digest: digests.hex, sources };
  }

  async *#chunks(range: { readonly gte: Buffer; readonly lt: Buffer }): AsyncGenerator<readonly SideRow[]> {
    for await (const entries of forwardRowChunks(this.#db, range, this.#snapshot)) {
      const rows: SideRow[] = [];
      for (const [key, value] of entries) {
        const logical = rowKindOf(key) === rowKind.in ? null : logicalValue(key, value, this.#expiry);
        if (logical !== null) rows.push({ key, value, logical });
      }
      yield rows;
    }
  }
}
