import { assert } from '../../foundation/index.ts';
import {
  type AdjacencyPage,
  type AdjacencyQuery,
  type NodeRef,
  type NodeView,
  readsAtOnceMax,
} from '../../graph-store/index.ts';
import type { ApiContext } from '../api-context.ts';
import { tooLarge } from '../api-error.ts';

/** Edges that all connections of one query may ask for: each is an object to answer, and an answer is made in one go. */
export const edgesOfQueryMax = 1_000;

/** A filtered connection looks at so many of a node's newest edges whatever the others of the query have looked at, so that each gets on. */
const filteredRowsMin = 16;

/**
 * The reads of one request's connections. What sibling nodes ask for in one turn goes to the store as one call, split only where the port
 * has its bound: a level of a query costs as many calls as one node of it would.
 */
export class StoreLoader {
  readonly #adjacencies: Batch<AdjacencyQuery, AdjacencyPage>;
  readonly #nodes: Batch<NodeRef, NodeView | null>;
  #edgesLeft = edgesOfQueryMax;
  #rowsLeft: number;

  constructor({ reader, limits }: Pick<ApiContext, 'reader' | 'limits'>) {
    this.#rowsLeft = limits.scanRowsMax;
    this.#adjacencies = new Batch((queries) => {
      // Hidden rows are looked at as well: those of a level together are no more than one node's may be.
      const share = Math.floor(limits.scanRowsMax / queries.length);
      return reader.adjacencies(
        queries.map((query) => ({
          ...query,
          scanMax: Math.min(query.scanMax, Math.max(query.limit, share)),
        })),
      );
    });
    this.#nodes = new Batch((refs) => reader.nodes(refs));
  }

  async adjacency(query: AdjacencyQuery): Promise<AdjacencyPage> {
    return await this.#adjacencies.load(query, null);
  }

  /** Null when it is not there. */
  async node(ref: NodeRef): Promise<NodeView | null> {
    return await this.#nodes.load(ref, `${ref.type}\0${ref.id}`);
  }

  /** Throws a GraphQLError `QUERY_TOO_LARGE` when the edges asked for before and these come to too many. */
  takeEdges(edges: number): void {
    this.#edgesLeft -= edges;
    if (this.#edgesLeft >= 0) return;
    throw tooLarge(
      `The connections of one query take at most ${edgesOfQueryMax} edges together; lower "first".`,
      edgesOfQueryMax,
    );
  }

  /** How many of the edges that a filtered connection wants to look at next it may; all such connections of the query share the bound. */
  takeRows(rows: number, isFirst: boolean): number {
    const taken = Math.max(isFirst ? Math.min(rows, filteredRowsMin) : 0, Math.min(rows, this.#rowsLeft));
    this.#rowsLeft = Math.max(0, this.#rowsLeft - taken);
    return taken;
  }
}

const loaders = new WeakMap<ApiContext, StoreLoader>();

/** One a request: a context lives as long as that. */
export function loaderOf(context: ApiContext): StoreLoader {
  const loader = loaders.get(context) ?? new StoreLoader(context);
  loaders.set(context, loader);
  return loader;
}

interface Waiting<Key, Value> {
  readonly key: Key;
  readonly settle: PromiseWithResolvers<Value>;
}

/** Collects what is asked until nothing else runs, then asks for all of it; what is asked twice in one turn, under one name, once. */
class Batch<Key, Value> {
  readonly #read: (keys: readonly Key[]) => Promise<readonly Value[]>;
  #waiting: Waiting<Key, Value>[] = [];
  #named = new Map<string, Promise<Value>>();

  constructor(read: (keys: readonly Key[]) => Promise<readonly Value[]>) {
    this.#read = read;
  }

  load(key: Key, name: string | null): Promise<Value> {
    const known = name === null ? undefined : this.#named.get(name);
    if (known !== undefined) return known;
    const settle = Promise.withResolvers<Value>();
    // A resolver's turn ends when its promises have run: the next tick comes after all of those.
    if (this.#waiting.length === 0)
      void Promise.resolve().then(() => process.nextTick(() => void this.#flush()));
    this.#waiting.push({ key, settle });
    if (name !== null) this.#named.set(name, settle.promise);
    return settle.promise;
  }

  /** Never rejects: each who waits is told. One call after the other, so that a level holds one answer of the store at a time. */
  async #flush(): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#named = new Map();
    for (let start = 0; start < waiting.length; start += readsAtOnceMax) {
      const some = waiting.slice(start, start + readsAtOnceMax);
      try {
        const values = await this.#read(some.map(({ key }) => key));
        assert(values.length === some.length, 'the store answers each that was asked');
        for (const [i, value] of values.entries()) some[i]?.settle.resolve(value);
      } catch (error) {
        for (const { settle } of some) settle.reject(error);
      }
    }
  }
}
