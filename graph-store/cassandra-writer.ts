import { type Clock, FencedError, must } from '../foundation/index.ts';
import type { CassandraConnection } from './cassandra-connection.ts';
import { CassandraGroup } from './cassandra-group.ts';
import { type PreparedGroup, prepareGroup, writeGroup } from './cassandra-group-write.ts';
import type { CassandraKnowledge } from './cassandra-knowledge.ts';
import { CassandraNodeCache } from './cassandra-node-cache.ts';
import type { CassandraOrigins } from './cassandra-origins.ts';
import type { CassandraPlacement } from './cassandra-placement.ts';
import { claimPosition, epochOf, positionStatement } from './cassandra-positions.ts';
import type { Estimates } from './estimates.ts';
import type { Claim, SourcePartition } from './graph-store.ts';
import { type GroupBatch, groupBatchOf } from './group-batch.ts';
import { advanced, type Partition, type Position, positionKey, refusal, rejectionError } from './position.ts';
import type { Expiry } from './time-to-live.ts';
import { type ApplyJob, type LeaveRest, WriteQueue } from './write-queue.ts';

/** What the writer works with; made when the store is opened. */
export interface WriterParts {
  readonly connection: CassandraConnection;
  readonly knowledge: CassandraKnowledge;
  readonly origins: CassandraOrigins;
  readonly placement: CassandraPlacement;
  readonly clock: Clock;
  readonly hash: (bytes: Uint8Array) => number;
  readonly expiry: () => Expiry;
  /** What is older may have been removed. */
  readonly removals: () => Expiry;
}

interface Owned {
  readonly partition: Partition;
  readonly estimates: Estimates;
}

/** Up to where a group takes a partition, by its owner of then. */
interface Move {
  readonly owned: Owned;
  readonly position: Position;
}

/** What became of a group. */
type Outcome = { readonly kind: 'durable' } | { readonly kind: 'failed'; readonly error: unknown };

const durable: Outcome = { kind: 'durable' };

/**
 * All writes of one store, group by group. Within a group everything is written at once, as far as `requestsMax` lets it. A group is made while the one before it is written, on
 * the assumption that it will be: its positions follow those of the one before, and when that one fails it fails as well.
 */
export class CassandraWriter {
  readonly queue: WriteQueue;
  readonly #parts: WriterParts;
  readonly #cache: CassandraNodeCache;
  /** Partitions claimed since the store was opened, and since a write failed. */
  readonly #owned = new Map<string, Owned>();
  #rulesKnown = '';
  /** Of the group that was begun last. */
  #last: Promise<Outcome> = Promise.resolve(durable);
  #failures = 0;

