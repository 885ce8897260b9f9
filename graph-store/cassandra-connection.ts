import cassandra from 'cassandra-driver';
import { Backoff, type Clock, type Log, must, type Random, silentLog } from '../foundation/index.ts';
import {
  consistencyOf,
  type NodeBehind,
  peersBehind,
  schemaNode,
  serialConsistencyOf,
} from './cassandra-coordination.ts';
import { failureOf, isPassing, type Work } from './cassandra-failure.ts';
import { Permits } from './cassandra-permits.ts';
import type { CassandraSettings, CassandraTls } from './cassandra-settings.ts';
import { CassandraTopology } from './cassandra-topology.ts';
import type { Parameter } from './cassandra-values.ts';
import type { ClusterState } from './graph-reader.ts';

/** Then it is an outage, which the caller waits out. */
const writeAttemptsMax = 8;
const readAttemptsMax = 3;
const pause = { baseMs: 20, maxMs: 2_000 };
const connectTimeoutMs = 5_000;
/** Of what the driver asks for itself: a password is hashed with bcrypt, which a node under load does slowly, and nobody waits for it but once a connection. */
const handshakeTimeoutMs = 5_000;
/** Cassandra's own. */
const nativePort = 9042;
const schemaTimeoutMs = 60_000;

/** So many statements of one text go as one: a batch that the nodes keep prepared. Cassandra warns of batches over more partitions. */
export const alikeRows = 10;
/** Of texts there are some dozen; were there more, the others would go as batches that nobody keeps. */
const alikeTextsMax = 256;

/** A row: its columns by their place in the query. */
export type CassandraRow = readonly unknown[];

export interface Statement {
  readonly query: string;
  readonly parameters: readonly Parameter[];
}

export interface Page {
  readonly rows: readonly CassandraRow[];
  /** Where the next page starts; null after the last. */
  readonly next: string | null;
}

/** What a test may do in front of a write. */
export type BeforeWrite = (statements: readonly Statement[]) => void;

/** The driver behind bounded concurrency, bounded retries and errors of our own. */
export class CassandraConnection {
  readonly settings: CassandraSettings;
  readonly #client: cassandra.Client;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #reads: Permits;
  readonly #writes: Permits;
  readonly #beforeWrite: BeforeWrite;
  readonly #alikeTexts = new Map<string, string>();
  readonly #topology: CassandraTopology;

  /** Connects to nothing yet. */
  constructor(
    settings: CassandraSettings,
    clock: Clock,
    random: Random,
    beforeWrite: BeforeWrite = () => undefined,
    log: Log = silentLog,
  ) {
    this.settings = settings;
    this.#clock = clock;
    this.#random = random;
    this.#beforeWrite = beforeWrite;
    this.#reads = new Permits(settings.requestsMax);
    this.#writes = new Permits(settings.requestsMax);
    this.#client = new cassandra.Client(clientOptions(settings));
    this.#topology = new CassandraTopology(this.#client, settings, clock, log);
  }

  /** For messages. */
  get where(): string {
    return this.settings.contactPoints.join(',').slice(0, 200);
  }

  /** Of a table in this graph's keyspace. */
  table(name: string): string {
    return `${this.settings.keyspace}.${name}`;
  }

  async connect(): Promise<void> {
    await this.#attempts('open', readAttemptsMax, () => this.#client.connect());
  }

  /** Versions of the nodes that are known. */
  nodeVersions(): readonly string[] {
    return this.#client.hosts.values().map(({ cassandraVersion }) => cassandraVersion);
  }

  nodesInDataCenter(): number {
    return this.#topology.nodesInDataCenter();
  }

  /** Of the data center, as the driver knows them now. */
  clusterState(): ClusterState {
    return this.#topology.state();
  }

  /** See {@link CassandraTopology.placeOf}. */
  placeOf(routingKey: Buffer | Buffer[]): string {
    return this.#topology.placeOf(routingKey);
  }

  /** Once the keyspace is known: how many nodes of the data center hold each row. */
  learnCopies(copies: number): void {
    this.#topology.learnCopies(copies);
  }

