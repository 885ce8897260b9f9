import { resolve } from 'node:path';
import { type Clock, OutageError, StopError } from '../foundation/index.ts';
import type { BulkReads } from './bulk-reads.ts';
import type { DeletedTypes } from './deleted-types.ts';
import type { CompareEvent } from './graph-difference.ts';
import type {
  AdjacencyPage,
  AdjacencyQuery,
  Advance,
  Applied,
  Claim,
  DegreeQuery,
  DegreeView,
  EdgeQuery,
  EdgeView,
  EndsPage,
  GraphDigest,
  GraphEstimate,
  GraphSnapshot,
  JourneyPage,
  JourneyQuery,
  JourneyRows,
  NodeView,
  Restorable,
  SourcePartition,
  SourceStatus,
  Swept,
} from './graph-store.ts';
import type { GraphTable, GraphTableEncoding } from './graph-table.ts';
import { isLevelError } from './level-folder.ts';
import { LevelInspections } from './leveldb-inspections.ts';
import { lockFolder, storeOpened, unlockFolder } from './leveldb-locked-folders.ts';
import { notEmpty, openLevel, readFailure, restoreFailure, restoreIncomplete } from './leveldb-open.ts';
import { defaultLevelSettings, type LevelSettings } from './leveldb-protocol.ts';
import type { LevelReader } from './leveldb-reader.ts';
import { isEmptyLevel, isRestoredLevel, restoreLevel } from './leveldb-restore.ts';
import {
  closeSession,
  type Figures,
  figuresOf,
  hasFailed,
  type Lives,
  openSession,
  type Session,
} from './leveldb-session.ts';
import { LevelSnapshot } from './leveldb-snapshot.ts';
import { levelStats } from './leveldb-stats.ts';
import type { NodeRef } from './model.ts';
import type { MutationBatch } from './mutation-batch.ts';
import { assertAtOnce } from './reads-at-once.ts';
import { newestEventOf, RemovalMoment } from './removal-moment.ts';
import type { SnapshotAbout } from './snapshot-file.ts';
import type { EmbeddedStore, SnapshotFile, StoreStats, VerifyEvent } from './store-inspection.ts';
import {
  Expiry,
  isKeptForEver,
  keptForEver,
  type NextTimeToLive,
  type TimeToLive,
  timeToLiveAfter,
} from './time-to-live.ts';

/**
 * Opens the embedded store: LevelDB with a thread of its own for writing.
 *
 * Throws StopError (STORE_LOCKED: another process has the folder open; STORE_FORMAT; STORE_CORRUPT) or OutageError
 * (STORE_OPEN_FAILED).
 */
export async function openLevelStore(
  settings: Pick<LevelSettings, 'folder'> & Partial<LevelSettings>,
  clock: Clock,
): Promise<EmbeddedStore> {
  const complete = { ...defaultLevelSettings, ...settings, folder: resolve(settings.folder) };
  lockFolder(complete.folder);
  try {
    const lives = { rules: keptForEver };
    const store = new LevelStore(complete, clock, lives, await openSession(complete, clock, lives));
    storeOpened(complete.folder, store);
    return store;
  } catch (error) {
    unlockFolder(complete.folder);
    throw error;
  }
}

const crashesMax = 3;

class LevelStore implements EmbeddedStore {
  readonly guarantee = 'atomic';
  readonly bulk: BulkReads = {
    scan: (query) => this.#read((_reader, { bulk }) => bulk.scan(query)),
    farEnds: (query) => this.#read((_reader, { bulk }) => bulk.farEnds(query)),
    packedFarEnds: (query) => this.#read((_reader, { bulk }) => bulk.packedFarEnds(query)),
    properties: (query) => {
      assertAtOnce(query.ids);
      return this.#read((_reader, { bulk }) => bulk.properties(query));
    },
    openThread: (module) => this.#inspections.openBulkThread(module),
  };
  readonly #settings: LevelSettings;
  readonly #clock: Clock;
  readonly #lives: Lives;
  readonly #inspections: LevelInspections;
  readonly #removal: RemovalMoment;
  /** Null between a failed write and the claim that opens the store again. */
  #session: Session | null;
  #reopening: Promise<Session> | null = null;
  /** As they could be read last from a session that ended. */
  #lastFigures: Figures | null = null;
  /** Set while the store is being restored, and for good when that failed. */
  #unrestored: StopError | null = null;
  #closing: Promise<void> | null = null;
  /** Counted when one begins: a removal that is sent later comes behind it. */
  #ruleChanges = 0;
  /** Sessions that ended by a crash of their thread since a partition's last durable batch. Bounded by the partitions. */
  readonly #crashes = new Map<string, Set<Session>>();

  constructor(settings: LevelSettings, clock: Clock, lives: Lives, session: Session) {
    this.#settings = settings;
    this.#clock = clock;
    this.#lives = lives;
    this.#session = session;
    this.#inspections = new LevelInspections(settings, clock, lives, this);
    this.#removal = new RemovalMoment(clock, async () => newestEventOf(await this.sources()));
  }

