import cassandra from 'cassandra-driver';
import type { CassandraSettings } from './cassandra-settings.ts';
import { metaTable, tableNames } from './cassandra-tables.ts';

type Access = Pick<CassandraSettings, 'contactPoints' | 'dataCenter'>;
type Cluster = Access & Pick<CassandraSettings, 'replication'>;

/** A person at a console. */
export class CassandraConsole implements AsyncDisposable {
  readonly #client: cassandra.Client;

  constructor({ contactPoints, dataCenter }: Access, credentials: CassandraSettings['credentials'] = null) {
    this.#client = new cassandra.Client({
      contactPoints: [...contactPoints],
      localDataCenter: dataCenter,
      encoding: { useBigIntAsLong: true, map: Map },
      socketOptions: { readTimeout: 60_000 },
      ...(credentials === null
        ? {}
        : { authProvider: new cassandra.auth.PlainTextAuthProvider(credentials.user, credentials.password) }),
    });
  }

  async ask(query: string, parameters: readonly unknown[] = []): Promise<readonly (readonly unknown[])[]> {
    const { rows = [] } = await this.#client.execute(query, [...parameters], {
      prepare: parameters.length > 0,
    });
    return rows.map((row) => row.values());
  }

  /** Without a commit log, so that it is emptied without being written to disk first. */
  async makeQuick(
    keyspace: string,
    { dataCenter, replication }: Pick<Cluster, 'dataCenter' | 'replication'>,
  ): Promise<void> {
    const copies = `{'class': 'NetworkTopologyStrategy', '${dataCenter}': ${replication}}`;
    await this.ask(
      `CREATE KEYSPACE IF NOT EXISTS ${keyspace} WITH replication = ${copies} AND durable_writes = false`,
    );
  }

  /** Leaves the tables, which take longer to make than all else, and what says that they are whole. */
  async empty(keyspace: string): Promise<void> {
    const tables = await this.ask('SELECT table_name FROM system_schema.tables WHERE keyspace_name = ?', [
      keyspace,
    ]);
    const present = new Set(tables.map(([name]) => String(name)));
    if (!present.has(metaTable)) return;
    await Promise.all(
      tableNames.map(async (name) => {
        if (!present.has(name)) return;
        const some = await this.#askAll(`SELECT * FROM ${keyspace}.${name} LIMIT 1`);
        if (some.length === 0) return;
        if (name === 'claims') await this.#removeClaims(keyspace);
        else await this.ask(`TRUNCATE ${keyspace}.${name}`);
      }),
    );
    const rows = await this.ask(`SELECT name FROM ${keyspace}.${metaTable} WHERE part = 'graph'`);
    const names = rows.map(([name]) => String(name)).filter((name) => name !== 'format');
    for (const name of names) {
      await this.ask(`DELETE FROM ${keyspace}.${metaTable} WHERE part = 'graph' AND name = ? IF EXISTS`, [
        name,
      ]);
    }
  }

  /** What a lightweight transaction wrote comes back after a TRUNCATE, when a node learns late of its commit; not after another one that removes it. */
  async #removeClaims(keyspace: string): Promise<void> {
    for (const [source] of await this.#askAll(`SELECT source FROM ${keyspace}.claims`))
      await this.#askAll(`DELETE FROM ${keyspace}.claims WHERE source = ? IF EXISTS`, [source]);
  }

  /** All nodes, each of which may take longer than Cassandra waits for it when three share a machine; what is asked here may be asked again. What is done may be at two of three only, and the one that is asked would say that there is nothing. */
  async #askAll(
    query: string,
    parameters: readonly unknown[] = [],
  ): Promise<readonly (readonly unknown[])[]> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const { rows = [] } = await this.#client.execute(query, [...parameters], {
          prepare: parameters.length > 0,
          consistency: cassandra.types.consistencies.all,
        });
        return rows.map((row) => row.values());
      } catch (error) {
        if (attempt >= attemptsMax || !isLate(error)) throw error;
      }
    }
  }

  async drop(keyspace: string): Promise<void> {
    await this.ask(`DROP KEYSPACE IF EXISTS ${keyspace}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.shutdown();
  }
}

/** Making the tables of a keyspace takes seconds, emptying them tenths: what a test is done with is emptied behind the next one's back, and used again. */
export class KeyspacePool implements AsyncDisposable {
  readonly #console: CassandraConsole;
  readonly #cluster: Cluster;
  readonly #start: string;
  readonly #ready: string[] = [];
  readonly #emptying = new Set<Promise<void>>();
  #made = 0;

  constructor(cluster: Cluster, start: string) {
    this.#console = new CassandraConsole(cluster);
    this.#cluster = cluster;
    this.#start = start;
  }

  async take(): Promise<string> {
    if (this.#ready.length === 0 && this.#made >= keyspacesMax) await Promise.race(this.#emptying);
    const ready = this.#ready.shift();
    if (ready !== undefined) return ready;
    this.#made += 1;
    const keyspace = `${this.#start}_${process.pid}_${this.#made}`;
    await this.#console.makeQuick(keyspace, this.#cluster);
    return keyspace;
  }

  /** Its store is closed. */
  giveBack(keyspace: string): void {
    const emptying = this.#console.empty(keyspace).then(() => {
      this.#emptying.delete(emptying);
      this.#ready.push(keyspace);
    });
    this.#emptying.add(emptying);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#emptying);
    for (const keyspace of this.#ready) await this.#console.drop(keyspace);
    await this.#console[Symbol.asyncDispose]();
  }
}

const keyspacesMax = 4;
const attemptsMax = 5;

function isLate(error: unknown): boolean {
  const { readTimeout, writeTimeout } = cassandra.types.responseErrorCodes;
  return (
    error instanceof cassandra.errors.ResponseError &&
    (error.code === readTimeout || error.code === writeTimeout)
  );
}
