import { type Clock, type FencedError, must, type OutageError } from '../foundation/index.ts';
import type { Estimates } from './estimates.ts';
import type { Applied, Claim, SourcePartition } from './graph-store.ts';
import { type GroupBatch, groupBatchOf } from './group-batch.ts';
import type { Neo4jConnection, Queries } from './neo4j-connection.ts';
import { Neo4jGroup } from './neo4j-group.ts';
import { writeGroup } from './neo4j-group-write.ts';
import type { Neo4jKeys } from './neo4j-keys.ts';
import type { Neo4jOrigins } from './neo4j-origins.ts';
import {
  claimPosition,
  estimateRow,
  isSame,
  lockPositions,
  partitionKey,
  positionRow,
  writePositions,
} from './neo4j-positions.ts';
import type { Neo4jSchema } from './neo4j-schema.ts';
import { edgeTypesOf, edgeTypesQuery } from './neo4j-schema.ts';
import { beingRestored } from './neo4j-snapshot.ts';
import type { NodeRowMerger } from './node-row.ts';
import { advanced, type Position, positionKey, refusal, rejectionError } from './position.ts';
import { type ApplyJob, WriteQueue } from './write-queue.ts';

/** What the writer works with; made when the store is opened. */
export interface WriterParts {
  readonly clock: Clock;
  readonly connection: Neo4jConnection;
  readonly schema: Neo4jSchema;
  readonly keys: Neo4jKeys;
  readonly origins: Neo4jOrigins;
  readonly merger: NodeRowMerger;
  readonly hash: (bytes: Uint8Array) => number;
}

/** An attempt's end, for each of its batches. */
type Outcome = Applied | FencedError | OutageError;

interface Attempt {
  readonly outcomes: readonly Outcome[];
  readonly before: ReadonlyMap<string, Position>;
  readonly after: ReadonlyMap<string, Position>;
}

/**
 * All writes of one store, one transaction at a time: two of one process would only wait for each other's nodes; what a server can do beyond that is for
 * further processes with partitions of their own.
 */
export class Neo4jWriter {
  readonly queue: WriteQueue;
  readonly #parts: WriterParts;
  /** Partitions claimed since the store was opened, and since a write failed. */
  readonly #claims = new Map<string, Estimates>();
  readonly #edgeTypes = new Set<string>();

