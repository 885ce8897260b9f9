import type { AdjacencyPage, AdjacencyQuery, NodeRef, OccurrenceView } from '../../graph-store/index.ts';
import { type EdgeWay, farEnd, nodeKey } from './walked-edge.ts';

export interface CursorRange {
  readonly edge: string;
  readonly way: EdgeWay;
  readonly sinceMs: number;
  readonly untilMs: number;
  /** Rows of this node that may be looked at. */
  readonly scanMax: number;
  /** Without their contents, which are then neither read nor decoded. */
  readonly endsOnly: boolean;
}

/** Rows looked at beyond those wanted, in case some are hidden; four times as many each time that this was not enough. */
const spareRows = 64;
const growth = 4;

/**
 * The edges of one type at one side of a node, newest first, a few at a time. An edge that many events touched is given once, by the newest of
 * them that `accepts`.
 */
export class EdgeCursor {
  readonly of: NodeRef;
  readonly range: CursorRange;
  readonly #accepts: (occurrence: OccurrenceView) => boolean;
  /** Bounded by the rows looked at. */
  readonly #farEnds = new Set<string>();
  #after: AdjacencyPage['last'] = null;
  #scanned = 0;
  #spare = spareRows;
  #state: 'open' | 'done' | 'cut' = 'open';

  constructor(of: NodeRef, range: CursorRange, accepts: (occurrence: OccurrenceView) => boolean) {
    this.of = of;
    this.range = range;
    this.#accepts = accepts;
  }

  /** True while there may be more that may be looked at. */
  get isOpen(): boolean {
    return this.#state === 'open';
  }

  /** True when there may be more, which may not be looked at. */
  get isCut(): boolean {
    return this.#state === 'cut';
  }

  /** What comes is not newer than this. */
  get lastMs(): number {
    return this.#after?.timeMs ?? Number.POSITIVE_INFINITY;
  }

  /** For the next `rows` of them, none older than `floorMs`, looking at `rowsLeft` rows at most, which is 1 or more. */
  query(rows: number, floorMs: number, rowsLeft: number): AdjacencyQuery {
    const { edge, way, sinceMs, untilMs, scanMax, endsOnly } = this.range;
    const may = Math.min(rows + this.#spare, scanMax - this.#scanned, rowsLeft);
    return {
      of: this.of,
      type: edge,
      direction: way,
      sinceMs: Math.max(sinceMs, floorMs),
      untilMs,
      after: this.#after,
      limit: Math.min(rows, may),
      scanMax: may,
      endsOnly,
    };
  }

  /** The edges of the page that were not given before. */
  take(query: AdjacencyQuery, page: AdjacencyPage): readonly OccurrenceView[] {
    this.#scanned += page.scanned;
    this.#after = page.last ?? this.#after;
    const mayBeMore = page.truncated || page.occurrences.length >= query.limit;
    if (!mayBeMore) this.#state = 'done';
    else if (this.#scanned >= this.range.scanMax) this.#state = 'cut';
    if (page.truncated) this.#spare *= growth;
    return page.occurrences.filter((one) => this.#accepts(one) && this.#isNew(one));
  }

  #isNew(occurrence: OccurrenceView): boolean {
    const key = nodeKey(farEnd(occurrence, this.range.way));
    if (this.#farEnds.has(key)) return false;
    this.#farEnds.add(key);
    return true;
  }
}
