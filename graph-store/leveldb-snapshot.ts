import type { Snapshot } from 'classic-level';
import { behindReverseRows } from './graph-key.ts';
import type { GraphSnapshot, SourceStatus } from './graph-store.ts';
import type { Level } from './level.ts';
import { decodeOrigin, type OriginRow, originKey, originRange } from './lineage.ts';
import { compareSources, decodePosition, statusOf } from './position.ts';
import { graphRange, metaKey, positionRange, rowKind, rowKindOf } from './rows.ts';
import type { RowIterator } from './stretch-iterators.ts';
import { type TimeToLive, timeToLiveOf } from './time-to-live.ts';

type Row = readonly [key: Buffer, value: Buffer];

/** Rows asked for at once; and how many bytes one answer from LevelDB's thread may hold. */
const chunkRowsMax = 1024;
const chunkBytesMax = 512 * 1024;

/** Without disturbing the cache of table blocks. */
const reading = { fillCache: false, highWaterMarkBytes: chunkBytesMax } as const;

/** All rows of a range in key order, in chunks. */
export async function* levelRowChunks(
  db: Level,
  range: { readonly gte: Buffer; readonly lt: Buffer },
  snapshot: Snapshot,
): AsyncGenerator<readonly Row[]> {
  yield* chunksOf(db.iterator({ ...range, ...reading, snapshot }));
}

/** The same as rows lie in LevelDB: a stretch behind the other, their first bytes as they are. */
export async function* storedRowChunks(
  db: Level,
  range: { readonly gte: Buffer; readonly lt: Buffer },
  snapshot: Snapshot,
): AsyncGenerator<readonly Row[]> {
  yield* chunksOf(db.raw.iterator({ ...range, ...reading, snapshot }));
}

async function* chunksOf(rows: RowIterator<Buffer>): AsyncGenerator<readonly Row[]> {
  await using iterator = rows;
  for (;;) {
    const chunk = await iterator.nextv(chunkRowsMax);
    if (chunk.length === 0) return;
    yield chunk;
  }
}

/**
 * As `levelRowChunks`, without most of the reverse rows, which repeat the forward ones: a node's lie together, and a title may have millions, so what
 * is left of them behind a chunk is passed over.
 */
export async function* forwardRowChunks(
  db: Level,
  range: { readonly gte: Buffer; readonly lt: Buffer },
  snapshot: Snapshot,
): AsyncGenerator<readonly Row[]> {
  await using iterator = db.iterator({ ...range, ...reading, snapshot });
  for (;;) {
    const rows = await iterator.nextv(chunkRowsMax);
    const last = rows.at(-1)?.[0];
    if (last === undefined) return;
    yield rows;
    if (rowKindOf(last) === rowKind.in) iterator.seek(behindReverseRows(last));
  }
}

/** The origins that lineage names, as they were then. Those that were asked for are kept, and the writer numbers no more than `originsMax`. */
export function originsAt(db: Level, snapshot: Snapshot): (id: number) => OriginRow | null {
  const known = new Map<number, OriginRow>();
  return (id) => {
    const before = known.get(id);
    if (before !== undefined) return before;
    const stored = db.getSync(originKey(id), { snapshot });
    if (stored === undefined) return null;
    const origin = decodeOrigin(stored);
    known.set(id, origin);
    return origin;
  };
}

/**
 * What LevelDB held when it was opened: a snapshot of the database sees whole groups only, and keeps what later writes and
 * compactions would drop.
 */
export class LevelSnapshot implements GraphSnapshot {
  readonly sources: readonly SourceStatus[];
  readonly timeToLive: TimeToLive;
  readonly #db: Level;
  readonly #snapshot: Snapshot;
  readonly #failure: (cause: unknown) => unknown;

  private constructor(
    db: Level,
    snapshot: Snapshot,
    about: Pick<GraphSnapshot, 'sources' | 'timeToLive'>,
    failure: (cause: unknown) => unknown,
  ) {
    this.sources = about.sources;
    this.timeToLive = about.timeToLive;
    this.#db = db;
    this.#snapshot = snapshot;
    this.#failure = failure;
  }

  /** `failure` makes what LevelDB throws one of our errors. */
  static async open(db: Level, failure: (cause: unknown) => unknown): Promise<LevelSnapshot> {
    const snapshot = db.snapshot();
    try {
      const about = {
        sources: await levelSources(db, snapshot),
        timeToLive: timeToLiveOf(db.getSync(metaKey.timeToLive, { snapshot })),
      };
      return new LevelSnapshot(db, snapshot, about, failure);
    } catch (error) {
      await snapshot.close();
      throw failure(error);
    }
  }

  async *rows(): AsyncGenerator<Row> {
    try {
      for await (const chunk of levelRowChunks(this.#db, originRange, this.#snapshot)) yield* chunk;
      for await (const chunk of forwardRowChunks(this.#db, graphRange, this.#snapshot))
        for (const row of chunk) if (rowKindOf(row[0]) !== rowKind.in) yield row;
    } catch (error) {
      throw this.#failure(error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#snapshot.close();
  }
}

export async function levelSources(db: Level, snapshot: Snapshot): Promise<readonly SourceStatus[]> {
  const stored = await db.iterator({ ...positionRange, snapshot }).all();
  return stored.map(([, value]) => statusOf(decodePosition(value))).sort(compareSources);
}
