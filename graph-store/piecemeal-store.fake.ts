import {
  assert,
  type Clock,
  type FencedError,
  must,
  OutageError,
  RefusedError,
} from '../foundation/index.ts';
import { decodeEvents } from './codec.ts';
import type {
  Advance,
  Applied,
  Claim,
  GraphSnapshot,
  GraphStore,
  Restorable,
  SourcePartition,
  SourceStatus,
  Swept,
} from './graph-store.ts';
import { createMemoryStore } from './memory-store.ts';
import type { EventMutations } from './model.ts';
import { createMutationBatch, type MutationBatch } from './mutation-batch.ts';
import {
  advanced,
  claimed,
  compareSources,
  isAsRestored,
  type Partition,
  positionKey,
  positionOf,
  refusal,
  rejectionError,
  statusOf,
} from './position.ts';

/** A mistake that an adapter without transactions could make; the suite has to find each. */
export type PiecemealMistake = 'position first' | 'no fence' | 'position without all writes';

/**
 * An adapter that promises `idempotent` and no more, as one over a database without transactions across partitions would: each mutation is a write
 * of its own with time for others in between, the fence is only asked when the position is to move, and a batch that fails leaves what was
 * written. Over the reference, which knows the rules.
 */
export class PiecemealStore implements GraphStore {
  readonly guarantee = 'idempotent';
  readonly #graph: GraphStore;
  readonly #clock: Clock;
  readonly #mistake: PiecemealMistake | null;
  readonly #partitions = new Map<string, Partition>();
  /** The graph's own positions, which nobody is told: each mutation moves one by one. */
  readonly #pieces = new Map<
    string,
    { readonly source: SourcePartition; readonly claim: Claim; next: bigint }
  >();
  #applying: Promise<unknown> = Promise.resolve();
  #tearAfter: number | null = null;
  #restoredId: string | null = null;

  constructor(clock: Clock, mistake: PiecemealMistake | null = null) {
    this.#clock = clock;
    this.#graph = createMemoryStore(clock);
    this.#mistake = mistake;
  }

  readonly node: GraphStore['node'] = (ref) => this.#graph.node(ref);
  readonly journey: GraphStore['journey'] = (query) => this.#graph.journey(query);
  readonly adjacency: GraphStore['adjacency'] = (query) => this.#graph.adjacency(query);
  readonly nodes: GraphStore['nodes'] = (refs, signal) => this.#graph.nodes(refs, signal);
  readonly adjacencies: GraphStore['adjacencies'] = (queries, signal) =>
    this.#graph.adjacencies(queries, signal);
  get bulk(): GraphStore['bulk'] {
    return this.#graph.bulk;
  }
  readonly degree: GraphStore['degree'] = (query) => this.#graph.degree(query);
  readonly edge: GraphStore['edge'] = (query) => this.#graph.edge(query);
  readonly estimate: GraphStore['estimate'] = () => this.#graph.estimate();
  readonly setTimeToLive: GraphStore['setTimeToLive'] = (rules) => this.#graph.setTimeToLive(rules);
  readonly timeToLive: GraphStore['timeToLive'] = () => this.#graph.timeToLive();

  /** The next batch fails after so many of its mutations. */
  tearNext(mutations: number): void {
    this.#tearAfter = mutations;
  }

