import pg from 'pg';
import { readTestEnvironment } from '../../test/services/environment.ts';
import { type PostgresqlServer, startPostgresql } from '../../test/services/postgresql.ts';
import type { PlaybackFact } from '../ingest/playback-facts.ts';
import { distinctBy, folderBytes, type Rival } from './rival.ts';

/**
 * For a machine of two cores that has memory to spare. Durability is as it comes (fsync, synchronous_commit and full_page_writes on):
 * ours is durable too.
 */
export const postgresqlSettings = {
  shared_buffers: '2GB',
  effective_cache_size: '8GB',
  work_mem: '32MB',
  maintenance_work_mem: '512MB',
  max_wal_size: '8GB',
  min_wal_size: '1GB',
  checkpoint_timeout: '15min',
  checkpoint_completion_target: '0.9',
  wal_buffers: '64MB',
  wal_compression: 'lz4',
  random_page_cost: '1.1',
  jit: 'off',
} as const;

const poolMax = 8;

/** An edge a pair with its count, a step an event with an index of its account's time (its key) and one of its title's. */
const tables = `
  CREATE TABLE account (id text PRIMARY KEY);
  CREATE TABLE title (id text PRIMARY KEY, name text NOT NULL, kind text NOT NULL);
  CREATE TABLE device (id text PRIMARY KEY);
  CREATE TABLE edge (
    type smallint NOT NULL, from_id text NOT NULL, to_id text NOT NULL,
    count integer NOT NULL, first_ms bigint NOT NULL, last_ms bigint NOT NULL, seconds bigint NOT NULL,
    PRIMARY KEY (type, from_id, to_id)
  ) WITH (fillfactor = 85);
  CREATE TABLE step (
    account_id text NOT NULL, at_ms bigint NOT NULL, event uuid NOT NULL, title_id text NOT NULL,
    seconds integer NOT NULL, completion double precision NOT NULL, reason text NOT NULL,
    PRIMARY KEY (account_id, at_ms, event) INCLUDE (title_id)
  );
  CREATE INDEX step_by_title ON step (title_id, at_ms) INCLUDE (account_id);`;

const insertSteps = `
  INSERT INTO step (account_id, at_ms, event, title_id, seconds, completion, reason)
  SELECT * FROM unnest($1::text[], $2::bigint[], $3::uuid[], $4::text[], $5::int[], $6::float8[], $7::text[])
  ON CONFLICT DO NOTHING`;
const upsertEdges = `
  INSERT INTO edge (type, from_id, to_id, count, first_ms, last_ms, seconds)
  SELECT * FROM unnest($1::smallint[], $2::text[], $3::text[], $4::int[], $5::bigint[], $6::bigint[], $7::bigint[])
  ON CONFLICT (type, from_id, to_id) DO UPDATE SET count = edge.count + excluded.count,
    first_ms = least(edge.first_ms, excluded.first_ms), last_ms = greatest(edge.last_ms, excluded.last_ms),
    seconds = edge.seconds + excluded.seconds`;
/** An unchanged row is not written again, as with us. */
const upsertTitles = `
  INSERT INTO title (id, name, kind) SELECT * FROM unnest($1::text[], $2::text[], $3::text[])
  ON CONFLICT (id) DO UPDATE SET name = excluded.name, kind = excluded.kind
    WHERE (title.name, title.kind) IS DISTINCT FROM (excluded.name, excluded.kind)`;
const insertIds = (table: string): string =>
  `INSERT INTO ${table} (id) SELECT * FROM unnest($1::text[]) ON CONFLICT DO NOTHING`;

interface Edge {
  readonly key: string;
  readonly type: number;
  readonly from: string;
  readonly to: string;
  count: number;
  firstMs: number;
  lastMs: number;
  seconds: number;
}

export class PostgresqlRival implements Rival {
  readonly name = 'postgresql';
  readonly plans = [
    { eventsPerBatch: 2000, sessions: 1 },
    { eventsPerBatch: 2000, sessions: 2 },
    { eventsPerBatch: 10_000, sessions: 2 },
  ];
  readonly #server: PostgresqlServer;
  readonly #pool: pg.Pool;

