import type { AdjacencyQuery, EndsPage, GraphReader, NodeRef, NodeView } from '../../graph-store/index.ts';
import { endsOf, readsAtOnceMax } from '../../graph-store/index.ts';
import type { EdgeCursor } from './edge-cursor.ts';
import type { Spent, TraversalBudget } from './traversal-budget.ts';
import { Truncations } from './truncations.ts';
import { nodeKey, occurrenceBytes, valueBytes } from './walked-edge.ts';

/** Rows of one call at most: those held at once, and those looked at. */
const rowsAtOnceMax = 4096;
const scannedAtOnceMax = 65_536;
/** Rows of one call are fewer when they turn out to be large. */
const bytesAtOnceMax = 8 * 2 ** 20;
const rowsAtOnceMin = 64;
/** Reading nodes is work on this thread: so many, then others have their turn. */
export const nodesAtOnceMax = 256;

/** A cursor and what the last call found of it. */
export type CursorRows = readonly [cursor: EdgeCursor, page: EndsPage];

/** What a traversal asks of the store. */
export type TraversalReader = Pick<GraphReader, 'adjacencies' | 'ends' | 'nodes'>;

/**
 * One traversal's way to the store. Each call is as large as its bounds allow, and the budget is asked and others have their turn
 * between any two.
 */
export class TraversalSession {
  readonly #reader: TraversalReader;
  readonly budget: TraversalBudget;
  readonly truncations = new Truncations();
  /** Of nodes that a condition was asked about. */
  readonly views = new Map<string, NodeView | null>();
  #edgesScanned = 0;
  #bytesOfRow = 0;
  #isOver = false;

  constructor(reader: TraversalReader, budget: TraversalBudget) {
    this.#reader = reader;
    this.budget = budget;
  }

  /** Rows looked at, hidden and filtered ones included. */
  get edgesScanned(): number {
    return this.#edgesScanned;
  }

  /** True when nothing more may be read; then it is said, at this hop. Ask it only while there is more to read. */
  isSpent(hop: number): boolean {
    if (this.#isOver) return true;
    const spent = this.budget.spent();
    if (spent !== null) this.stop(hop, spent);
    return this.#isOver;
  }

  /** True once something was left out because the budget was spent: nothing is read after that. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Nothing more is read from here on, and that is said. */
  stop(hop: number, spent: Spent): void {
    this.#isOver = true;
    this.truncations.add({ hop, ...spent, edge: null, node: null });
  }

  /**
   * Reads on from each cursor that is open, `rows` of each, in as many calls as that takes, each for `callRows` rows at most; yields after each call. Ends early when the
   * budget is spent, and says so.
   */
  async *readOn(
    hop: number,
    cursors: readonly EdgeCursor[],
    rows: number,
    floorMs: () => number,
    callRows: () => number = () => Number.POSITIVE_INFINITY,
  ): AsyncGenerator<readonly CursorRows[]> {
    const waiting = cursors.filter(({ isOpen }) => isOpen).reverse();
    while (waiting.length > 0) {
      if (this.isSpent(hop)) return;
      const asked = this.#nextCall(waiting, rows, floorMs(), callRows());
      const pages = await this.#pages(asked.map(([, query]) => query));
      const found: CursorRows[] = [];
      for (const [index, [cursor, query]] of asked.entries()) {
        const page = pages[index];
        if (page === undefined) continue;
        this.#count(page.scanned);
        cursor.passed(query, page);
        found.push([cursor, page]);
        if (cursor.isCut) this.#sayCut(hop, cursor);
      }
      yield found;
      await this.budget.turn();
    }
  }

  /** What there is of each; fewer than asked for when the budget is spent, and then it is said. */
  async nodes(hop: number, refs: readonly NodeRef[]): Promise<ReadonlyMap<string, NodeView | null>> {
    const missing = new Map(refs.map((ref) => [nodeKey(ref), ref]));
    for (const key of missing.keys()) if (this.views.has(key)) missing.delete(key);
    const wanted = [...missing.values()];
    for (let at = 0; at < wanted.length; at += nodesAtOnceMax) {
      if (this.isSpent(hop)) break;
      const chunk = wanted.slice(at, at + nodesAtOnceMax);
      const views = await this.#reader.nodes(chunk);
      for (const [index, ref] of chunk.entries()) {
        const view = views[index] ?? null;
        this.views.set(nodeKey(ref), view);
        this.budget.hold(1, view === null ? 0 : nodeBytes(view));
      }
      await this.budget.turn();
    }
    return this.views;
  }

  /** Takes from the end of `waiting` what one call may ask for. */
  #nextCall(
    waiting: EdgeCursor[],
    rows: number,
    floorMs: number,
    callRows: number,
  ): readonly (readonly [EdgeCursor, AdjacencyQuery])[] {
    const asked: (readonly [EdgeCursor, AdjacencyQuery])[] = [];
    let rowsLeft = this.budget.rowsLeft;
    let scanLeft = scannedAtOnceMax;
    let heldLeft = Math.min(this.#rowsAtOnce(), callRows);
    while (asked.length < readsAtOnceMax && rowsLeft > 0) {
      const cursor = waiting.pop();
      if (cursor === undefined) break;
      const query = cursor.query(Math.min(rows, this.#rowsAtOnce()), floorMs, rowsLeft);
      // The first always fits: a cursor that has met many hidden rows looks at many at once.
      if (asked.length > 0 && (query.limit > heldLeft || query.scanMax > scanLeft)) {
        waiting.push(cursor);
        break;
      }
      asked.push([cursor, query]);
      rowsLeft -= query.scanMax;
      scanLeft -= query.scanMax;
      heldLeft -= query.limit;
    }
    return asked;
  }

  #rowsAtOnce(): number {
    const fit = Math.floor(bytesAtOnceMax / Math.max(1, this.#bytesOfRow));
    return Math.min(rowsAtOnceMax, Math.max(rowsAtOnceMin, fit));
  }

  /** Rows without contents are small, whatever they say. */
  async #pages(queries: readonly AdjacencyQuery[]): Promise<readonly EndsPage[]> {
    const { ends } = this.#reader;
    if (ends !== undefined && queries.every(({ endsOnly }) => endsOnly === true))
      return await ends.call(this.#reader, queries);
    const pages = await this.#reader.adjacencies(queries);
    for (const { occurrences } of pages)
      for (const one of occurrences) this.#bytesOfRow = Math.max(this.#bytesOfRow, occurrenceBytes(one));
    return endsOf(queries, pages);
  }

  #count(scanned: number): void {
    this.#edgesScanned += scanned;
    // A list without rows counts as one: a walk that leaves from very many nodes ends as well when none of them leads on.
    this.budget.scanned(Math.max(1, scanned));
  }

  #sayCut(hop: number, { of, range }: EdgeCursor): void {
    this.truncations.add({ hop, kind: 'SCAN', limit: range.scanMax, edge: range.edge, node: of });
  }
}

export function nodeBytes({ node, properties }: NodeView): number {
  return properties.reduce((sum, { name, value }) => sum + valueBytes(name, value), 2 * node.id.length + 64);
}
