import { expect, it } from 'vitest';
import { silentLog, steadyTime, systemClock } from '../foundation/index.ts';
import { CassandraConnection, type CassandraRow, type Page, type Statement } from './cassandra-connection.ts';
import { CassandraKnowledge } from './cassandra-knowledge.ts';
import { CassandraOrigins } from './cassandra-origins.ts';
import { CassandraPlacement } from './cassandra-placement.ts';
import { CassandraReader } from './cassandra-reader.ts';
import { defaultCassandraSettings } from './cassandra-settings.ts';
import { bytesOf } from './cassandra-values.ts';
import { CassandraWriter } from './cassandra-writer.ts';
import { pack } from './conformance-graphs.ts';
import { advance, ann, event, hop, journeyOf, source, step, watched } from './conformance-subject.ts';
import { Expiry, keptForEver } from './time-to-live.ts';

/** Keeps rows of sides as they were written, answers pages of them as Cassandra does, and counts what it is asked. */
class CountingCluster extends CassandraConnection {
  asked: string[] = [];
  readonly #rows: { readonly table: string; readonly parameters: Statement['parameters'] }[] = [];

  constructor() {
    super(
      { ...defaultCassandraSettings, contactPoints: ['127.0.0.1'], dataCenter: 'here' },
      systemClock,
      () => 0.5,
    );
  }

  override async rows(query: string): Promise<readonly CassandraRow[]> {
    this.asked.push(query);
    return [];
  }

  override async conditionally(): Promise<boolean> {
    return true;
  }

  override async write(statements: readonly Statement[]): Promise<void> {
    for (const { query, parameters } of statements) {
      const [, table] = /^INSERT INTO (\S+) \(side, bucket, key, value\)/.exec(query) ?? [];
      if (table !== undefined) this.#rows.push({ table, parameters });
    }
  }

  override async page(
    ...[query, asked, size, state]: Parameters<CassandraConnection['page']>
  ): Promise<Page> {
    this.asked.push(query);
    const [side, bucket, gte, lt] = asked.map(bytesOf);
    if (side === undefined || bucket === undefined || gte === undefined || lt === undefined)
      return { rows: [], next: null };
    const found = this.#rows
      .filter(({ table, parameters: [ownSide, ownBucket, key] }) => {
        const at = bytesOf(key);
        const isHere = bytesOf(ownSide).equals(side) && bytesOf(ownBucket).equals(bucket);
        return isHere && query.includes(` ${table}\n`) && at.compare(gte) >= 0 && at.compare(lt) < 0;
      })
      .map(({ parameters: [, , key, value] }): CassandraRow => [key, null, value])
      .sort(([a], [b]) => bytesOf(a).compare(bytesOf(b)));
    const at = Number(state ?? 0);
    return { rows: found.slice(at, at + size), next: at + size < found.length ? String(at + size) : null };
  }
}

async function memberWith(count: number): Promise<{ cluster: CountingCluster; reader: CassandraReader }> {
  const connection = new CountingCluster();
  const hash = (): number => 2 ** 32 - 1;
  const expiry = (): Expiry => new Expiry(keptForEver, 0);
  const knowledge = new CassandraKnowledge(connection, steadyTime);
  const origins = new CassandraOrigins(connection);
  const writer = new CassandraWriter({
    ...{ connection, clock: systemClock, hash, expiry, removals: expiry, knowledge, origins },
    placement: new CassandraPlacement(connection, hash, silentLog),
  });
  const events = Array.from({ length: count }, (_, i) =>
    event(1_000 + i, [watched({ type: 'Title', id: `t${i}` }), step('d', { type: 'Title', id: `t${i}` })]),
  );
  await writer.queue.apply(advance(await writer.claim(source), 0, count), pack(events).take());
  // Held still: what is looked up once a second is no part of a read.
  const held = new CassandraKnowledge(connection, () => 0);
  await held.refresh();
  connection.asked = [];
  return {
    cluster: connection,
    reader: new CassandraReader({ connection, knowledge: held, origins, expiry }),
  };
}

it('A hop from a member with 50 edges is one request', async () => {
  const { cluster, reader } = await memberWith(50);
  const { occurrences } = await reader.adjacency(hop(ann, 'out', { limit: 300 }));
  expect(occurrences).toHaveLength(50);
  expect(cluster.asked).toHaveLength(1);
});

it('The latest 20 steps of a member with 50 are one request', async () => {
  const { cluster, reader } = await memberWith(50);
  const { steps, more } = await reader.journey(journeyOf(ann, { limit: 20 }));
  expect([steps.length, steps[0]?.timeMs, more]).toEqual([20, 1_049, true]);
  expect(cluster.asked).toHaveLength(1);
});

it('The degree of a member with 50 edges is one request', async () => {
  const { cluster, reader } = await memberWith(50);
  expect(await reader.degree(hop(ann, 'out'))).toEqual({ count: 50, exact: true });
  expect(cluster.asked).toHaveLength(1);
});