  constructor(parts: WriterParts) {
    this.#parts = parts;
    const { nodeCacheEntriesMax, groupEventsMax, windowMs } = parts.connection.settings;
    this.#cache = new CassandraNodeCache(nodeCacheEntriesMax);
    this.queue = new WriteQueue(groupEventsMax, (jobs, leave) => this.#apply(jobs, leave), {
      ms: windowMs,
      clock: parts.clock,
    });
  }

  async claim(source: SourcePartition): Promise<Claim> {
    return await this.queue.exclusively(async () => {
      const { position, estimates } = await claimPosition(this.#parts.connection, source);
      this.#owned.set(positionKey(source), { partition: { position, claimed: true }, estimates });
      // Nothing is under way, and whoever had a part in a group that failed claims anew: what comes now is not built on it.
      this.#last = Promise.resolve(durable);
      return { epoch: position.epoch, next: position.next };
    });
  }

  /** After nodes' rows were removed. */
  forgetNodes(): void {
    this.#cache.forget();
  }

  async #apply(jobs: readonly ApplyJob[], leave: LeaveRest): Promise<void> {
    const accepted = jobs.filter((job) => this.#accept(job));
    if (accepted.length === 0) return;
    const moves = this.#movesOf(accepted);
    const before = this.#last;
    const failures = this.#failures;
    try {
      const prepared = await this.#prepare(accepted, moves);
      if (this.#failures > failures) {
        // Lost already, with the one before it: its requests would only keep whoever claims anew waiting, through all their attempts.
        const earlier = await before;
        if (earlier.kind === 'failed') throw earlier.error;
      }
      const outcome = this.#finish(accepted, moves, prepared, before);
      this.#last = outcome;
      leave(outcome.then(() => undefined));
    } catch (error) {
      this.#last = Promise.resolve(this.#failed(accepted, error));
    }
  }

  async #finish(
    jobs: readonly ApplyJob[],
    moves: ReadonlyMap<string, Move>,
    prepared: PreparedGroup,
    before: Promise<Outcome>,
  ): Promise<Outcome> {
    try {
      const { connection, placement } = this.#parts;
      // Both have an end before anybody is told: what is repeated after a failure must not meet a rest of it.
      const [written, earlier] = await Promise.allSettled([
        writeGroup(connection, prepared, placement),
        before,
      ]);
      if (earlier.status === 'fulfilled' && earlier.value.kind === 'failed') throw earlier.value.error;
      if (written.status === 'rejected') throw written.reason;
      const fenced = await this.#move(moves);
      for (const [i, job] of jobs.entries()) {
        const error = fenced.get(positionKey(job.advance.source));
        if (error === undefined) job.resolve(must(prepared.applied[i], 'each batch is counted'));
        else job.reject(error);
      }
      return durable;
    } catch (error) {
      return this.#failed(jobs, error);
    }
  }

  #failed(jobs: readonly ApplyJob[], error: unknown): Outcome {
    this.#failures += 1;
    // Batches behind these must not open a gap: all partitions have to be claimed again.
    this.#owned.clear();
    this.#cache.forget();
    this.#parts.placement.forgetListed();
    for (const { reject } of jobs) reject(error);
    return { kind: 'failed', error };
  }

  #movesOf(jobs: readonly ApplyJob[]): ReadonlyMap<string, Move> {
    return new Map(
      jobs.map(({ advance }) => {
        const key = positionKey(advance.source);
        const owned = must(this.#owned.get(key), 'an accepted partition is owned');
        return [key, { owned, position: owned.partition.position }];
      }),
    );
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

  async #prepare(jobs: readonly ApplyJob[], moves: ReadonlyMap<string, Move>): Promise<PreparedGroup> {
    const { connection, knowledge, hash, removals, placement } = this.#parts;
    await knowledge.fresh();
    this.#followRules();
    const group = new CassandraGroup(hash, { expiry: removals(), life: knowledge.life });
    for (const job of jobs) group.add(await this.#batchOf(job, moves));
    await this.announce(group);
    return prepareGroup(connection, group, jobs.length, this.#cache, placement, hash);
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

  /** Everything is durable, of earlier groups too: the positions follow, unless another process has claimed a partition meanwhile. */
  async #move(moves: ReadonlyMap<string, Move>): Promise<ReadonlyMap<string, FencedError>> {
    const { connection } = this.#parts;
    const fenced = new Map<string, FencedError>();
    await Promise.all(
      Array.from(moves, async ([key, { owned, position }]) => {
        const { source, epoch } = position;
        const current = await epochOf(connection, key);
        if (current !== null && current > epoch) {
          if (this.#owned.get(key) === owned) this.#owned.delete(key);
          const name = `Partition ${source.partition} of topic ${source.topic}`;
          fenced.set(
            key,
            new FencedError(
              `${name} belongs to epoch ${current} and the batch to ${epoch}; claim the partition again.`,
            ),
          );
          return;
        }
        const statement = positionStatement(connection, position, owned.estimates);
        // The next group may change them while this is on its way.
        owned.estimates.changed = false;
        await connection.write([statement]);
      }),
    );
    return fenced;
  }

  /** By the owner of when it was accepted: an earlier group may have failed meanwhile, and taken all partitions away. */
  async #batchOf(job: ApplyJob, moves: ReadonlyMap<string, Move>): Promise<GroupBatch> {
    const { owned } = must(moves.get(positionKey(job.advance.source)), 'an accepted batch moves a partition');
    return await groupBatchOf(job, owned.estimates, this.#parts.origins);
  }
}
