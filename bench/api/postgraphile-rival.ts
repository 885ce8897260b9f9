import { chmod, copyFile, link } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { readTestEnvironment } from '../../test/services/environment.ts';
import { type PostgresqlServer, startPostgresql } from '../../test/services/postgresql.ts';
import { postgresqlSettings } from '../rivals/postgresql-rival.ts';
import type { ApiData } from './api-data.ts';
import type { ApiRival, ApiTarget } from './api-target.ts';
import { postgresqlIndexes, postgresqlTables } from './postgraphile-model.ts';
import type { Questions } from './questions.ts';
import { startRivalServer } from './rival-server.ts';

/** All of it fits into memory, as with everybody. */
const settings = { ...postgresqlSettings, shared_buffers: '4GB', maintenance_work_mem: '1GB' } as const;

/** Of one statement, such as an index. */
const loadingTimeoutMs = 1_800_000;

export class PostgraphileRival implements ApiRival {
  readonly name = 'postgraphile';
  readonly #server: PostgresqlServer;
  readonly #questions: Questions;

  private constructor(server: PostgresqlServer, questions: Questions) {
    this.#server = server;
    this.#questions = questions;
  }

  static async start(
    { csv }: ApiData,
    questions: Questions,
    log: (progress: string) => void,
  ): Promise<PostgraphileRival> {
    const server = await startPostgresql(readTestEnvironment(process.env), settings);
    try {
      const client = new pg.Client({ connectionString: server.url, statement_timeout: loadingTimeoutMs });
      await client.connect();
      log('loading PostgreSQL');
      await client.query(postgresqlTables);
      await copy(client, server, 'account', csv.accounts);
      await copy(client, server, 'title', csv.titles);
      await copy(client, server, 'step', csv.steps);
      log('indexing PostgreSQL');
      for (const statement of postgresqlIndexes) await client.query(statement);
      await client.end();
      return new PostgraphileRival(server, questions);
    } catch (error) {
      await server.dispose();
      throw error;
    }
  }

  async serve(workers: number): Promise<ApiTarget> {
    const server = await startRivalServer('./postgraphile-process.ts', this.#server.url, workers);
    return { ...server, name: this.name, questions: this.#questions };
  }

  close(): Promise<void> {
    return this.#server.dispose();
  }
}

/** The server reads the file itself, from its own folder: it runs as somebody who may not read ours. */
async function copy(client: pg.Client, server: PostgresqlServer, table: string, file: string): Promise<void> {
  const own = join(server.home, `${table}.csv`);
  await link(file, own).catch(() => copyFile(file, own));
  await chmod(own, 0o644);
  await client.query(`COPY ${table} FROM '${own}' WITH (FORMAT csv)`);
}
