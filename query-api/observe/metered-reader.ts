import { GraphQLError } from 'graphql';
import type {
  AdjacencyPage,
  AdjacencyQuery,
  BulkReads,
  DegreeQuery,
  DegreeView,
  EdgeQuery,
  EdgeView,
  EndsPage,
  GraphEstimate,
  GraphReader,
  JourneyPage,
  JourneyQuery,
  NodeRef,
  NodeView,
  SourceStatus,
} from '../../graph-store/index.ts';
import { tooExpensive } from '../cost/cost-check.ts';
import type { LearnedDegrees } from '../cost/degree-statistics.ts';
import type { Cost } from '../cost/field-cost.ts';
import { type HopPage, HopWatch } from './hop-watch.ts';
import type { QueryRun } from './query-run.ts';

export type StoreMethod = Exclude<keyof GraphReader, 'ends' | 'journeyRows'>;

/** Told of each call of the store; `began` returns what is to be told when it has ended. */
export interface StoreWatcher {
  began(method: StoreMethod): (rows: number, error: unknown) => void;
}

export interface MeteredReaderParts {
  readonly reader: GraphReader;
  readonly run: QueryRun;
  readonly signal: AbortSignal;
  readonly budget: Cost;
  /** Whether its caller may learn how much was read. */
  readonly tellsUsed: boolean;
  readonly degrees: LearnedDegrees;
  readonly watcher: StoreWatcher;
}

/**
 * The store as one request sees it: counted, timed, ended with the request. The plan's bound rests on what degrees were lately; this is the
 * second line, for a node that is far above all others: a query that has used its caller's budget up reads no more.
 */
export class MeteredReader implements GraphReader {
  readonly #parts: MeteredReaderParts;
  readonly #hops: HopWatch;

  constructor(parts: MeteredReaderParts) {
    this.#parts = parts;
    this.#hops = new HopWatch(parts.degrees);
  }

  get ends(): GraphReader['ends'] {
    const { ends } = this.#parts.reader;
    return ends === undefined ? undefined : (queries) => this.#ends(queries, ends);
  }

