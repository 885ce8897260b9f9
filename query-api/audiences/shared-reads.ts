import {
  type BulkReads,
  type BulkThread,
  type FarEndsQuery,
  type PackedFarEndsPage,
  packedFarEnds,
  verdict,
} from '../../graph-store/index.ts';
import type { Predicate } from '../where/predicate.ts';
import { propertiesIn } from './condition.ts';
import { checkOf } from './member-check.ts';

/** Rows and candidates of one run before a second thread is begun: to begin it takes as long as looking at some ten thousand of them. */
export const secondThreadAfterDefault = 50_000;
/** Under way in the second thread at a time, of twice as many in all; what comes beyond is done here, so that neither waits for the other. */
const endsAtOnceMax = 2;
const checksAtOnceMax = 4;

/**
 * The reads of one run, shared between this thread and, when there are many, a second one of the store's. Both do the same to the same rows. A second thread
 * that fails or ends, as when another graph is put in this one's place, is no failure of the run: what it was asked for is read here.
 */
export class SharedReads implements AsyncDisposable {
  readonly #bulk: BulkReads;
  #thread: BulkThread | null = null;
  /** Null when there is none to begin any more. */
  #beginsAfter: number | null;
  #underWay = 0;
  #looked = 0;

  /** `beginsAfter` so many rows and candidates; null never. */
  constructor(bulk: BulkReads, beginsAfter: number | null) {
    this.#bulk = bulk;
    this.#beginsAfter = beginsAfter;
  }

  async packedFarEnds(query: FarEndsQuery): Promise<PackedFarEndsPage> {
    const { keep, ...rest } = query;
    const shared =
      keep === null ? await this.#shared(endsAtOnceMax, (thread) => thread.packedFarEnds(rest)) : null;
    const page = shared ?? (await packedFarEnds(this.#bulk, query));
    // Not what was asked for: a handful of edges comes in a page that had room for thousands.
    this.#count(page.scanned);
    return page;
  }

  /** Those of `ids`, of which there are `readsAtOnceMax` at most, that are there and for which it holds. */
  async holding(type: string, where: Predicate, ids: readonly string[]): Promise<readonly string[]> {
    this.#count(ids.length);
    const names = propertiesIn(where);
    const verdicts = await this.#shared(checksAtOnceMax, (thread) =>
      thread.check({ type, ids, names, condition: where }),
    );
    if (verdicts === null) return await this.#holdingHere(type, where, names, ids);
    const unknown = ids.filter((_id, i) => verdicts[i] === verdict.unknown);
    const held = new Set(unknown.length === 0 ? [] : await this.#holdingHere(type, where, names, unknown));
    return ids.filter(
      (id, i) => verdicts[i] === verdict.yes || (verdicts[i] === verdict.unknown && held.has(id)),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#beginsAfter = null;
    await this.#thread?.stop();
    this.#thread = null;
  }

  async #holdingHere(
    type: string,
    where: Predicate,
    names: readonly string[],
    ids: readonly string[],
  ): Promise<readonly string[]> {
    const found = await this.#bulk.properties({ type, ids, names });
    const isHeld = checkOf(where);
    return ids.filter((_id, i) => {
      const values = found[i] ?? null;
      return values !== null && isHeld(values);
    });
  }

  #count(looked: number): void {
    this.#looked += looked;
    if (this.#beginsAfter === null || this.#looked < this.#beginsAfter) return;
    this.#beginsAfter = null;
    this.#thread = this.#bulk.openThread?.(new URL(moduleName, import.meta.url).href) ?? null;
  }

  /** Null when it is to be done here. */
  async #shared<T>(atOnceMax: number, read: (thread: BulkThread) => Promise<T>): Promise<T | null> {
    const thread = this.#thread;
    if (thread === null || this.#underWay >= atOnceMax) return null;
    this.#underWay += 1;
    try {
      return await read(thread);
    } catch {
      // Whatever it was: the same is asked here, and where the store cannot be read that says so.
      if (this.#thread === thread) this.#thread = null;
      await thread.stop();
      return null;
    } finally {
      this.#underWay -= 1;
    }
  }
}

/** The published package holds JavaScript, a checkout TypeScript. */
const moduleName = import.meta.url.endsWith('.ts') ? './member-check-thread.ts' : './member-check-thread.js';
