import { FencedError, must } from '../foundation/index.ts';
import type { CassandraConnection } from './cassandra-connection.ts';
import { CassandraGroup } from './cassandra-group.ts';
import { writeGroup } from './cassandra-group-write.ts';
import type { CassandraKnowledge } from './cassandra-knowledge.ts';
import { CassandraNodeCache } from './cassandra-node-cache.ts';
import type { CassandraOrigins } from './cassandra-origins.ts';
import type { CassandraPlacement } from './cassandra-placement.ts';
import { claimPosition, epochOf, positionStatement } from './cassandra-positions.ts';
import type { Estimates } from './estimates.ts';
import type { Applied, Claim, SourcePartition } from './graph-store.ts';
import { type GroupBatch, groupBatchOf } from './group-batch.ts';
import { advanced, type Partition, positionKey, refusal, rejectionError } from './position.ts';
import type { Expiry } from './time-to-live.ts';
import { type ApplyJob, WriteQueue } from './write-queue.ts';

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

interface Owned {
  readonly partition: Partition;
  readonly estimates: Estimates;
}

/** All writes of one store, group by group. Within a group everything is written at once, as far as `requestsMax` lets it. */
export class CassandraWriter {
  readonly queue: WriteQueue;
  readonly #parts: WriterParts;
  readonly #cache: CassandraNodeCache;
  /** Partitions claimed since the store was opened, and since a write failed. */
  readonly #owned = new Map<string, Owned>();
  #rulesKnown = '';

  constructor(parts: WriterParts) {
    this.#parts = parts;
    const { nodeCacheEntriesMax, groupEventsMax } = parts.connection.settings;
    this.#cache = new CassandraNodeCache(nodeCacheEntriesMax);
    this.queue = new WriteQueue(groupEventsMax, (jobs) => this.#apply(jobs));
  }

  async claim(source: SourcePartition): Promise<Claim> {
    return await this.queue.exclusively(async () => {
      const { position, estimates } = await claimPosition(this.#parts.connection, source);
      this.#owned.set(positionKey(source), { partition: { position, claimed: true }, estimates });
      return { epoch: position.epoch, next: position.next };
    });
  }

  /** After nodes' rows were removed. */
  forgetNodes(): void {
    this.#cache.forget();
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
    reject(rejectionError(must(rejection, 'an unknown partition is refused')));
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

  async #batchOf(job: ApplyJob): Promise<GroupBatch> {
    const owned = must(this.#owned.get(positionKey(job.advance.source)), 'a batch of a claimed partition');
    return await groupBatchOf(job, owned.estimates, this.#parts.origins);
  }
}