  private constructor(server: PostgresqlServer, pool: pg.Pool) {
    this.#server = server;
    this.#pool = pool;
  }

  static async start(): Promise<PostgresqlRival> {
    const server = await startPostgresql(readTestEnvironment(process.env), postgresqlSettings);
    const pool = new pg.Pool({ connectionString: server.url, max: poolMax });
    await pool.query(tables);
    return new PostgresqlRival(server, pool);
  }

  /** For queries: as many at once as there are connections. */
  get pool(): pg.Pool {
    return this.#pool;
  }

  /** Every statement's rows are sorted by key: two sessions take their locks in one order. */
  async load(facts: readonly PlaybackFact[]): Promise<void> {
    const client = await this.#pool.connect();
    const run = async (name: string, text: string, ...values: (readonly unknown[])[]): Promise<void> => {
      await client.query({ name, text, values });
    };
    try {
      await client.query('BEGIN');
      await run('account', insertIds('account'), sortedIds(facts.map(({ account }) => account)));
      const titles = distinctBy(facts, ({ title }) => title).toSorted((a, b) => compare(a.title, b.title));
      await run(
        'title',
        upsertTitles,
        titles.map(({ title }) => title),
        titles.map(({ titleName }) => titleName),
        titles.map(({ titleKind }) => titleKind),
      );
      await run('device', insertIds('device'), sortedIds(facts.map(({ device }) => device)));
      const edges = edgesOf(facts);
      await run(
        'edge',
        upsertEdges,
        edges.map(({ type }) => type),
        edges.map(({ from }) => from),
        edges.map(({ to }) => to),
        edges.map(({ count }) => count),
        edges.map(({ firstMs }) => firstMs),
        edges.map(({ lastMs }) => lastMs),
        edges.map(({ seconds }) => seconds),
      );
      const steps = facts.toSorted((a, b) => compare(a.account, b.account));
      await run(
        'step',
        insertSteps,
        steps.map(({ account }) => account),
        steps.map(({ atMs }) => atMs),
        steps.map(({ event }) => event),
        steps.map(({ title }) => title),
        steps.map(({ seconds }) => seconds),
        steps.map(({ completion }) => completion),
        steps.map(({ reason }) => reason),
      );
      await client.query('COMMIT');
    } catch (error) {
      await client.query('ROLLBACK');
      throw error;
    } finally {
      client.release();
    }
  }

  /** What a good engineer runs after a load: statistics, and the visibility map that index-only scans need. */
  async settle(): Promise<void> {
    await this.#pool.query('VACUUM ANALYZE');
  }

  async countEvents(): Promise<number> {
    const { rows } = await this.#pool.query<{ count: string }>('SELECT count(*) FROM step');
    return Number(rows[0]?.count);
  }

  diskBytes(): Promise<number> {
    return folderBytes(this.#server.home);
  }

  async close(): Promise<void> {
    await this.#pool.end();
    await this.#server.dispose();
  }
}

/** Merged first, as a statement may touch a row only once; sorted. */
function edgesOf(facts: readonly PlaybackFact[]): readonly Edge[] {
  const edges = new Map<string, Edge>();
  const add = (type: number, from: string, to: string, { atMs, seconds }: PlaybackFact): void => {
    const key = `${type} ${from} ${to}`;
    const known = edges.get(key);
    if (known === undefined) {
      edges.set(key, { key, type, from, to, count: 1, firstMs: atMs, lastMs: atMs, seconds });
      return;
    }
    known.count += 1;
    known.firstMs = Math.min(known.firstMs, atMs);
    known.lastMs = Math.max(known.lastMs, atMs);
    known.seconds += seconds;
  };
  for (const fact of facts) {
    add(1, fact.account, fact.title, fact);
    add(2, fact.account, fact.device, fact);
  }
  return [...edges.values()].sort((a, b) => compare(a.key, b.key));
}

function sortedIds(ids: readonly string[]): readonly string[] {
  return [...new Set(ids)].sort(compare);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