  async claim(source: SourcePartition): Promise<Claim> {
    const { thread, stretches } = await this.#writable();
    try {
      await stretches.done();
    } catch (cause) {
      throw this.#closing === null ? cause : this.#unavailable();
    }
    return await thread.claim(source);
  }

  async apply(advance: Advance, mutations: MutationBatch): Promise<Applied> {
    const session = this.#session;
    if (this.#closing !== null || session === null) throw this.#unavailable();
    const { stamps } = session;
    const number = stamps.begin(session.heads.isEmpty ? null : mutations.packed);
    try {
      const applied = await session.thread.apply(advance, mutations.take());
      this.#crashes.delete(partitionKey(advance.source));
      return applied;
    } catch (error) {
      throw this.#orStop(error, advance, session);
    } finally {
      stamps.end(number);
    }
  }

  /** A batch at which the thread crashes time after time is a bug, which no waiting mends: its topic has to stop by name. */
  #orStop(error: unknown, { source, from }: Advance, session: Session): unknown {
    if (!(error instanceof OutageError) || error.code !== 'STORE_WRITER_CRASHED') return error;
    const key = partitionKey(source);
    const crashes = this.#crashes.get(key) ?? new Set();
    this.#crashes.set(key, crashes.add(session));
    if (crashes.size < crashesMax) return error;
    const { topic, partition } = source;
    return new StopError(
      'STORE_WRITER_KEEPS_CRASHING',
      `The store's writing thread has crashed ${crashes.size} times in a row over partition ${partition} of topic ${topic} at offset ${from}: this is a fault of the product, please report it.`,
      { cause: error, context: { topic, partition, offset: from } },
    );
  }

  node(ref: NodeRef): Promise<NodeView | null> {
    return this.#read((reader) => reader.node(ref));
  }

  nodes(refs: readonly NodeRef[], signal?: AbortSignal): Promise<readonly (NodeView | null)[]> {
    assertAtOnce(refs);
    return this.#read((reader) => reader.nodes(refs, signal));
  }

  adjacencies(queries: readonly AdjacencyQuery[], signal?: AbortSignal): Promise<readonly AdjacencyPage[]> {
    assertAtOnce(queries);
    return this.#read((reader) => reader.adjacencies(queries, signal));
  }

  ends(queries: readonly AdjacencyQuery[], signal?: AbortSignal): Promise<readonly EndsPage[]> {
    assertAtOnce(queries);
    return this.#read((reader) => reader.ends(queries, signal));
  }

  journey(query: JourneyQuery): Promise<JourneyPage> {
    return this.#read((reader) => reader.journey(query));
  }

  journeyRows(query: JourneyQuery): Promise<JourneyRows> {
    return this.#read((reader) => reader.journeyRows(query));
  }

  adjacency(query: AdjacencyQuery): Promise<AdjacencyPage> {
    return this.#read((reader) => reader.adjacency(query));
  }

  degree(query: DegreeQuery): Promise<DegreeView> {
    return this.#read((reader) => reader.degree(query));
  }

  edge(query: EdgeQuery): Promise<EdgeView | null> {
    return this.#read((reader) => reader.edge(query));
  }

  async sources(): Promise<readonly SourceStatus[]> {
    return this.#figures()?.sources ?? (await this.#read((reader) => reader.sources()));
  }

  async estimate(): Promise<GraphEstimate> {
    return this.#figures()?.estimate ?? (await this.#read((reader) => reader.estimate()));
  }