  constructor(parts: WriterParts) {
    this.#parts = parts;
    const { groupEventsMax, windowMs } = parts.connection.settings;
    this.queue = new WriteQueue(groupEventsMax, (jobs) => this.#apply(jobs), {
      ms: windowMs,
      clock: parts.clock,
    });
  }

  async claim(source: SourcePartition): Promise<Claim> {
    const { connection, keys } = this.#parts;
    return await this.queue.exclusively(async () => {
      const { position, estimates } = await connection.write(async (queries) => {
        const found = await claimPosition(queries, keys, source);
        // Opened before the restore began, when there was nothing yet: somebody else's, who may well come to its end.
        if (found === 'restoring') throw beingRestored(connection.settings.namespace);
        return found;
      });
      this.#claims.set(keys.position(positionKey(source)), estimates);
      return { epoch: position.epoch, next: position.next };
    });
  }

  async #apply(jobs: readonly ApplyJob[]): Promise<void> {
    const claimedJobs = jobs.filter((job) => this.#isClaimed(job));
    if (claimedJobs.length === 0) return;
    try {
      const outcomes = await this.#write(claimedJobs);
      for (const [i, job] of claimedJobs.entries()) {
        const outcome = must(outcomes[i], 'each batch has an outcome');
        if (outcome instanceof Error) job.reject(outcome);
        else job.resolve(outcome);
      }
    } catch (error) {
      // Batches behind these must not open a gap: all partitions have to be claimed again.
      this.#claims.clear();
      for (const { reject } of claimedJobs) reject(error);
    }
  }

  #isClaimed({ advance, reject }: ApplyJob): boolean {
    if (this.#claims.has(partitionKey(this.#parts.keys, advance))) return true;
    reject(rejectionError(must(refusal(advance, undefined), 'an unknown partition is refused')));
    return false;
  }

  async #write(jobs: readonly ApplyJob[]): Promise<readonly Outcome[]> {
    const { connection, keys } = this.#parts;
    const batches = await Promise.all(jobs.map((job) => this.#batchOf(job)));
    let group = await this.#prepare(batches);
    let prepared = batches;
    let last: Attempt | null = null;
    const written = await connection.write(async (queries, mayBeDone) => {
      const before = await lockPositions(queries, [
        ...new Set(jobs.map(({ advance }) => partitionKey(keys, advance))),
      ]);
      if (mayBeDone && last !== null && isDone(last, before)) return last;
      const { after, refusals } = judge(jobs, before, keys);
      const accepted = batches.filter((_, i) => refusals[i] === null);
      if (accepted.length !== prepared.length) {
        prepared = accepted;
        group = await this.#prepare(accepted);
      }
      const applied = await this.#writeAccepted(queries, group, accepted, after);
      const rest = applied[Symbol.iterator]();
      const outcomes = refusals.map(
        (error) => error ?? must(rest.next().value, 'each accepted batch is counted'),
      );
      last = { outcomes, before, after };
      return last;
    });
    for (const { estimates } of prepared) estimates.changed = false;
    return written.outcomes;
  }

  async #writeAccepted(
    queries: Queries,
    group: Neo4jGroup,
    accepted: readonly GroupBatch[],
    after: ReadonlyMap<string, Position>,
  ): Promise<readonly Applied[]> {
    if (accepted.length === 0) return [];
    const { keys, merger } = this.#parts;
    const applied = await writeGroup(queries, group, accepted.length, keys, merger);
    const moved = new Map(accepted.map(({ advance, estimates }) => [partitionKey(keys, advance), estimates]));
    const rows = [...moved].map(([key, estimates]) => {
      const row = positionRow(must(after.get(key), 'an accepted partition has a position'));
      return [key, estimates.changed ? { ...row, ...estimateRow(estimates) } : row] as const;
    });
    await writePositions(queries, rows);
    return applied;
  }

  async #batchOf(job: ApplyJob): Promise<GroupBatch> {
    const key = partitionKey(this.#parts.keys, job.advance);
    const estimates = must(this.#claims.get(key), 'a batch of a claimed partition');
    return await groupBatchOf(job, estimates, this.#parts.origins);
  }

  /** Decodes the batches, and sees to it that the types of their edges are known to the schema. */
  async #prepare(batches: readonly GroupBatch[]): Promise<Neo4jGroup> {
    const { keys, hash } = this.#parts;
    const group = new Neo4jGroup(keys, hash);
    for (const batch of batches) group.add(batch);
    for (const type of group.edgeTypes) {
      if (this.#edgeTypes.has(type)) continue;
      await this.ensureEdgeType(type);
    }
    return group;
  }

  async ensureEdgeType(type: string): Promise<void> {
    const { connection, schema, keys } = this.#parts;
    await schema.ensureEdges(type);
    await connection.write(async (queries) => {
      const key = keys.store;
      await queries.run('MATCH (s:JgStore {jgKey: $key}) SET s.jgLock = true', { key });
      const [row] = await queries.run(edgeTypesQuery, { key });
      const known = edgeTypesOf(row?.get(0));
      if (known.includes(type)) return;
      await queries.run('MATCH (s:JgStore {jgKey: $key}) SET s.edgeTypes = $types', {
        key,
        types: [...known, type].sort(),
      });
    });
    this.#edgeTypes.add(type);
  }
}

/** Which batches may be applied, one after the other, and where that leaves the positions. */
function judge(
  jobs: readonly ApplyJob[],
  before: ReadonlyMap<string, Position>,
  keys: Neo4jKeys,
): {
  readonly after: Map<string, Position>;
  readonly refusals: readonly (FencedError | OutageError | null)[];
} {
  const after = new Map(before);
  const refusals = jobs.map(({ advance }) => {
    const key = partitionKey(keys, advance);
    const position = after.get(key);
    const rejection = refusal(advance, position === undefined ? undefined : { position, claimed: true });
    if (rejection !== null) return rejectionError(rejection);
    after.set(key, advanced(must(position, 'a partition without a position is refused'), advance));
    return null;
  });
  return { after, refusals };
}

/** True when the commit that nobody heard of came through: nobody else moves a position within its epoch. */
function isDone({ before, after }: Attempt, stored: ReadonlyMap<string, Position>): boolean {
  for (const [key, position] of after) {
    if (!isSame(before.get(key), position)) return isSame(stored.get(key), position);
  }
  return false;
}