  /** All rows, for what is known to be few. */
  async rows(query: string, parameters: readonly Parameter[] = []): Promise<readonly CassandraRow[]> {
    const found: CassandraRow[] = [];
    let page = await this.page(query, parameters, 1_000, null);
    found.push(...page.rows);
    while (page.next !== null) {
      page = await this.page(query, parameters, 1_000, page.next);
      found.push(...page.rows);
    }
    return found;
  }

  async page(
    query: string,
    parameters: readonly Parameter[],
    fetchSize: number,
    pageState: string | null,
  ): Promise<Page> {
    const options = {
      fetchSize,
      isIdempotent: true,
      ...(pageState === null ? {} : { pageState }),
    };
    return await this.#attempts('read', readAttemptsMax, () =>
      this.#reads.with(async () => {
        const found = await this.#client.execute(query, [...parameters], options);
        const rows = found.rows.map((row): CassandraRow => row.values());
        return { rows, next: found.pageState ?? null };
      }),
    );
  }

  /** Each of them, or an error: then some may be there. `routingKey` names a partition of theirs, for the node that is asked. */
  async write(statements: readonly Statement[], routingKey: Buffer | Buffer[] | null = null): Promise<void> {
    await this.#attempts('write', writeAttemptsMax, () =>
      this.#writes.with(async () => {
        this.#beforeWrite(statements);
        const options = {
          prepare: true,
          logged: false,
          keyspace: this.settings.keyspace,
          ...(routingKey === null ? {} : { routingKey }),
        };
        const [only] = statements;
        const alike = this.#alikeText(statements);
        if (statements.length === 1 && only !== undefined) {
          await this.#client.execute(only.query, [...only.parameters], options);
        } else if (alike !== null) {
          const parameters = statements.flatMap((one) => one.parameters);
          await this.#client.execute(alike, parameters, options);
        } else {
          await this.#client.batch(
            statements.map(({ query, parameters }) => ({ query, params: [...parameters] })),
            options,
          );
        }
      }),
    );
  }

  /** Null unless they are as many as a prepared batch has, all of one text. */
  #alikeText(statements: readonly Statement[]): string | null {
    const [first] = statements;
    if (first === undefined || statements.length !== alikeRows) return null;
    const { query } = first;
    if (statements.some((one) => one.query !== query)) return null;
    const known = this.#alikeTexts.get(query);
    if (known !== undefined || this.#alikeTexts.size >= alikeTextsMax) return known ?? null;
    const text = `BEGIN UNLOGGED BATCH ${`${query}; `.repeat(alikeRows)}APPLY BATCH`;
    this.#alikeTexts.set(query, text);
    return text;
  }

  /** A value that nobody else writes: who finds it where it was told that it came too late was the first after all. */
  mark(): string {
    return Array.from({ length: 4 }, () => Math.floor(this.#random() * 2 ** 32).toString(36)).join('-');
  }

  /**
   * A lightweight transaction; true when its condition held. After a failure it may have been done all the same: look again. So it may after false: where an answer was lost it was
   * asked once more, and met its own row. Where it matters whose the row is, its value is a {@link mark} to look for.
   */
  async conditionally(query: string, parameters: readonly Parameter[]): Promise<boolean> {
    return await this.#attempts('write', writeAttemptsMax, () =>
      this.#writes.with(async () => {
        this.#beforeWrite([{ query, parameters }]);
        const found = await this.#client.execute(query, [...parameters]);
        return must(found.wasApplied(), 'a condition has an answer') === true;
      }),
    );
  }

  /** Of the schema, by the node that does so for every process. Not repeated: half of it may be done. */
  async define(query: string): Promise<void> {
    const host = schemaNode(this.#client.hosts.values(), this.settings.dataCenter);
    await this.#attempts('schema', 1, async () => {
      await this.#client.execute(query, [], {
        prepare: false,
        readTimeout: schemaTimeoutMs,
        ...(host === null ? {} : { host }),
      });
    });
  }

  /**
   * Nodes that have not come to the schema of the node that {@link define} asks. Nobody else is asked: two nodes that have both not heard of a table agree as well. A node tells of a
   * schema when it has made all of it, so what was defined is readable and writable at every node that is not named here, but for those that are known to be down.
   */
  async nodesBehind(): Promise<readonly NodeBehind[]> {
    const host = schemaNode(this.#client.hosts.values(), this.settings.dataCenter);
    const options = host === null ? {} : { host };
    return await this.#attempts('open', readAttemptsMax, async () => {
      const own = await this.#client.execute('SELECT schema_version FROM system.local', [], options);
      const peers = await this.#client.execute(
        'SELECT peer, data_center, host_id, schema_version FROM system.peers',
        [],
        options,
      );
      return peersBehind(
        String(own.first()?.get('schema_version')),
        peers.rows.map((row) => {
          const version: unknown = row.get('schema_version');
          return {
            address: String(row.get('peer')),
            dataCenter: String(row.get('data_center')),
            hostId: String(row.get('host_id')),
            schemaVersion: version === null ? null : String(version),
          };
        }),
        this.#client.hosts.values(),
      );
    });
  }

  async close(): Promise<void> {
    this.#topology.close();
    await this.#client.shutdown();
  }

  async #attempts<T>(what: Work, max: number, attempt: () => Promise<T>): Promise<T> {
    const backoff = new Backoff(pause, this.#clock, this.#random);
    for (let count = 1; ; count += 1) {
      try {
        return await attempt();
      } catch (error) {
        if (!isPassing(error) || count >= max) throw failureOf(error, what, this.where);
        await backoff.wait();
      }
    }
  }
}

