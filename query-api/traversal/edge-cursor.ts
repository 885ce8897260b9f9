import type {
  AdjacencyQuery,
  EndsPage,
  NodeRef,
  OccurrencePosition,
  OccurrenceView,
} from '../../graph-store/index.ts';
import { holds, type Predicate } from '../where/predicate.ts';
import { type EdgeWay, farEnd, type WalkedEdge } from './walked-edge.ts';

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

/** Which edges a cursor gives. */
export interface EdgeRule {
  /** On an edge's properties; null for all. */
  readonly where: Predicate | null;
  /** Far ends that lead nowhere, by `nodeKey`. */
  readonly passedOver: ReadonlySet<string>;
}

/** Rows looked at beyond those wanted, in case some are hidden; four times as many each time that this was not enough. */
const spareRows = 64;
const growth = 4;
/** So few names are found sooner one after the other. */
const listedMax = 8;

/**
 * The edges of one type at one side of a node, newest first, a few at a time. An edge that many events touched is given once, by the newest of
 * them that the rule accepts.
 */
export class EdgeCursor {
  readonly of: NodeRef;
  readonly range: CursorRange;
  readonly #rule: EdgeRule;
  /** Far ends that were given. Bounded by the rows looked at. */
  #given: string[] | Set<string> = [];
  #last: EndsPage | null = null;
  #scanned = 0;
  #spare = spareRows;
  #state: 'open' | 'done' | 'cut' = 'open';

  constructor(of: NodeRef, range: CursorRange, rule: EdgeRule) {
    this.of = of;
    this.range = range;
    this.#rule = rule;
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
    return this.#last?.lastMs ?? Number.POSITIVE_INFINITY;
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
      after: this.#after(),
      limit: Math.min(rows, may),
      scanMax: may,
      endsOnly,
    };
  }

  /** The page has been read. */
  passed({ limit }: AdjacencyQuery, page: EndsPage): void {
    this.#scanned += page.scanned;
    if (page.lastMs !== null) this.#last = page;
    const mayBeMore = page.truncated || page.count >= limit;
    if (!mayBeMore) this.#state = 'done';
    else if (this.#scanned >= this.range.scanMax) this.#state = 'cut';
    if (page.truncated) this.#spare *= growth;
  }

  /** The edge of a row, to be asked for in the rows' order; null when it was given before, or is none that is wanted. */
  edge(page: EndsPage, at: number): WalkedEdge | null {
    const { where, passedOver } = this.#rule;
    const name = page.farName(at);
    if (passedOver.has(name)) return null;
    if (where === null && !this.#give(name)) return null;
    const occurrence = page.view(at);
    if (where !== null && !(edgeFits(where, occurrence) && this.#give(name))) return null;
    const { way } = this.range;
    return { parent: this.of, node: farEnd(occurrence, way), way, occurrence };
  }

  /** Those of all its rows. */
  edges(page: EndsPage): WalkedEdge[] {
    const edges: WalkedEdge[] = [];
    for (let at = 0; at < page.count; at += 1) {
      const edge = this.edge(page, at);
      if (edge !== null) edges.push(edge);
    }
    return edges;
  }

  #after(): OccurrencePosition | null {
    return this.#last === null ? null : this.#last.last();
  }

  /** False when it was given before. */
  #give(name: string): boolean {
    const given = this.#given;
    if (given instanceof Set) {
      const before = given.size;
      return given.add(name).size > before;
    }
    if (given.includes(name)) return false;
    given.push(name);
    if (given.length > listedMax) this.#given = new Set(given);
    return true;
  }
}

function edgeFits(where: Predicate, { properties }: OccurrenceView): boolean {
  return holds(where, (name) => properties.find(([property]) => property === name)?.[1]);
}
