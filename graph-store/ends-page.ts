import { ByteReader } from './codec.ts';
import type {
  AdjacencyPage,
  AdjacencyQuery,
  EndsPage,
  OccurrencePosition,
  OccurrenceView,
} from './graph-store.ts';
import { eventKeyBytes } from './packed-format.ts';
import { eventTimeAt, readOccurrencePlace } from './rows.ts';

/** What `adjacencies` answers with `endsOnly`, as pages of ends: for engines that have none of their own, and rows that had to be looked at anyway. */
export function endsOf(
  queries: readonly AdjacencyQuery[],
  pages: readonly AdjacencyPage[],
): readonly EndsPage[] {
  return pages.map((page, i) => new ViewedEnds(page, queries[i]?.direction ?? 'out'));
}

/** Of a page that is asked for in objects. */
export function viewsOf(page: EndsPage): AdjacencyPage {
  const occurrences = Array.from({ length: page.count }, (_, at) => page.view(at));
  return { occurrences, scanned: page.scanned, truncated: page.truncated, last: page.last() };
}

/** What `adjacency` found, as a page of ends. */
export class ViewedEnds implements EndsPage {
  readonly #page: AdjacencyPage;
  readonly #isOut: boolean;

  constructor(page: AdjacencyPage, direction: AdjacencyQuery['direction']) {
    this.#page = page;
    this.#isOut = direction === 'out';
  }

  get count(): number {
    return this.#page.occurrences.length;
  }

  get scanned(): number {
    return this.#page.scanned;
  }

  get truncated(): boolean {
    return this.#page.truncated;
  }

  get lastMs(): number | null {
    return this.#page.last?.timeMs ?? null;
  }

  last(): OccurrencePosition | null {
    return this.#page.last;
  }

  timeMs(at: number): number {
    return this.view(at).timeMs;
  }

  farName(at: number): string {
    const { from, to } = this.view(at);
    const { type, id } = this.#isOut ? to : from;
    return `${type}\0${id}`;
  }

  view(at: number): OccurrenceView {
    return this.#page.occurrences[at] ?? outside(at);
  }
}

/** Rows of one call, copied: a buffer for each page would be most of what it costs. Lives as long as one of its pages does. */
export class EndsArena {
  #chunk: Buffer;
  #used = 0;

  constructor(bytes: number) {
    this.#chunk = Buffer.allocUnsafeSlow(Math.min(Math.max(bytes, 1), chunkBytes));
  }

  /** Where the next copies lie; together they take `bytes`. */
  reserve(bytes: number): { readonly chunk: Buffer; readonly at: number } {
    if (this.#used + bytes > this.#chunk.length) {
      this.#chunk = Buffer.allocUnsafeSlow(Math.max(bytes, chunkBytes));
      this.#used = 0;
    }
    const at = this.#used;
    this.#used += bytes;
    return { chunk: this.#chunk, at };
  }
}

const chunkBytes = 64 * 1024;
/** Of where a row ends. */
export const endBytes = 2;

/** Where a page's rows lie: as many ends, two bytes each, counted from `base` bytes in front of the rows; then the rows. */
export interface PackedRows {
  readonly bytes: Buffer;
  readonly at: number;
  readonly count: number;
  readonly base: number;
}

/**
 * Rows as they lie in keys behind the adjacency's prefix, one after the other: event key, the far end's name, the edge's key. Only what is asked for is
 * decoded: of most rows of a hop that is their time.
 */
export class PackedEnds implements EndsPage {
  readonly #query: AdjacencyQuery;
  readonly #bytes: Buffer;
  readonly #endsAt: number;
  readonly #rowsAt: number;
  readonly count: number;
  readonly truncated: boolean;
  #last: OccurrencePosition | null = null;

  constructor(query: AdjacencyQuery, { bytes, at, count, base }: PackedRows, truncated: boolean) {
    this.#query = query;
    this.#bytes = bytes;
    this.#endsAt = at;
    this.#rowsAt = at + count * endBytes - base;
    this.count = count;
    this.truncated = truncated;
  }

  /** No row of such a page is hidden. */
  get scanned(): number {
    return this.count;
  }

  get lastMs(): number | null {
    return this.count === 0 ? null : this.timeMs(this.count - 1);
  }

  last(): OccurrencePosition | null {
    if (this.count === 0) return null;
    if (this.#last === null) {
      const row = this.#bytes.subarray(this.#start(this.count - 1), this.#end(this.count - 1));
      this.#last = readOccurrencePlace(row, 0);
    }
    return this.#last;
  }

  timeMs(at: number): number {
    return eventTimeAt(this.#bytes, this.#start(at));
  }

  farName(at: number): string {
    const start = this.#start(at) + eventKeyBytes;
    // Both parts of the name end in a NUL; the second one is not wanted.
    const end = nulFrom(this.#bytes, nulFrom(this.#bytes, start) + 1);
    return this.#bytes.toString('utf8', start, end);
  }

  view(at: number): OccurrenceView {
    const { of, type, direction } = this.#query;
    const end = this.#end(at);
    const reader = new ByteReader(this.#bytes, this.#start(at));
    const { timeMs, occurrence } = reader.eventKey();
    const other = reader.nodeName();
    const isOut = direction === 'out';
    return {
      type,
      from: isOut ? of : other,
      to: isOut ? other : of,
      key: reader.at >= end ? null : this.#bytes.toString('utf8', reader.at, end),
      timeMs,
      occurrence,
      properties: [],
      lineage: null,
    };
  }

  #start(at: number): number {
    // The row in front of the first one ended where the rows begin.
    return at === 0 ? this.#endsAt + this.count * endBytes : this.#end(at - 1);
  }

  #end(at: number): number {
    if (at < 0 || at >= this.count) return outside(at);
    return this.#rowsAt + this.#bytes.readUInt16BE(this.#endsAt + at * endBytes);
  }
}

/** By hand: names are shorter than a call into native code takes. */
function nulFrom(bytes: Buffer, at: number): number {
  let end = at;
  while (end < bytes.length && bytes[end] !== 0) end += 1;
  return end;
}

function outside(at: number): never {
  throw new RangeError(`a page of ends has no row ${at}`);
}
