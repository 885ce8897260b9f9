import { resolve } from 'node:path';
import { type Clock, must } from '../foundation/index.ts';
import type { CompareEvent } from './graph-difference.ts';
import type { GraphEstimate } from './graph-store.ts';
import type { GraphTable, GraphTableEncoding } from './graph-table.ts';
import { LevelBulkThread } from './leveldb-bulk-thread.ts';
import { LevelInspection } from './leveldb-inspection.ts';
import type { InspectionJob } from './leveldb-inspection-protocol.ts';
import { lockFolder, type OpenStore, openStoreIn, unlockFolder } from './leveldb-locked-folders.ts';
import { checkFormat, openLevel } from './leveldb-open.ts';
import type { LevelSettings } from './leveldb-protocol.ts';
import type { Lives } from './leveldb-session.ts';
import type { SnapshotAbout } from './snapshot-file.ts';
import type { SnapshotFile, StoreStats, VerifyEvent } from './store-inspection.ts';

/** What is done to an open store by threads of their own, which read all of it: counting, verifying, files, comparing. */
export class LevelInspections {
  readonly #settings: LevelSettings;
  readonly #clock: Clock;
  readonly #lives: Lives;
  readonly #store: OpenStore;

  constructor(settings: LevelSettings, clock: Clock, lives: Lives, store: OpenStore) {
    this.#settings = settings;
    this.#clock = clock;
    this.#lives = lives;
    this.#store = store;
  }

  async count(estimate: GraphEstimate, signal?: AbortSignal): Promise<StoreStats> {
    const inspection = await this.#inspect({ kind: 'count', estimate });
    if (signal !== undefined) inspection.stopOn(signal);
    for await (const reply of inspection.replies()) if (reply.kind === 'stats') return reply.stats;
    return must<StoreStats>(null, 'counting ends with what was counted');
  }

  async *verify(faultsMax: number): AsyncGenerator<VerifyEvent> {
    const job = {
      kind: 'verify',
      faultsMax,
      timeToLive: this.#lives.rules,
      nowMs: this.#clock.now(),
    } as const;
    const inspection = await this.#inspect(job);
    for await (const reply of inspection.replies()) if (reply.kind === 'event') yield reply.event;
  }

  async openSnapshotFile(about: SnapshotAbout): Promise<SnapshotFile> {
    return fileOf(await this.#inspect({ kind: 'snapshot', about }));
  }

  async openTable(table: GraphTable, encoding: GraphTableEncoding): Promise<SnapshotFile> {
    const hiding = { timeToLive: this.#lives.rules, nowMs: this.#clock.now() };
    return fileOf(await this.#inspect({ kind: 'table', table, encoding, ...hiding }));
  }

  async *compare(folder: string, differencesMax: number): AsyncGenerator<CompareEvent> {
    const other = { ...this.#settings, folder: resolve(folder) };
    const open = openStoreIn(other.folder);
    if (open !== null) {
      yield* this.#compareWith(other, differencesMax, open);
      return;
    }
    lockFolder(other.folder);
    // Who is told the verdict may open the other one at once: it is told behind the closing.
    let verdict: CompareEvent | null = null;
    try {
      // Opened here too: what is wrong with it is told by its own error, and this thread's handle goes first and last.
      const db = await openLevel(other);
      try {
        await checkFormat(db, other.folder);
        for await (const event of this.#compareWith(other, differencesMax, null)) {
          if (event.kind === 'verdict') verdict = event;
          else yield event;
        }
      } finally {
        await db.close();
      }
    } finally {
      unlockFolder(other.folder);
    }
    if (verdict !== null) yield verdict;
  }

  async *#compareWith(
    other: LevelSettings,
    differencesMax: number,
    open: OpenStore | null,
  ): AsyncGenerator<CompareEvent> {
    const nowMs = this.#clock.now();
    const inspection = await this.#inspect({ kind: 'compare', other, nowMs, differencesMax }, open);
    for await (const reply of inspection.replies()) if (reply.kind === 'compared') yield reply.event;
  }

  /** As those, but it reads what it is asked for. */
  openBulkThread(module: string): LevelBulkThread {
    const { inspections } = this.#store.session;
    const hiding = () => ({ timeToLive: this.#lives.rules, nowMs: this.#clock.now() });
    const thread = new LevelBulkThread(this.#settings, module, hiding);
    inspections.add(thread);
    void thread.exited.then(() => inspections.delete(thread));
    return thread;
  }

  /** The thread ends before this store does, and before `other`, which it reads too. */
  async #inspect(job: InspectionJob, other: OpenStore | null = null): Promise<LevelInspection> {
    const sessions = [this.#store.session, ...(other === null ? [] : [other.session])];
    const inspection = new LevelInspection(this.#settings, job);
    for (const { inspections } of sessions) {
      inspections.add(inspection);
      void inspection.exited.then(() => inspections.delete(inspection));
    }
    try {
      await inspection.ready();
    } catch (error) {
      await inspection.stop();
      throw error;
    }
    return inspection;
  }
}

function fileOf(inspection: LevelInspection): SnapshotFile {
  async function* bytes(): AsyncGenerator<Uint8Array> {
    for await (const reply of inspection.replies()) if (reply.kind === 'bytes') yield reply.bytes;
  }
  return { bytes, [Symbol.asyncDispose]: () => inspection.stop() };
}
