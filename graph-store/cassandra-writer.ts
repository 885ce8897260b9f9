import { FencedError, must, OutageError, unreachable } from '../foundation/index.ts';
import type { CassandraConnection } from './cassandra-connection.ts';
import { CassandraGroup, type GroupBatch } from './cassandra-group.ts';
import { writeGroup } from './cassandra-group-write.ts';
import type { CassandraKnowledge } from './cassandra-knowledge.ts';
import { CassandraNodeCache } from './cassandra-node-cache.ts';
import type { CassandraOrigins } from './cassandra-origins.ts';
import type { CassandraPlacement } from './cassandra-placement.ts';
import { claimPosition, type Estimates, epochOf, positionStatement } from './cassandra-positions.ts';
import type { Advance, Applied, Claim, SourcePartition } from './graph-store.ts';
import type { Rejection } from './leveldb-protocol.ts';
import type { PackedMutations } from './packed-format.ts';
import { advanced, type Partition, positionKey, refusal } from './position.ts';
import type { Expiry } from './time-to-live.ts';

/** What the writer works with; made when the store is opened. */
export interface WriterParts {
  readonly connection: CassandraConnection;
  readonly knowledge: CassandraKnowledge;
  readonly origins: CassandraOrigins;
  readonly placement: CassandraPlacement;
  readonly hash: (bytes: Uint8Array) => number;
  readonly expiry: () => Expiry;
  /** What is older may have been removed. */
  readonly removals: () => Expiry;
  /** Before anything is removed. */
  readonly removesNow: () => Promise<void>;
}

interface ApplyJob {
  readonly kind: 'apply';
  readonly advance: Advance;
  readonly packed: PackedMutations;
  readonly resolve: (applied: Applied) => void;
  readonly reject: (error: unknown) => void;
}

interface TaskJob {
  readonly kind: 'task';
  readonly run: () => Promise<void>;
}

interface Owned {
  readonly partition: Partition;
  readonly estimates: Estimates;
}

/**
 * All writes of one store, one group after the other in call order: waiting batches together up to `groupEventsMax`. Within a group everything is written at
 * once, as far as `requestsMax` lets it. The queue is bounded by what the pipelines let be in flight.
 */
export class CassandraWriter {
  readonly #parts: WriterParts;
  readonly #cache: CassandraNodeCache;
  readonly #queue: (ApplyJob | TaskJob)[] = [];
  /** Partitions claimed since the store was opened, and since a write failed. */
  readonly #owned = new Map<string, Owned>();
  #rulesKnown = '';
  #running: Promise<void> | null = null;

  constructor(parts: WriterParts) {
    this.#parts = parts;
    this.#cache = new CassandraNodeCache(parts.connection.settings.nodeCacheEntriesMax);
  }

  async claim(source: SourcePartition): Promise<Claim> {
    return await this.exclusively(async () => {
      const { position, estimates } = await claimPosition(this.#parts.connection, source);
      this.#owned.set(positionKey(source), { partition: { position, claimed: true }, estimates });
      return { epoch: position.epoch, next: position.next };
    });
  }

  async apply(advance: Advance, packed: PackedMutations): Promise<Applied> {
    return await new Promise((resolve, reject) => {
      this.#queue.push({ kind: 'apply', advance, packed, resolve, reject });
      this.#start();
    });
  }

  /** Between two groups. */
  async exclusively<T>(work: () => Promise<T>): Promise<T> {
    return await new Promise((resolve, reject) => {
      // Settled before the next job begins: whoever claims has his answer before a batch of his is looked at.
      const run = (): Promise<void> => work().then(resolve, reject);
      this.#queue.push({ kind: 'task', run });
      this.#start();
    });
  }

  async drained(): Promise<void> {
    await this.#running;
  }

  /** After nodes' rows were removed. */
  forgetNodes(): void {
    this.#cache.forget();
  }

  #start(): void {
    this.#running ??= this.#run();
  }