  digest(): Promise<GraphDigest> {
    const expiry = new Expiry(this.timeToLive(), this.#clock.now());
    return this.#read((reader) => reader.digest(expiry));
  }

  async setTimeToLive(next: NextTimeToLive): Promise<void> {
    const session = await this.#writable();
    this.#ruleChanges += 1;
    this.#lives.rules = await session.thread.setTimeToLive(timeToLiveAfter(this.#lives.rules, next));
  }

  timeToLive(): TimeToLive {
    return this.#lives.rules;
  }

  async sweep(after: Uint8Array | null, rowsMax: number): Promise<Swept> {
    if (isKeptForEver(this.timeToLive())) return { scanned: 0, removed: 0, next: null };
    const changes = this.#ruleChanges;
    const nowMs = await this.#removal.nowMs();
    const expiry = new Expiry(this.timeToLive(), nowMs);
    const { rows, scanned, next } = await this.#read((reader) => reader.expired(after, rowsMax, expiry));
    const session = this.#session;
    if (session === null) throw this.#unavailable();
    // By rules that hold no longer, or are on their way out: what they hid may be shown again.
    if (this.#ruleChanges !== changes) return { scanned: 0, removed: 0, next: after, again: true };
    if (rows.length === 0) return { scanned, removed: 0, next };
    try {
      const { removed, rules } = await session.thread.remove(rows);
      if (rules !== null) this.#lives.rules = rules;
      return { scanned, removed, next };
    } finally {
      // Under rules that come later what was removed could be seen again where it is remembered.
      session.stamps.forget();
    }
  }

  async snapshot(): Promise<GraphSnapshot> {
    const session = this.#session;
    if (session === null) throw this.#unavailable();
    return await LevelSnapshot.open(session.db, (cause) => readFailure(this.#settings.folder, cause));
  }

  async restore(snapshot: Restorable): Promise<void> {
    const { db } = await this.#writable();
    if (await isRestoredLevel(db, snapshot)) return;
    if (!(await isEmptyLevel(db))) throw notEmpty(this.#settings.folder);
    if (this.#closing !== null || this.#reopening !== null) throw this.#unavailable();
    const restored = { done: false };
    this.#reopening = this.#restoreAlone(snapshot, restored).finally(() => {
      this.#reopening = null;
    });
    await this.#reopening;
    // Somebody claimed a partition meanwhile.
    if (!restored.done) throw notEmpty(this.#settings.folder);
  }

  async stats(exact: boolean, signal?: AbortSignal): Promise<StoreStats> {
    const session = this.#opened();
    const estimate = await this.estimate();
    if (!exact) return await this.#read(() => levelStats(session.db, this.#settings, estimate, false));
    return await this.#inspections.count(estimate, signal);
  }

  deletedTypes(): Promise<DeletedTypes> {
    return this.#read((reader) => reader.deletedTypes());
  }

  verify(faultsMax: number): AsyncGenerator<VerifyEvent> {
    return this.#inspections.verify(faultsMax);
  }

  openSnapshotFile(about: SnapshotAbout): Promise<SnapshotFile> {
    return this.#inspections.openSnapshotFile(about);
  }

  openTable(table: GraphTable, encoding: GraphTableEncoding): Promise<SnapshotFile> {
    return this.#inspections.openTable(table, encoding);
  }

  compare(folder: string, differencesMax: number): AsyncGenerator<CompareEvent> {
    return this.#inspections.compare(folder, differencesMax);
  }

  /** Throws when none is open. */
  get session(): Session {
    return this.#opened();
  }

  #opened(): Session {
    if (this.#session === null) throw this.#unavailable();
    return this.#session;
  }

  /** No other thread has the database open meanwhile, so that all caches begin with what was restored. */
  async #restoreAlone(snapshot: Restorable, restored: { done: boolean }): Promise<Session> {
    const before = this.#session;
    this.#session = null;
    if (before !== null) await closeSession(before);
    const { folder } = this.#settings;
    const db = await openLevel(this.#settings);
    try {
      if (await isEmptyLevel(db)) {
        this.#unrestored = restoreIncomplete(folder);
        await restoreLevel(db, snapshot);
        this.#unrestored = null;
        restored.done = true;
      }
    } catch (cause) {
      throw isLevelError(cause) ? restoreFailure(folder, cause) : cause;
    } finally {
      await db.close();
    }
    this.#session = await openSession(this.#settings, this.#clock, this.#lives);
    return this.#session;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    try {
      // A reopening that fails leaves nothing open; whoever claimed was told why.
      if (this.#reopening !== null) await Promise.allSettled([this.#reopening]);
      const session = this.#session;
      this.#session = null;
      if (session !== null) await closeSession(session);
    } finally {
      unlockFolder(this.#settings.folder);
    }
  }

  async #writable(): Promise<Session> {
    if (this.#closing !== null) throw this.#unavailable();
    if (this.#session !== null && !hasFailed(this.#session)) return this.#session;
    this.#reopening ??= this.#reopen().finally(() => {
      this.#reopening = null;
    });
    return await this.#reopening;
  }

  /** LevelDB's log may hold a torn record after a failed write; only opening again replays what is whole. */
  async #reopen(): Promise<Session> {
    const before = this.#session;
    if (before !== null) this.#lastFigures = (await figuresOf(before.reader)) ?? this.#lastFigures;
    this.#session = null;
    if (before !== null) await closeSession(before);
    this.#session = await openSession(this.#settings, this.#clock, this.#lives);
    return this.#session;
  }

  /**
   * While the store cannot be opened again nobody moves a position: what was read before still holds, and whoever asks why the topics
   * are paused gets an answer. Null while the store itself can be asked, and when it is closed.
   */
  #figures(): Figures | null {
    return this.#session === null && this.#closing === null ? this.#lastFigures : null;
  }

  async #read<T>(read: (reader: LevelReader, session: Session) => Promise<T>): Promise<T> {
    const session = this.#opened();
    try {
      return await read(session.reader, session);
    } catch (cause) {
      throw readFailure(this.#settings.folder, cause);
    }
  }

  #unavailable(): OutageError | StopError {
    if (this.#unrestored !== null) return this.#unrestored;
    return new OutageError(
      'STORE_CLOSED',
      `The store in ${this.#settings.folder} is closed; claim the partition to open it again.`,
    );
  }
}

function partitionKey({ topicId, partition }: SourcePartition): string {
  return `${topicId}/${partition}`;
}
