import type {
  AdjacencyPage,
  AdjacencyQuery,
  GraphReader,
  NodeRef,
  OccurrenceView,
} from '../../graph-store/index.ts';
import { type Grant, shows } from './grant.ts';
import type { Known } from './known.ts';
import type { NodeSight } from './node-sight.ts';

/** Rows that one call reads beyond what was asked for, to put others in the place of what is hidden; then pages are cut. */
const extraRowsMax = 100_000;
/** The least that is read again when a page came out short. */
const roundRowsMin = 64;
const noEdges: AdjacencyPage = { occurrences: [], scanned: 0, truncated: false, last: null };

/** One query on its way: read in rounds, each larger, until the page is full, nothing is left, or a bound is met. */
class Search {
  readonly query: Known<AdjacencyQuery>;
  readonly found: OccurrenceView[] = [];
  /** After which row the next round begins, hidden or not: hence never told. */
  #after: AdjacencyPage['last'];
  #scanned = 0;
  #rows: number;
  #state: 'goes on' | 'ended' | 'cut' = 'goes on';

  constructor(query: AdjacencyQuery) {
    const { of, type, direction, sinceMs, untilMs, after = null, limit, scanMax, endsOnly = false } = query;
    this.query = { of, type, direction, sinceMs, untilMs, after, limit, scanMax, endsOnly };
    this.#after = after;
    this.#rows = limit;
  }

  get isOver(): boolean {
    return this.#state !== 'goes on' || this.found.length >= this.query.limit;
  }

  next(): Known<AdjacencyQuery> {
    const scanMax = this.query.scanMax - this.#scanned;
    // One more than may be looked at: a page that just fits is known to be all.
    return { ...this.query, after: this.#after, limit: Math.min(this.#rows, scanMax + 1), scanMax };
  }

  take(asked: Known<AdjacencyQuery>, page: AdjacencyPage, visible: readonly OccurrenceView[]): void {
    this.found.push(...visible.slice(0, this.query.limit - this.found.length));
    this.#scanned += Math.max(page.scanned, 1);
    if (page.truncated) this.#state = 'cut';
    else if (page.occurrences.length < asked.limit || page.last === null) this.#state = 'ended';
    else if (this.#scanned >= this.query.scanMax) this.#state = 'cut';
    else {
      this.#after = page.last;
      this.#rows = Math.max(roundRowsMin, this.#rows * 4);
    }
  }

  cut(): void {
    if (!this.isOver) this.#state = 'cut';
  }

  page(occurrences: readonly OccurrenceView[]): AdjacencyPage {
    const full = this.found.length >= this.query.limit;
    const truncated = this.#state === 'cut' && !full;
    const scanned = truncated ? this.query.scanMax : occurrences.length;
    return { occurrences, scanned, truncated, last: this.#lastShown() };
  }

  /** A caller goes on after what was shown, and meets what is hidden behind it again: the place of a hidden row would tell of it. */
  #lastShown(): AdjacencyPage['last'] {
    const last = this.found.at(-1);
    if (last === undefined) return null;
    const { timeMs, occurrence, key } = last;
    return { timeMs, occurrence, far: farEnd(this.query, last), key };
  }
}

/**
 * Edges of a node that lead to nodes which can be seen. A page that came out short because of hidden ends is filled up by reading on, so that its length
 * says nothing about them; many queries take their rounds together.
 */
export class VisibleEdges {
  readonly #reader: GraphReader;
  readonly #grant: Grant;
  readonly #sight: NodeSight;

  constructor(reader: GraphReader, grant: Grant, sight: NodeSight) {
    this.#reader = reader;
    this.#grant = grant;
    this.#sight = sight;
  }

  async page(query: AdjacencyQuery): Promise<AdjacencyPage> {
    const [page] = await this.pages([query]);
    return page ?? noEdges;
  }

  async pages(queries: readonly AdjacencyQuery[]): Promise<readonly AdjacencyPage[]> {
    const granted = queries.filter(({ type }) => this.#grant.edgesOf(type) !== null);
    const visible = await this.#sight.visible(granted.map(({ of }) => of));
    const searches = queries.map((query) =>
      this.#grant.edgesOf(query.type) !== null && visible(query.of) ? new Search(query) : null,
    );
    let left = extraRowsMax;
    let running = searches.filter((search) => search !== null);
    while (running.length > 0) {
      const extra = await this.#round(running);
      left -= extra;
      running = running.filter((search) => !search.isOver);
      if (left <= 0) {
        for (const search of running) search.cut();
        break;
      }
    }
    return searches.map((search) => search?.page(search.found.map((found) => this.#shown(found))) ?? noEdges);
  }

  /** Gives how many rows were looked at. */
  async #round(searches: readonly Search[]): Promise<number> {
    const asked = searches.map((search) => ({ search, query: search.next() }));
    const pages = await this.#reader.adjacencies(asked.map(({ query }) => query));
    const ends = asked.flatMap(({ query }, index) =>
      (pages[index] ?? noEdges).occurrences.map((occurrence) => farEnd(query, occurrence)),
    );
    const visible = await this.#sight.visible(ends);
    let rows = 0;
    for (const [index, { search, query }] of asked.entries()) {
      const page = pages[index] ?? noEdges;
      rows += page.scanned;
      const shown = page.occurrences.filter((occurrence) => visible(farEnd(query, occurrence)));
      search.take(query, page, shown);
    }
    return rows;
  }

  #shown(occurrence: OccurrenceView): OccurrenceView {
    const rights = this.#grant.edgesOf(occurrence.type) ?? { fields: new Set<string>(), lineage: false };
    const properties = occurrence.properties.filter(([name]) => shows(rights.fields, name));
    return { ...occurrence, properties, lineage: rights.lineage ? occurrence.lineage : null };
  }
}

function farEnd({ direction }: AdjacencyQuery, { from, to }: OccurrenceView): NodeRef {
  return direction === 'out' ? to : from;
}
