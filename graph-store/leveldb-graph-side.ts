import type { Snapshot } from 'classic-level';
import { differingRow } from './difference-text.ts';
import type { ComparedGraph, DifferingRow } from './graph-difference.ts';
import { behindReverseRows } from './graph-key.ts';
import type { Level } from './level.ts';
import { levelSources } from './leveldb-snapshot.ts';
import { decodeOrigin, type OriginRow, originKey } from './lineage.ts';
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

const chunkRowsMax = 1024;
const reading = { fillCache: false, highWaterMarkBytes: 512 * 1024 } as const;

/** One of two graphs that are compared, as it was at one moment: what its readers can see, by its own times to live. */
export class LevelGraphSide {
  readonly #db: Level;
  readonly #snapshot: Snapshot;
  readonly #expiry: Expiry;
  readonly #origins = new Map<number, OriginRow>();

  constructor(db: Level, snapshot: Snapshot, nowMs: number) {
    this.#db = db;
    this.#snapshot = snapshot;
    this.#expiry = new Expiry(timeToLiveOf(db.getSync(metaKey.timeToLive, { snapshot })), nowMs);
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

  /** Without the reverse rows, which repeat the forward ones: what is left of them behind a chunk is passed over. */
  async *#chunks(range: { readonly gte: Buffer; readonly lt: Buffer }): AsyncGenerator<readonly SideRow[]> {
    await using iterator = this.#db.iterator({ ...range, ...reading, snapshot: this.#snapshot });
    for (;;) {
      const entries = await iterator.nextv(chunkRowsMax);
      const last = entries.at(-1)?.[0];
      if (last === undefined) return;
      const rows: SideRow[] = [];
      for (const [key, value] of entries) {
        const logical = rowKindOf(key) === rowKind.in ? null : logicalValue(key, value, this.#expiry);
        if (logical !== null) rows.push({ key, value, logical });
      }
      yield rows;
      if (rowKindOf(last) === rowKind.in) iterator.seek(behindReverseRows(last));
    }
  }

  readonly #originOf = (id: number): OriginRow | null => {
    const known = this.#origins.get(id);
    if (known !== undefined) return known;
    const stored = this.#db.getSync(originKey(id), { snapshot: this.#snapshot });
    if (stored === undefined) return null;
    const origin = decodeOrigin(stored);
    this.#origins.set(id, origin);
    return origin;
  };
}