  async sources(): Promise<readonly SourceStatus[]> {
    await this.#graph.sources();
    return [...this.#partitions.values()].map(({ position }) => statusOf(position)).sort(compareSources);
  }

  async digest(): Promise<{ readonly hex: string; readonly sources: readonly SourceStatus[] }> {
    const sources = await this.sources();
    return { hex: (await this.#graph.digest()).hex, sources };
  }

  /** In force at once, in the middle of whatever the claimant before is writing. */
  async claim(source: SourcePartition): Promise<Claim> {
    const key = positionKey(source);
    if (!this.#pieces.has(key)) {
      const inner = { ...source, cluster: `pieces of ${source.cluster}` };
      this.#pieces.set(key, { source: inner, claim: await this.#graph.claim(inner), next: 0n });
    } else {
      // Says that it is closed when it is.
      await this.#graph.sources();
    }
    const position = claimed(source, this.#partitions.get(key)?.position);
    this.#partitions.set(key, { position, claimed: true });
    return { epoch: position.epoch, next: position.next };
  }

  async apply(advance: Advance, mutations: MutationBatch): Promise<Applied> {
    const events = [...decodeEvents(mutations.take())];
    const applying = this.#applying.then(() => this.#apply(advance, events));
    this.#applying = applying.then(
      () => undefined,
      () => undefined,
    );
    return await applying;
  }

  async snapshot(): Promise<GraphSnapshot> {
    await this.#applying;
    const snapshot = await this.#graph.snapshot();
    return {
      ...snapshot,
      rows: () => snapshot.rows(),
      sources: await this.sources(),
      [Symbol.asyncDispose]: () => snapshot[Symbol.asyncDispose](),
    };
  }

  async restore(snapshot: Restorable): Promise<void> {
    if (isAsRestored(this.#restoredId, await this.sources(), snapshot)) return;
    if (this.#partitions.size > 0) throw new RefusedError('STORE_NOT_EMPTY', 'There is a position already.');
    await this.#graph.restore({ sources: [], timeToLive: snapshot.timeToLive, rows: () => snapshot.rows() });
    for (const status of snapshot.sources) {
      const position = positionOf(status);
      this.#partitions.set(positionKey(position.source), { position, claimed: false });
    }
    this.#restoredId = snapshot.id ?? null;
  }

  async sweep(after: Uint8Array | null, rowsMax: number): Promise<Swept> {
    await this.#applying;
    return await this.#graph.sweep(after, rowsMax);
  }

  async close(): Promise<void> {
    await this.#applying;
    await this.#graph.close();
  }

  async #apply(advance: Advance, events: readonly EventMutations[]): Promise<Applied> {
    const before = this.#partition(advance);
    if (!before.claimed) throw must(errorOf(advance, before), 'nothing is applied without a claim');
    if (this.#mistake === 'position first') this.#move(advance);
    const applied = { nodeWrites: 0, nodeWritesSuppressed: 0, nodeWritesCoalesced: 0 };
    const written = new Set<string>();
    const pieces = events.flatMap((event) =>
      event.mutations.map((mutation) => ({ ...event, mutations: [mutation] })),
    );
    for (const [i, piece] of pieces.entries()) {
      if (this.#tearAfter !== null && i >= this.#tearAfter) this.#tear();
      if (this.#mistake === 'position without all writes' && i === pieces.length - 1 && i > 0) break;
      const { nodeWrites, nodeWritesSuppressed } = await this.#write(advance, piece);
      applied.nodeWritesSuppressed += nodeWritesSuppressed;
      const [mutation] = piece.mutations;
      const key = mutation?.kind === 'node' ? JSON.stringify(mutation.node) : '';
      if (nodeWrites > 0 && written.has(key)) applied.nodeWritesCoalesced += 1;
      else applied.nodeWrites += nodeWrites;
      if (nodeWrites > 0) written.add(key);
      await this.#clock.sleep(0);
    }
    if (this.#tearAfter !== null) this.#tear();
    if (this.#mistake !== 'position first') this.#move(advance);
    return applied;
  }

  /** One compare-and-set, as a lightweight transaction would do it. */
  #move(advance: Advance): void {
    const partition = this.#partition(advance);
    const error = errorOf(advance, partition);
    if (error !== null && this.#mistake !== 'no fence') throw error;
    partition.position = advanced(partition.position, advance);
  }

  async #write(advance: Advance, piece: EventMutations): Promise<Applied> {
    const pieces = this.#pieces.get(positionKey(advance.source));
    assert(pieces !== undefined, 'a partition that is claimed has a place for its pieces');
    const from = pieces.next;
    pieces.next += 1n;
    const batch = createMutationBatch(1024);
    batch.add(piece);
    const { source, claim } = pieces;
    return await this.#graph.apply(
      { ...advance, source, epoch: claim.epoch, from, next: pieces.next },
      batch,
    );
  }

  #tear(): never {
    this.#tearAfter = null;
    // What was called behind it must not go on over the gap.
    for (const partition of this.#partitions.values()) partition.claimed = false;
    throw new OutageError('STORE_WRITE_FAILED', 'A part of the batch could not be written; claim again.');
  }

  #partition({ source }: Advance): Partition {
    const none = { source, epoch: 0, next: null, newestEventMs: 0 };
    const fates = { consumed: 0, applied: 0, superseded: 0, filtered: 0, deadLettered: 0 };
    return this.#partitions.get(positionKey(source)) ?? { position: { ...none, fates }, claimed: false };
  }
}

function errorOf(advance: Advance, partition: Partition): FencedError | OutageError | null {
  const refused = refusal(advance, partition);
  return refused === null ? null : rejectionError(refused);
}