/** What the driver is told. */
export function clientOptions(settings: CassandraSettings): cassandra.DseClientOptions {
  const { policies } = cassandra;
  const { speculativeMs, credentials } = settings;
  return {
    contactPoints: [...settings.contactPoints],
    localDataCenter: settings.dataCenter,
    applicationName: 'journey-graph',
    monitorReporting: { enabled: false },
    // What nodes tell of each other has no port: at the driver's own one the others would never be found.
    protocolOptions: { port: portOf(settings.contactPoints) },
    encoding: { useBigIntAsLong: true, map: Map, copyBuffer: true },
    ...(credentials === null
      ? {}
      : { authProvider: new cassandra.auth.PlainTextAuthProvider(credentials.user, credentials.password) }),
    ...(settings.tls === null ? {} : { sslOptions: tlsOptions(settings.tls) }),
    socketOptions: {
      connectTimeout: connectTimeoutMs,
      readTimeout: Math.max(settings.requestTimeoutMs, handshakeTimeoutMs),
    },
    profiles: [new cassandra.ExecutionProfile('default', { readTimeout: settings.requestTimeoutMs })],
    policies: {
      // Attempts are counted here, for all kinds of failure alike.
      retry: new policies.retry.FallthroughRetryPolicy(),
      loadBalancing: new policies.loadBalancing.TokenAwarePolicy(
        new policies.loadBalancing.DCAwareRoundRobinPolicy(settings.dataCenter),
      ),
      ...(speculativeMs === 0
        ? {}
        : {
            speculativeExecution: new policies.speculativeExecution.ConstantSpeculativeExecutionPolicy(
              speculativeMs,
              1,
            ),
          }),
    },
    queryOptions: {
      consistency: consistencyOf[settings.consistency],
      serialConsistency: serialConsistencyOf(settings.consistency),
      prepare: true,
    },
  };
}

/** Of the first that has one. */
function portOf(contactPoints: readonly string[]): number {
  for (const point of contactPoints) {
    const port = /^(?:[^:]+|\[.*\]):(\d{1,5})$/.exec(point)?.[1];
    if (port !== undefined) return Number(port);
  }
  return nativePort;
}

function tlsOptions({
  certificateAuthority,
  certificate,
  key,
}: CassandraTls): Record<string, string | boolean> {
  return {
    rejectUnauthorized: true,
    ...(certificateAuthority === null ? {} : { ca: certificateAuthority }),
    ...(certificate === null ? {} : { cert: certificate }),
    ...(key === null ? {} : { key }),
  };
}
