import type { AdjacencyQuery, NodeRef } from '../../graph-store/index.ts';
import type { AgingSketch, LearnedDegrees } from '../cost/degree-statistics.ts';

/** What a page of a hop tells of it. */
export interface HopPage {
  readonly scanned: number;
  readonly truncated: boolean;
  /** Rows in the page. */
  readonly count: number;
  readonly lastMs: number | null;
}

interface Unended {
  readonly rows: number;
  /** Where its last page ended. */
  readonly lastMs: number;
}

/** Of a request; hops beyond that are observed page by page. */
const unendedMax = 4096;

/** Learns of one request's hops, of one that is read on as of one. */
export class HopWatch {
  readonly #degrees: LearnedDegrees;
  /** Hops that were not read to their end, by what is walked and from where; whoever reads on has the node in hand still. */
  readonly #unended = new Map<string, Map<NodeRef, Unended>>();
  #unendedCount = 0;

  constructor(degrees: LearnedDegrees) {
    this.#degrees = degrees;
  }

  /** `pageOf` gives the page of the query at that place. */
  observe(queries: readonly AdjacencyQuery[], pageOf: (index: number) => HopPage | null): void {
    let of: Pick<AdjacencyQuery, 'type' | 'direction'> | null = null;
    let sketch: AgingSketch | null = null;
    let unended = new Map<NodeRef, Unended>();
    for (const [index, query] of queries.entries()) {
      // Hundreds of queries in a row ask for the same.
      if (sketch === null || of?.type !== query.type || of.direction !== query.direction) {
        of = query;
        sketch = this.#degrees.hop(query.type, query.direction);
        unended = this.#unendedOf(query);
      }
      const page = pageOf(index);
      if (page !== null) this.#observe(query, page, sketch, unended);
    }
  }

  #observe(
    { of, limit, after }: AdjacencyQuery,
    page: HopPage,
    sketch: AgingSketch,
    unended: Map<NodeRef, Unended>,
  ): void {
    const isBegun = (after ?? null) !== null;
    const known = isBegun ? unended.get(of) : undefined;
    const before = known !== undefined && known.lastMs === after?.timeMs ? known.rows : null;
    if (known !== undefined) {
      unended.delete(of);
      this.#unendedCount -= 1;
    }
    const rows = (before ?? 0) + page.scanned;
    const ended = !page.truncated && page.count < limit;
    // Of a page that a caller asked for behind another one, what lies before it is not known.
    const isWhole = ended && (!isBegun || before !== null);
    if (before !== null) sketch.forgetAtLeast(before);
    if (isWhole) sketch.observe(rows);
    else sketch.observeAtLeast(rows);
    if (ended || page.lastMs === null || this.#unendedCount >= unendedMax) return;
    if (!unended.has(of)) this.#unendedCount += 1;
    unended.set(of, { rows, lastMs: page.lastMs });
  }

  #unendedOf({ type, direction }: AdjacencyQuery): Map<NodeRef, Unended> {
    const name = `${direction} ${type}`;
    const known = this.#unended.get(name);
    if (known !== undefined) return known;
    const unended = new Map<NodeRef, Unended>();
    this.#unended.set(name, unended);
    return unended;
  }
}
