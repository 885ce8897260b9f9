import type { Clock } from '../foundation/index.ts';
import { AdjacencyHeads } from './adjacency-heads.ts';
import type { GraphEstimate, SourceStatus } from './graph-store.ts';
import type { Level } from './level.ts';
import { isLevelError } from './level-folder.ts';
import { LevelBulkReads } from './leveldb-bulk-reads.ts';
import type { LevelBulkThread } from './leveldb-bulk-thread.ts';
import type { LevelInspection } from './leveldb-inspection.ts';
import { completeIndex } from './leveldb-node-index.ts';
import { checkFormat, openFailure, openLevel } from './leveldb-open.ts';
import type { LevelSettings } from './leveldb-protocol.ts';
import { LevelReader } from './leveldb-reader.ts';
import { StretchesCompletion } from './leveldb-stretches.ts';
import { LevelWriterThread } from './leveldb-writer-thread.ts';
import { metaKey } from './rows.ts';
import { Expiry, type TimeToLive, timeToLiveOf } from './time-to-live.ts';
import { WriteStamps } from './write-stamps.ts';

/**
 * The rules as they were read or set last; readers ask for them at every read. They outlive the sessions: while none is open, nobody
 * may take rules that cannot be read for rules that are gone.
 */
export interface Lives {
  rules: TimeToLive;
}

/** One opening of the database: both threads' handles. */
export interface Session {
  readonly db: Level;
  readonly reader: LevelReader;
  readonly heads: AdjacencyHeads;
  readonly stamps: WriteStamps;
  readonly bulk: LevelBulkReads;
  readonly thread: LevelWriterThread;
  readonly stretches: StretchesCompletion;
  /** Those that run: their handles on the database are closed before this thread's. */
  readonly inspections: Set<LevelInspection | LevelBulkThread>;
}

/**
 * This thread opens first and closes last: the handle that opens first owns the block cache and the filter that all
 * handles use, and a writer's thread that crashes must not take them away from reads.
 */
export async function openSession(settings: LevelSettings, clock: Clock, lives: Lives): Promise<Session> {
  const shared = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  const db = await openLevel(settings, shared);
  try {
    await checkFormat(db, settings.folder);
    lives.rules = timeToLiveOf(await db.get(metaKey.timeToLive));
    await completeIndex(db);
    db.tellStretches();
    const expiry = (): Expiry => new Expiry(lives.rules, clock.now());
    const stamps = new WriteStamps();
    const heads = new AdjacencyHeads(db, stamps, settings.headCacheBytes);
    const reader = new LevelReader(db, expiry, heads, stamps);
    const bulk = new LevelBulkReads(db, expiry, (ref) => reader.node(ref));
    const thread = await LevelWriterThread.start(settings, shared);
    return {
      db,
      reader,
      heads,
      stamps,
      bulk,
      thread,
      stretches: new StretchesCompletion(db),
      inspections: new Set(),
    };
  } catch (error) {
    await db.close();
    // The writer's thread reads too: its crash while it starts carries what LevelDB said.
    const cause = error instanceof Error && isLevelError(error.cause) ? error.cause : error;
    throw isLevelError(cause) ? openFailure(settings.folder, cause) : error;
  }
}

export async function closeSession(session: Session): Promise<void> {
  const inspections = [...session.inspections].map((inspection) => inspection.stop());
  await Promise.all([session.thread.close(), ...inspections]);
  await session.db.close();
}

/** Of its writing: reads go on until it is opened again. */
export function hasFailed({ thread, stretches }: Session): boolean {
  return thread.failure !== null || stretches.hasFailed;
}

/** What people are told of a store that is down. */
export interface Figures {
  readonly sources: readonly SourceStatus[];
  readonly estimate: GraphEstimate;
}

/** Null when they cannot be read either. */
export async function figuresOf(reader: LevelReader): Promise<Figures | null> {
  try {
    const [sources, estimate] = await Promise.all([reader.sources(), reader.estimate()]);
    return { sources, estimate };
  } catch (error) {
    if (isLevelError(error)) return null;
    throw error;
  }
}