  async node(ref: NodeRef): Promise<NodeView | null> {
    return await this.#call(
      'node',
      (reader) => reader.node(ref),
      () => 1,
    );
  }

  async nodes(refs: readonly NodeRef[]): Promise<readonly (NodeView | null)[]> {
    return await this.#call(
      'nodes',
      (reader) => reader.nodes(refs, this.#parts.signal),
      () => refs.length,
    );
  }

  async journey(query: JourneyQuery): Promise<JourneyPage> {
    return await this.#journey(query, (reader) => reader.journey(query));
  }

  get journeyRows(): GraphReader['journeyRows'] {
    const { journeyRows } = this.#parts.reader;
    if (journeyRows === undefined) return undefined;
    // To whoever looks at the figures it is the same call.
    return (query) => this.#journey(query, (reader) => journeyRows.call(reader, query));
  }

  async #journey<T extends { readonly scanned: number }>(
    query: JourneyQuery,
    read: (reader: GraphReader) => Promise<T>,
  ): Promise<T> {
    const page = await this.#call('journey', read, ({ scanned }) => scanned);
    // One step, or the look whether there is one more, may lie behind any number of others: it says nothing about a page.
    if (query.limit === 1) return page;
    const isFiltered = query.domains !== null || (query.edgeTypes ?? null) !== null;
    this.#parts.degrees.observeJourney(isFiltered ? 'some' : 'all', query.limit, page.scanned);
    return page;
  }

  async adjacency(query: AdjacencyQuery): Promise<AdjacencyPage> {
    const page = await this.#call(
      'adjacency',
      (reader) => reader.adjacency(query),
      ({ scanned }) => scanned,
    );
    this.#hops.observe([query], () => hopPage(page));
    return page;
  }

  async adjacencies(queries: readonly AdjacencyQuery[]): Promise<readonly AdjacencyPage[]> {
    const pages = await this.#call(
      'adjacencies',
      (reader) => reader.adjacencies(queries, this.#parts.signal),
      (all) => all.reduce((sum, { scanned }) => sum + scanned, 0),
    );
    this.#hops.observe(queries, (index) => hopPage(pages[index]));
    return pages;
  }

  async #ends(
    queries: readonly AdjacencyQuery[],
    ends: NonNullable<GraphReader['ends']>,
  ): Promise<readonly EndsPage[]> {
    // To whoever looks at the figures it is the same call.
    const pages = await this.#call(
      'adjacencies',
      (reader) => ends.call(reader, queries, this.#parts.signal),
      (all) => all.reduce((sum, { scanned }) => sum + scanned, 0),
    );
    this.#hops.observe(queries, (index) => pages[index] ?? null);
    return pages;
  }

  readonly bulk: BulkReads = {
    scan: async (query) =>
      await this.#call(
        'bulk',
        (reader) => reader.bulk.scan(query),
        ({ ids }) => ids.length,
      ),
    farEnds: async (query) =>
      await this.#call(
        'bulk',
        (reader) => reader.bulk.farEnds(query),
        ({ scanned }) => scanned,
      ),
    properties: async (query) =>
      await this.#call(
        'bulk',
        (reader) => reader.bulk.properties(query),
        () => query.ids.length,
      ),
  };

  async degree(query: DegreeQuery): Promise<DegreeView> {
    const view = await this.#call(
      'degree',
      (reader) => reader.degree(query),
      ({ count }) => Math.min(count, query.scanMax),
    );
    this.#parts.degrees.observeHop(query.type, query.direction, view.count, view.exact);
    return view;
  }

  async edge(query: EdgeQuery): Promise<EdgeView | null> {
    // The port does not say how many rows of other edges it passed over.
    return await this.#call(
      'edge',
      (reader) => reader.edge(query),
      (view) => (view === null ? 1 : view.truncated ? query.scanMax : view.count),
    );
  }

  async sources(): Promise<readonly SourceStatus[]> {
    return await this.#call(
      'sources',
      (reader) => reader.sources(),
      (sources) => sources.length,
    );
  }

  async estimate(): Promise<GraphEstimate> {
    return await this.#call(
      'estimate',
      (reader) => reader.estimate(),
      () => 1,
    );
  }

  async #call<T>(
    method: StoreMethod,
    read: (reader: GraphReader) => Promise<T>,
    rowsOf: (answer: T) => number,
  ): Promise<T> {
    const { reader, run, signal, budget, tellsUsed, watcher } = this.#parts;
    if (signal.aborted) throw ended();
    if (run.used.calls >= budget.calls || run.used.rows >= budget.rows)
      throw usedUp(tellsUsed ? run.used : null, budget);
    run.countCall();
    const tell = watcher.began(method);
    try {
      const answer = await read(reader);
      const rows = rowsOf(answer);
      run.countRows(rows);
      tell(rows, null);
      return answer;
    } catch (error) {
      // The store was told to stop: nothing of it failed.
      const stopped = signal.aborted && isAbort(error, signal);
      tell(0, stopped ? null : error);
      throw stopped ? ended() : error;
    }
  }
}

function isAbort(error: unknown, { reason }: AbortSignal): boolean {
  return error === reason || (error instanceof Error && error.name === 'AbortError');
}

function hopPage(page: AdjacencyPage | undefined): HopPage | null {
  if (page === undefined) return null;
  const { scanned, truncated, occurrences, last } = page;
  return { scanned, truncated, count: occurrences.length, lastMs: last?.timeMs ?? null };
}

/** Nobody waits for the answer any more: the deadline has passed, or the caller has gone. */
function ended(): GraphQLError {
  return new GraphQLError('The request has ended; nothing more is read for it.', {
    extensions: { code: 'DEADLINE_EXCEEDED' },
  });
}

function usedUp(used: Cost | null, budget: Cost): GraphQLError {
  const message = `This caller may spend ${budget.calls} store calls and ${budget.rows} rows on a query, and this one has used them up: there was more than usual. Ask for less, or in several queries.`;
  return tooExpensive(message, used, budget);
}