  async #run(): Promise<void> {
    for (let job = this.#queue.shift(); job !== undefined; job = this.#queue.shift()) {
      switch (job.kind) {
        case 'task':
          await job.run();
          break;
        case 'apply':
          await this.#apply(this.#groupFrom(job));
          break;
        default:
          unreachable(job);
      }
    }
    // Not in a `finally` of the promise: a job that comes before that has run would wait for ever.
    this.#running = null;
  }

  #groupFrom(first: ApplyJob): ApplyJob[] {
    const group = [first];
    let events = first.packed.eventCount;
    for (let next = this.#queue[0]; next?.kind === 'apply'; next = this.#queue[0]) {
      events += next.packed.eventCount;
      if (events > this.#parts.connection.settings.groupEventsMax) break;
      group.push(next);
      this.#queue.shift();
    }
    return group;
  }

  async #apply(jobs: readonly ApplyJob[]): Promise<void> {
    const accepted = jobs.filter((job) => this.#accept(job));
    if (accepted.length === 0) return;
    try {
      const applied = await this.#write(accepted);
      const fenced = await this.#move(accepted);
      for (const [i, job] of accepted.entries()) {
        const error = fenced.get(positionKey(job.advance.source));
        if (error === undefined) job.resolve(must(applied[i], 'each batch is counted'));
        else job.reject(error);
      }
    } catch (error) {
      // Batches behind these must not open a gap: all partitions have to be claimed again.
      this.#owned.clear();
      this.#cache.forget();
      for (const { reject } of accepted) reject(error);
    }
  }

  /** Moves the partition in memory, so that the next batch of the group is judged by it; false when the batch is refused. */
  #accept({ advance, reject }: ApplyJob): boolean {
    const owned = this.#owned.get(positionKey(advance.source));
    const rejection = refusal(advance, owned?.partition);
    if (rejection === null && owned !== undefined) {
      owned.partition.position = advanced(owned.partition.position, advance);
      return true;
    }
    reject(errorOf(must(rejection, 'an unknown partition is refused')));
    return false;
  }

  async #write(jobs: readonly ApplyJob[]): Promise<readonly Applied[]> {
    const { connection, knowledge, hash, removals, placement } = this.#parts;
    await knowledge.fresh();
    this.#followRules();
    const group = new CassandraGroup(hash, { expiry: removals(), life: knowledge.life });
    for (const job of jobs) group.add(await this.#batchOf(job));
    await this.announce(group);
    return await writeGroup(connection, group, jobs.length, this.#cache, placement, hash);
  }

  /** What readers have to know before they can find what the group writes. */
  async announce(group: CassandraGroup): Promise<void> {
    const { knowledge } = this.#parts;
    for (const { nodeType, side } of group.sides.values()) await knowledge.learnSide(nodeType, side);
    for (const type of group.deletedNodeTypes) await knowledge.learnDeleted('node', type);
    for (const type of group.deletedEdgeTypes) await knowledge.learnDeleted('edge', type);
    if (group.usesLife) await knowledge.useLife();
  }

  /** Other rules may show what another process has swept: what is known of nodes by then no longer holds. */
  #followRules(): void {
    const rules = JSON.stringify(this.#parts.knowledge.rules);
    if (rules !== this.#rulesKnown) this.#cache.forget();
    this.#rulesKnown = rules;
  }

  /** Everything is durable: the positions follow, unless another process has claimed a partition meanwhile. */
  async #move(jobs: readonly ApplyJob[]): Promise<ReadonlyMap<string, FencedError>> {
    const { connection } = this.#parts;
    const fenced = new Map<string, FencedError>();
    const keys = new Set(jobs.map(({ advance }) => positionKey(advance.source)));
    await Promise.all(
      Array.from(keys, async (key) => {
        const { partition, estimates } = must(this.#owned.get(key), 'an accepted partition is owned');
        const { source, epoch } = partition.position;
        const current = await epochOf(connection, key);
        if (current !== null && current > epoch) {
          this.#owned.delete(key);
          const name = `Partition ${source.partition} of topic ${source.topic}`;
          fenced.set(
            key,
            new FencedError(
              `${name} belongs to epoch ${current} and the batch to ${epoch}; claim the partition again.`,
            ),
          );
          return;
        }
        await connection.write([positionStatement(connection, partition.position, estimates)]);
        estimates.changed = false;
      }),
    );
    return fenced;
  }

  async #batchOf({ advance, packed }: ApplyJob): Promise<GroupBatch> {
    const originIds: number[] = [];
    for (const origin of packed.origins)
      originIds.push(await this.#parts.origins.idOf(advance.source, origin));
    const { estimates } = must(
      this.#owned.get(positionKey(advance.source)),
      'a batch of a claimed partition',
    );
    return { advance, packed, originIds, estimates };
  }
}

function errorOf({ reaction, code, message }: Rejection): FencedError | OutageError {
  switch (reaction) {
    case 'fenced':
      return new FencedError(message);
    case 'outage':
      return new OutageError(code, message);
    default:
      return unreachable(reaction);
  }
}
