import neo4j, {
  type Config,
  type Driver,
  type Record as Row,
  type Session,
  type Transaction,
} from 'neo4j-driver';
import { Backoff, type Clock, type Random } from '../foundation/index.ts';
import { CommitGate } from './neo4j-commit-gate.ts';
import { failureOf, isPassing } from './neo4j-failure.ts';
import type { Neo4jSettings } from './neo4j-settings.ts';
import type { Parameter } from './neo4j-values.ts';

/** Deadlocks, a new leader, a cut connection: tried again so often, then it is an outage, which the caller waits out. */
const writeAttemptsMax = 8;
const readAttemptsMax = 3;
const pause = { baseMs: 20, maxMs: 2_000 };
const connectTimeoutMs = 5_000;
/** Waiting for a free connection: all of them are in use. */
const acquireTimeoutMs = 30_000;
/** Rows that the driver asks for at once. */
const fetchRows = 1_000;

export type Rows = readonly Row[];

/** One transaction: queries and their answers. What is run without waiting between travels together and is done in that order. */
export class Queries {
  readonly #transaction: Transaction;

  constructor(transaction: Transaction) {
    this.#transaction = transaction;
  }

  async run(query: string, parameters: Readonly<Record<string, Parameter>> = {}): Promise<Rows> {
    return (await this.#transaction.run(query, parameters)).records;
  }
}

type Work<T> = (queries: Queries) => Promise<T>;
/** `mayBeDone`: a former attempt failed in its commit, so what it wrote may be there. */
type WriteWork<T> = (queries: Queries, mayBeDone: boolean) => Promise<T>;

/** The driver behind bounded retries and errors of our own. */
export class Neo4jConnection {
  readonly settings: Neo4jSettings;
  readonly #driver: Driver;
  readonly #clock: Clock;
  readonly #random: Random;
  /** In a cluster a read sees what this process wrote before. */
  readonly #bookmarkManager = neo4j.bookmarkManager();

  readonly #gate = new CommitGate();

  /** Opens no connection yet. */
  constructor(settings: Neo4jSettings, clock: Clock, random: Random) {
    this.settings = settings;
    this.#clock = clock;
    this.#random = random;
    this.#driver = driverOf(settings, { notificationFilter: { minimumSeverityLevel: 'OFF' } });
  }

  /** What the server calls itself, such as `Neo4j/5.26.0`; null when it does not say. */
  async serverAgent(): Promise<string | null> {
    const { database } = this.settings;
    // A server that is too old fails at the filter of notifications, before it has said what it is.
    const driver = driverOf(this.settings, {});
    try {
      return await this.#attempts('open', readAttemptsMax, async () => {
        const server = await driver.getServerInfo(database === null ? {} : { database });
        return server.agent ?? null;
      });
    } finally {
      await driver.close();
    }
  }

  /** Sees whole transactions of this process. */
  async read<T>(work: Work<T>): Promise<T> {
    const { transactionTimeoutMs } = this.settings;
    return await this.#attempts('read', readAttemptsMax, () =>
      this.#gate.read(() => this.#transaction('READ', transactionTimeoutMs, work, (commit) => commit())),
    );
  }

  /**
   * Waits for no commit and makes none wait, hence may see a part of one: for what reads long and looks at everything again behind locks
   * before it acts. At the gate one long read would hold up all commits, and behind the first of these all later reads.
   */
  async readBesideCommits<T>(work: Work<T>): Promise<T> {
    const { transactionTimeoutMs } = this.settings;
    return await this.#attempts('read', readAttemptsMax, () =>
      this.#transaction('READ', transactionTimeoutMs, work, (commit) => commit()),
    );
  }

  /** `work` may run several times. Null for `timeoutMs`: no bound, for what reads everything. */
  async write<T>(
    work: WriteWork<T>,
    timeoutMs: number | null = this.settings.transactionTimeoutMs,
  ): Promise<T> {
    let mayBeDone = false;
    return await this.#attempts('write', writeAttemptsMax, () =>
      this.#transaction(
        'WRITE',
        timeoutMs,
        (queries) => work(queries, mayBeDone),
        (commit) => {
          mayBeDone = true;
          return this.#gate.commit(commit);
        },
      ),
    );
  }

  /** Of the schema, which Neo4j changes in transactions without data only. */
  async change(query: string): Promise<void> {
    await this.#attempts('schema', writeAttemptsMax, async () => {
      const session = this.#session('WRITE');
      try {
        await session.run(query);
      } finally {
        await session.close();
      }
    });
  }

  async close(): Promise<void> {
    await this.#driver.close();
  }

  async #attempts<T>(
    what: Parameters<typeof failureOf>[1],
    max: number,
    attempt: () => Promise<T>,
  ): Promise<T> {
    const backoff = new Backoff(pause, this.#clock, this.#random);
    for (let count = 1; ; count += 1) {
      try {
        return await attempt();
      } catch (error) {
        if (!isPassing(error) || count >= max) throw failureOf(error, what, this.settings.uri);
        await backoff.wait();
      }
    }
  }

  async #transaction<T>(
    mode: 'READ' | 'WRITE',
    timeoutMs: number | null,
    work: Work<T>,
    commit: (commit: () => Promise<void>) => Promise<void>,
  ): Promise<T> {
    const session = this.#session(mode);
    try {
      // Not awaited: its begin travels with the first query.
      // Without a bound of ours the server's would hold, whereas 0 is none at all.
      const transaction = session.beginTransaction({ timeout: timeoutMs ?? 0 });
      try {
        const result = await work(new Queries(transaction));
        await commit(() => transaction.commit());
        return result;
      } catch (error) {
        await rolledBack(transaction);
        throw error;
      }
    } finally {
      await session.close();
    }
  }

  #session(mode: 'READ' | 'WRITE'): Session {
    const { database } = this.settings;
    return this.#driver.session({
      defaultAccessMode: mode,
      bookmarkManager: this.#bookmarkManager,
      ...(database === null ? {} : { database }),
    });
  }
}

function driverOf(
  { uri, credentials, connectionsMax }: Neo4jSettings,
  { notificationFilter }: Pick<Config, 'notificationFilter'>,
): Driver {
  const token = credentials === null ? undefined : neo4j.auth.basic(credentials.user, credentials.password);
  return neo4j.driver(uri, token, {
    useBigInt: true,
    maxConnectionPoolSize: connectionsMax,
    connectionTimeout: connectTimeoutMs,
    connectionAcquisitionTimeout: acquireTimeoutMs,
    maxTransactionRetryTime: 0,
    fetchSize: fetchRows,
    userAgent: 'journey-graph',
    ...(notificationFilter === undefined ? {} : { notificationFilter }),
  });
}

async function rolledBack(transaction: Transaction): Promise<void> {
  if (!transaction.isOpen()) return;
  try {
    await transaction.rollback();
  } catch {
    // The connection is gone: the server rolls back what it left. What failed first is what the caller hears.
  }
}
