import { assert } from '../../foundation/index.ts';
import {
  type AdjacencyPage,
  type AdjacencyQuery,
  type NodeRef,
  type NodeView,
  type OccurrenceView,
  readsAtOnceMax,
} from '../../graph-store/index.ts';
import type { ApiContext } from '../api-context.ts';
import { tooLarge } from '../api-error.ts';
import { nodeBytes } from '../traversal/traversal-session.ts';
import { occurrenceBytes } from '../traversal/walked-edge.ts';

/** Edges that all connections of one query find together: each is an object to answer. A default page in a default page has 2,550. */
export const edgesOfQueryMax = 5_000;
/** Bytes of those, and of the nodes that are read of their far ends. */
export const bytesOfQueryMax = 8 * 2 ** 20;
/** Edges that one call of the store answers with at most, unless one list alone is longer. */
export const edgesAtOnceMax = 8_192;
/** Edges that are handed on in one go; then others have their turn. */
const edgesInOneGo = 256;

/** A filtered connection looks at so many of a node's newest edges whatever the others of the query have looked at, so that each gets on. */
export const filteredRowsMin = 16;

type Held = { readonly occurrence: OccurrenceView; readonly view: NodeView | null };

/**
 * The reads of one request's connections. What sibling nodes ask for in one turn goes to the store as one call, split only where the port
 * has its bound or the answer would be too large: a level of a query costs hardly more calls than one node of it would.
 */
export class StoreLoader {
  readonly #adjacencies: Batch<AdjacencyQuery, AdjacencyPage | null>;
  readonly #nodes: Batch<NodeRef, NodeView | null>;
  #edgesLeft = edgesOfQueryMax;
  #bytesLeft = bytesOfQueryMax;
  #rowsLeft: number;

