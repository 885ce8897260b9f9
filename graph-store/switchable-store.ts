import { FencedError } from '../foundation/index.ts';
import { type BulkReads, packedFarEnds } from './bulk-reads.ts';
import { endsOf } from './ends-page.ts';
import type * as port from './graph-store.ts';
import type { GraphTable, GraphTableEncoding } from './graph-table.ts';
import type { NodeRef } from './model.ts';
import type { MutationBatch } from './mutation-batch.ts';
import { positionKey } from './position.ts';
import type { SnapshotAbout } from './snapshot-file.ts';
import { journeyRowsOf } from './step-rows.ts';
import type { EmbeddedStore } from './store-inspection.ts';
import type { NextTimeToLive, TimeToLive } from './time-to-live.ts';

/** A store, and the calls to it that are under way. */
interface Opened {
  readonly store: EmbeddedStore;
  uses: number;
  idle: (() => void) | null;
}

/**
 * An embedded store in whose place another one can be put while it is used. A call that is under way ends where it began; a batch of whoever claimed a
 * partition before is fenced, so that its owner claims it in the new store and goes on reading where that one stands.
 */
export class SwitchableStore implements EmbeddedStore {
  readonly bulk: BulkReads = {
    scan: (query) => this.#use((store) => store.bulk.scan(query)),
    farEnds: (query) => this.#use((store) => store.bulk.farEnds(query)),
    // Not counted as a use: it ends with its store, and whoever asked goes on without it.
    openThread: (module) => this.#current.store.bulk.openThread?.(module) ?? null,
    packedFarEnds: (query) => this.#use((store) => packedFarEnds(store.bulk, query)),
    properties: (query) => this.#use((store) => store.bulk.properties(query)),
  };
  #current: Opened;
  /** By partition: bounded as they are. */
  readonly #claims = new Map<string, Opened>();

  constructor(store: EmbeddedStore) {
    this.#current = { store, uses: 0, idle: null };
  }

  /** The new store is the caller's no longer. Answers the one before, which is the caller's from then on, and when no call to it is under way any more. */
  replace(store: EmbeddedStore): { readonly before: EmbeddedStore; readonly idle: Promise<void> } {
    const opened = this.#current;
    this.#current = { store, uses: 0, idle: null };
    const idle = new Promise<void>((resolve) => {
      opened.idle = resolve;
      if (opened.uses === 0) resolve();
    });
    return { before: opened.store, idle };
  }

  get guarantee(): EmbeddedStore['guarantee'] {
    return this.#current.store.guarantee;
  }

  async claim(source: port.SourcePartition): Promise<port.Claim> {
    const opened = this.#current;
    const claim = await this.#use((store) => store.claim(source));
    this.#claims.set(positionKey(source), opened);
    return claim;
  }

  apply(advance: port.Advance, mutations: MutationBatch): Promise<port.Applied> {
    if (this.#claims.get(positionKey(advance.source)) === this.#current)
      return this.#use((store) => store.apply(advance, mutations));
    const { topic, partition } = advance.source;
    const message = `Partition ${partition} of topic ${topic} was claimed in another graph than the one in force; claim it again.`;
    return Promise.reject(new FencedError(message));
  }

  node(ref: NodeRef): Promise<port.NodeView | null> {
    return this.#use((store) => store.node(ref));
  }

  nodes(refs: readonly NodeRef[], signal?: AbortSignal): Promise<readonly (port.NodeView | null)[]> {
    return this.#use((store) => store.nodes(refs, signal));
  }

  journey(query: port.JourneyQuery): Promise<port.JourneyPage> {
    return this.#use((store) => store.journey(query));
  }

  journeyRows(query: port.JourneyQuery): Promise<port.JourneyRows> {
    return this.#use(async (store) =>
      store.journeyRows === undefined
        ? journeyRowsOf(await store.journey(query))
        : await store.journeyRows(query),
    );
  }

  adjacency(query: port.AdjacencyQuery): Promise<port.AdjacencyPage> {
    return this.#use((store) => store.adjacency(query));
  }

  adjacencies(
    queries: readonly port.AdjacencyQuery[],
    signal?: AbortSignal,
  ): Promise<readonly port.AdjacencyPage[]> {
    return this.#use((store) => store.adjacencies(queries, signal));
  }

  ends(queries: readonly port.AdjacencyQuery[], signal?: AbortSignal): Promise<readonly port.EndsPage[]> {
    return this.#use(async (store) =>
      store.ends === undefined
        ? endsOf(queries, await store.adjacencies(queries, signal))
        : await store.ends(queries, signal),
    );
  }

  degree(query: port.DegreeQuery): Promise<port.DegreeView> {
    return this.#use((store) => store.degree(query));
  }

  edge(query: port.EdgeQuery): Promise<port.EdgeView | null> {
    return this.#use((store) => store.edge(query));
  }

  sources(): Promise<readonly port.SourceStatus[]> {
    return this.#use((store) => store.sources());
  }

  estimate(): Promise<port.GraphEstimate> {
    return this.#use((store) => store.estimate());
  }

  digest(): Promise<port.GraphDigest> {
    return this.#use((store) => store.digest());
  }

  setTimeToLive(next: NextTimeToLive): Promise<void> {
    return this.#use((store) => store.setTimeToLive(next));
  }

  timeToLive(): TimeToLive {
    return this.#current.store.timeToLive();
  }

  sweep(after: Uint8Array | null, rowsMax: number): Promise<port.Swept> {
    return this.#use((store) => store.sweep(after, rowsMax));
  }

  snapshot(): Promise<port.GraphSnapshot> {
    return this.#use((store) => store.snapshot());
  }

  restore(snapshot: Parameters<EmbeddedStore['restore']>[0]): Promise<void> {
    return this.#use((store) => store.restore(snapshot));
  }

  deletedTypes(): ReturnType<EmbeddedStore['deletedTypes']> {
    return this.#use((store) => store.deletedTypes());
  }

  // What reads everything is not waited for: it fails by name when its store is closed, and is asked for again. A sample of the figures is.
  stats(exact: boolean, signal?: AbortSignal): ReturnType<EmbeddedStore['stats']> {
    return exact
      ? this.#current.store.stats(exact, signal)
      : this.#use((store) => store.stats(exact, signal));
  }

  verify(faultsMax: number): ReturnType<EmbeddedStore['verify']> {
    return this.#current.store.verify(faultsMax);
  }

  openSnapshotFile(about: SnapshotAbout): ReturnType<EmbeddedStore['openSnapshotFile']> {
    return this.#current.store.openSnapshotFile(about);
  }

  openTable(table: GraphTable, encoding: GraphTableEncoding): ReturnType<EmbeddedStore['openTable']> {
    return this.#current.store.openTable(table, encoding);
  }

  compare(folder: string, differencesMax: number): ReturnType<EmbeddedStore['compare']> {
    return this.#current.store.compare(folder, differencesMax);
  }

  close(): Promise<void> {
    return this.#current.store.close();
  }

  /** Calls the store in this very turn: the order of calls is the order of a partition. */
  async #use<T>(work: (store: EmbeddedStore) => Promise<T>): Promise<T> {
    const opened = this.#current;
    opened.uses += 1;
    try {
      return await work(opened.store);
    } finally {
      opened.uses -= 1;
      if (opened.uses === 0) opened.idle?.();
    }
  }
}
