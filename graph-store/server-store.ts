import { OutageError, type StopError } from '../foundation/index.ts';
import { type BulkReads, onlyNamed } from './bulk-reads.ts';
import type {
  AdjacencyPage,
  AdjacencyQuery,
  Advance,
  Applied,
  Claim,
  DegreeQuery,
  DegreeView,
  EdgeQuery,
  EdgeView,
  GraphEstimate,
  GraphReader,
  GraphStore,
  JourneyPage,
  JourneyQuery,
  NodeView,
  Restorable,
  SourcePartition,
  SourceStatus,
} from './graph-store.ts';
import type { NodeRef } from './model.ts';
import type { MutationBatch } from './mutation-batch.ts';
import { assertAtOnce } from './reads-at-once.ts';
import type { WriteQueue } from './write-queue.ts';

type ServerReader = Omit<GraphReader, 'bulk' | 'ends'> & Pick<BulkReads, 'scan' | 'farEnds'>;

interface ServerWriter {
  readonly queue: WriteQueue;
  claim(source: SourcePartition): Promise<Claim>;
}

/** Of a store on a database server, to whom it belongs and what it may go on with. */
export interface ServerState {
  /** For messages: the database's name. */
  readonly database: string;
  /** The graph that may be restored further; null for none. */
  readonly resume: string | null;
  /** Why nothing but that restoring is done; null for a graph that is whole. */
  readonly unrestored: StopError | null;
  readonly disconnect: () => Promise<void>;
}

/**
 * What the stores on a database server have in common: every call is refused while the store is closed or its graph is not restored to its end, and
 * goes to the reader or the writer otherwise.
 */
export abstract class ServerStore
  implements Omit<GraphReader, 'ends'>, Pick<GraphStore, 'claim' | 'apply' | 'close'>
{
  readonly bulk: BulkReads = {
    scan: async (query) => {
      this.assertUsable();
      return await this.reader.scan(query);
    },
    farEnds: async (query) => {
      this.assertUsable();
      return await this.reader.farEnds(query);
    },
    properties: async ({ type, ids, names }) => {
      const found = await this.nodes(ids.map((id) => ({ type, id })));
      return found.map((view) => onlyNamed(view, names));
    },
  };
  protected abstract readonly reader: ServerReader;
  protected abstract readonly writer: ServerWriter;
  protected unrestored: StopError | null;
  readonly #state: ServerState;
  #closing: Promise<void> | null = null;

  constructor(state: ServerState) {
    this.#state = state;
    this.unrestored = state.unrestored;
  }

  async claim(source: SourcePartition): Promise<Claim> {
    this.assertUsable();
    return await this.writer.claim(source);
  }

  async apply(advance: Advance, mutations: MutationBatch): Promise<Applied> {
    this.assertUsable();
    return await this.writer.queue.apply(advance, mutations.take());
  }

  async node(ref: NodeRef): Promise<NodeView | null> {
    this.assertUsable();
    return await this.reader.node(ref);
  }

  async nodes(refs: readonly NodeRef[], signal?: AbortSignal): Promise<readonly (NodeView | null)[]> {
    this.assertUsable();
    assertAtOnce(refs);
    return await this.reader.nodes(refs, signal);
  }

  async adjacencies(
    queries: readonly AdjacencyQuery[],
    signal?: AbortSignal,
  ): Promise<readonly AdjacencyPage[]> {
    this.assertUsable();
    assertAtOnce(queries);
    return await this.reader.adjacencies(queries, signal);
  }

  async journey(query: JourneyQuery): Promise<JourneyPage> {
    this.assertUsable();
    return await this.reader.journey(query);
  }

  async adjacency(query: AdjacencyQuery): Promise<AdjacencyPage> {
    this.assertUsable();
    return await this.reader.adjacency(query);
  }

  async degree(query: DegreeQuery): Promise<DegreeView> {
    this.assertUsable();
    return await this.reader.degree(query);
  }

  async edge(query: EdgeQuery): Promise<EdgeView | null> {
    this.assertUsable();
    return await this.reader.edge(query);
  }

  async sources(): Promise<readonly SourceStatus[]> {
    this.assertUsable();
    return await this.reader.sources();
  }

  async estimate(): Promise<GraphEstimate> {
    this.assertUsable();
    return await this.reader.estimate();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.writer.queue.drained();
    await this.#state.disconnect();
  }

  protected assertUsable(): void {
    if (this.#closing !== null) {
      throw new OutageError('STORE_CLOSED', `The store in ${this.#state.database} is closed; open another.`);
    }
    if (this.unrestored !== null) throw this.unrestored;
  }

  /** As `assertUsable`, but for the graph whose restoring the store was opened to go on with. */
  protected assertRestorable({ id }: Restorable): void {
    const goesOn = this.unrestored !== null && id !== undefined && id === this.#state.resume;
    if (!goesOn || this.#closing !== null) this.assertUsable();
  }
}