  constructor({ reader, limits, clock }: Pick<ApiContext, 'reader' | 'limits' | 'clock'>) {
    this.#rowsLeft = limits.scanRowsMax;
    const turns: Turns = { before: Promise.resolve(), giveWay: () => clock.sleep(0) };
    this.#adjacencies = new Batch(turns, {
      sizeAsked: ({ limit }) => limit,
      sizeFound: (page) => page?.occurrences.length ?? 0,
      read: async (queries) => {
        // Those before may have found as many as may be.
        if (this.#edgesLeft < 0) throw tooManyEdges();
        if (this.#bytesLeft <= 0) return queries.map(() => null);
        // Hidden rows are looked at as well: those of a level together are no more than one node's may be.
        const share = Math.floor(limits.scanRowsMax / queries.length);
        return await reader.adjacencies(
          queries.map((query) => ({
            ...query,
            scanMax: Math.min(query.scanMax, Math.max(query.limit, share)),
          })),
        );
      },
    });
    this.#nodes = new Batch(turns, {
      sizeAsked: () => 1,
      sizeFound: () => 1,
      read: (refs) => reader.nodes(refs),
    });
  }

  /** Null when the query holds as many bytes as it may, and nothing was read. Throws a GraphQLError `QUERY_TOO_LARGE` as {@link hold} does. */
  async adjacency(query: AdjacencyQuery): Promise<AdjacencyPage | null> {
    return await this.#adjacencies.load(query, null);
  }

  /** For a condition, and not to be kept unless its edge is. Null when it is not there. */
  async view(ref: NodeRef): Promise<NodeView | null> {
    return await this.#nodes.load(ref, `${ref.type}\0${ref.id}`);
  }

  /** For the answer. Throws a GraphQLError `QUERY_TOO_LARGE` when nodes alone have taken as many bytes again as edges and nodes may. */
  async node(ref: NodeRef): Promise<NodeView | null> {
    const view = await this.view(ref);
    if (view !== null) this.#bytesLeft -= nodeBytes(view);
    if (this.#bytesLeft >= -bytesOfQueryMax) return view;
    throw tooLarge(
      'The nodes that the connections of this query lead to are too large to be read together; lower "first".',
      2 * bytesOfQueryMax,
    );
  }

  /**
   * How many of the edges of a page may be kept: all, or those up to the bound on bytes, the last one whole.
   *
   * @throws GraphQLError `QUERY_TOO_LARGE` when those kept before and these come to too many.
   */
  hold(edges: readonly Held[]): number {
    let kept = 0;
    for (const { occurrence, view } of edges) {
      if (this.#bytesLeft <= 0) break;
      this.#bytesLeft -= occurrenceBytes(occurrence) + (view === null ? 0 : nodeBytes(view));
      kept += 1;
    }
    this.#edgesLeft -= kept;
    if (this.#edgesLeft < 0) throw tooManyEdges();
    return kept;
  }

  /** How many of the edges that a filtered connection wants to look at next it may; all such connections of the query share the bound. */
  takeRows(rows: number, isFirst: boolean): number {
    const taken = Math.max(isFirst ? Math.min(rows, filteredRowsMin) : 0, Math.min(rows, this.#rowsLeft));
    this.#rowsLeft = Math.max(0, this.#rowsLeft - taken);
    return taken;
  }
}

function tooManyEdges(): Error {
  const message = `The connections of one query find at most ${edgesOfQueryMax} edges together; lower "first".`;
  return tooLarge(message, edgesOfQueryMax);
}

const loaders = new WeakMap<ApiContext, StoreLoader>();

/** One a request: a context lives as long as that. */
export function loaderOf(context: ApiContext): StoreLoader {
  const loader = loaders.get(context) ?? new StoreLoader(context);
  loaders.set(context, loader);
  return loader;
}

/** Of one request: one batch is read and handed on at a time, so that what a level asks for below itself is asked for in one go, and one answer is held. */
interface Turns {
  /** Settled when the batch before has been handed on; never rejected. */
  before: Promise<void>;
  readonly giveWay: () => Promise<void>;
}

interface BatchParts<Key, Value> {
  /** What `edgesAtOnceMax` bounds. */
  readonly sizeAsked: (key: Key) => number;
  /** What `edgesInOneGo` bounds. */
  readonly sizeFound: (value: Value) => number;
  readonly read: (keys: readonly Key[]) => Promise<readonly Value[]>;
}

interface Waiting<Key, Value> {
  readonly key: Key;
  readonly settle: PromiseWithResolvers<Value>;
  /** Who wait for it. */
  askers: number;
}

/** Collects what is asked until nothing else runs, then asks for all of it; what is asked twice in one turn, under one name, once. */
class Batch<Key, Value> {
  readonly #turns: Turns;
  readonly #parts: BatchParts<Key, Value>;
  #waiting: Waiting<Key, Value>[] = [];
  #named = new Map<string, Waiting<Key, Value>>();

  constructor(turns: Turns, parts: BatchParts<Key, Value>) {
    this.#turns = turns;
    this.#parts = parts;
  }

  load(key: Key, name: string | null): Promise<Value> {
    const known = name === null ? undefined : this.#named.get(name);
    if (known !== undefined) {
      known.askers += 1;
      return known.settle.promise;
    }
    const settle = Promise.withResolvers<Value>();
    if (this.#waiting.length === 0)
      this.#turns.before = this.#turns.before.then(quiet).then(() => this.#flush());
    const waiting = { key, settle, askers: 1 };
    this.#waiting.push(waiting);
    if (name !== null) this.#named.set(name, waiting);
    return settle.promise;
  }

  /** Never rejects: each who waits is told. One call after the other, so that a level holds one answer of the store at a time. */
  async #flush(): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#named = new Map();
    for (let start = 0; start < waiting.length; ) {
      const some = waiting.slice(start, this.#endOfCall(waiting, start));
      start += some.length;
      try {
        const values = await this.#parts.read(some.map(({ key }) => key));
        assert(values.length === some.length, 'the store answers each that was asked');
        await this.#handOn(some, values);
      } catch (error) {
        for (const { settle } of some) settle.reject(error);
      }
      // What was found has been counted before more is read.
      if (start < waiting.length) await this.#turns.giveWay();
    }
  }

  #endOfCall(waiting: readonly Waiting<Key, Value>[], start: number): number {
    let size = 0;
    let end = start;
    for (const { key } of waiting.slice(start, start + readsAtOnceMax)) {
      size += this.#parts.sizeAsked(key);
      if (size > edgesAtOnceMax && end > start) break;
      end += 1;
    }
    return end;
  }

  /** An object of the answer is made of each in the turn in which it is handed on. */
  async #handOn(some: readonly Waiting<Key, Value>[], values: readonly Value[]): Promise<void> {
    let size = 0;
    for (const [i, value] of values.entries()) {
      const more = this.#parts.sizeFound(value) * (some[i]?.askers ?? 1);
      if (size > 0 && size + more > edgesInOneGo) {
        await this.#turns.giveWay();
        size = 0;
      }
      size += more;
      some[i]?.settle.resolve(value);
    }
  }
}

/** A resolver's turn ends when its promises have run: the next tick comes after all of those. */
function quiet(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}
