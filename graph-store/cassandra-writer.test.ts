import { expect, it } from 'vitest';
import { OutageError, silentLog, steadyTime, systemClock } from '../foundation/index.ts';
import { CassandraConnection, type CassandraRow, type Page } from './cassandra-connection.ts';
import { CassandraKnowledge } from './cassandra-knowledge.ts';
import { CassandraOrigins } from './cassandra-origins.ts';
import { CassandraPlacement } from './cassandra-placement.ts';
import { defaultCassandraSettings } from './cassandra-settings.ts';
import { CassandraWriter } from './cassandra-writer.ts';
import { pack } from './conformance-graphs.ts';
import { advance, event, named, source } from './conformance-subject.ts';
import type { PackedMutations } from './packed-format.ts';
import { Expiry, keptForEver } from './time-to-live.ts';

/** An empty cluster whose answers come when the test says so. */
class ClusterInHand extends CassandraConnection {
  /** What a write waits for; null: it is done at once. */
  writing: Promise<void> | null = null;
  writes = 0;
  readonly #second = Promise.withResolvers<void>();
  readonly #numbering = Promise.withResolvers<void>();

  constructor() {
    const cluster = { contactPoints: ['127.0.0.1'], dataCenter: 'here' };
    super({ ...defaultCassandraSettings, ...cluster, groupEventsMax: 1 }, systemClock, () => 0.5);
  }

  override async rows(): Promise<readonly CassandraRow[]> {
    return [];
  }

  override async page(): Promise<Page> {
    return { rows: [], next: null };
  }

  override async write(): Promise<void> {
    this.writes += 1;
    await this.writing;
  }

  /** The second origin gets its number when it is let. */
  override async conditionally(query: string, [id]: readonly unknown[]): Promise<boolean> {
    if (!query.includes('.origins') || id !== 2) return true;
    this.#second.resolve();
    await this.#numbering.promise;
    return true;
  }

  get secondIsMade(): Promise<void> {
    return this.#second.promise;
  }

  number(): void {
    this.#numbering.resolve();
  }
}

function writerOver(connection: ClusterInHand): CassandraWriter {
  const hash = (): number => 2 ** 32 - 1;
  const expiry = (): Expiry => new Expiry(keptForEver, 0);
  return new CassandraWriter({
    ...{ connection, clock: systemClock, hash, expiry, removals: expiry },
    knowledge: new CassandraKnowledge(connection, steadyTime),
    origins: new CassandraOrigins(connection),
    placement: new CassandraPlacement(connection, hash, silentLog),
  });
}

function batchOf(schemaId: number): PackedMutations {
  const origin = { schemaId, subject: 'plays-value', version: 1 };
  return pack([{ ...event(schemaId, [named('a')]), lineage: { offset: 0n, origin } }]).take();
}

it('A group that was made while the one before it failed is not written any more', async () => {
  const cluster = new ClusterInHand();
  const writer = writerOver(cluster);
  const claim = await writer.claim(source);
  const failing = Promise.withResolvers<void>();
  cluster.writing = failing.promise;
  cluster.writes = 0;
  const first = writer.queue.apply(advance(claim, 0, 1), batchOf(1));
  const second = writer.queue.apply(advance(claim, 1, 2), batchOf(2));
  await cluster.secondIsMade;
  const outage = new OutageError('STORE_WRITE_FAILED', 'an invented failure');
  failing.reject(outage);
  await expect(first).rejects.toBe(outage);
  expect(cluster.writes).toBe(1);
  cluster.number();
  await expect(second).rejects.toBe(outage);
  expect(cluster.writes).toBe(1);
  cluster.writing = null;
  // What was taken as written of either is forgotten.
  const again = await writer.claim(source);
  const applied = await writer.queue.apply(advance(again, 0, 1), batchOf(1));
  expect(applied).toMatchObject({ nodeWrites: 1, nodeWritesSuppressed: 0 });
});
