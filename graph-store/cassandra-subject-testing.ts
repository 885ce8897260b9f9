import cassandra from 'cassandra-driver';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { type Clock, type Log, must, silentLog, systemClock } from '../foundation/index.ts';
import type { BeforeWrite } from './cassandra-connection.ts';
import type { CassandraSettings } from './cassandra-settings.ts';
import { openCassandraStore } from './cassandra-store.ts';
import { CassandraConsole, KeyspacePool } from './cassandra-testing.ts';
import type { GraphStore } from './graph-store.ts';

type Access = Pick<CassandraSettings, 'contactPoints' | 'dataCenter' | 'replication'>;

/** What a test sees beside the settings of a store. */
interface Surroundings {
  readonly clock?: Clock;
  readonly log?: Log;
  readonly beforeWrite?: BeforeWrite;
}

/** Pauses are short here. Not none: of three nodes one may take seconds to hear of a table, and looks at it are counted. */
const hasty: Clock = { ...systemClock, sleep: (ms) => systemClock.sleep(Math.min(ms, 10)) };

/** What a test sees of a write whose answer was lost. */
interface LostAnswer extends Required<Pick<Surroundings, 'clock' | 'beforeWrite'>> {
  readonly lost: () => number;
}

/** An empty keyspace for each test, and the stores that it opens. Registers its own hooks, so it is made inside a `describe`. */
export class KeyspaceSubject {
  readonly #services: { readonly cassandra: Access };
  #pool: KeyspacePool | null = null;
  #console: CassandraConsole | null = null;
  #keyspaces: string[] = [];
  #stores: GraphStore[] = [];
  #opened = 0;

  constructor(services: { readonly cassandra: Access }, start: string) {
    this.#services = services;
    beforeAll(() => {
      this.#pool = new KeyspacePool(services.cassandra, start);
      this.#console = new CassandraConsole(services.cassandra);
    });
    beforeEach(() => this.takeAnother());
    afterEach(async () => {
      await Promise.all(this.#stores.splice(0).map((store) => store.close()));
      for (const keyspace of this.#keyspaces.splice(0)) this.#pool?.giveBack(keyspace);
    });
    afterAll(async () => {
      await this.#console?.[Symbol.asyncDispose]();
      await this.#pool?.[Symbol.asyncDispose]();
    });
  }

  get keyspace(): string {
    return must(this.#keyspaces.at(-1), 'a test has begun');
  }

  /** All that were opened in this test. */
  get stores(): readonly GraphStore[] {
    return this.#stores;
  }

  /** The keyspace from then on. */
  async takeAnother(): Promise<void> {
    this.#keyspaces.push(await must(this.#pool, 'the suite has begun').take());
  }

  async ask(query: string, parameters: readonly unknown[] = []): Promise<readonly (readonly unknown[])[]> {
    return await must(this.#console, 'the suite has begun').ask(query, parameters);
  }

  /** The first write that names this is done, and the node dies before it has said so: it is asked again when it is there. */
  answerLost(name: string): LostAnswer {
    let done: Promise<unknown> | null = null;
    return {
      clock: { ...hasty, sleep: async () => void (await (done ?? hasty.sleep(0))) },
      beforeWrite: ([statement]) => {
        if (done !== null || statement?.query.includes(name) !== true) return;
        done = this.ask(statement.query, statement.parameters);
        throw new cassandra.errors.OperationTimedOutError('an invented end of a node');
      },
      lost: () => (done === null ? 0 : 1),
    };
  }

  settings(
    changes: Partial<CassandraSettings> = {},
  ): Access & Pick<CassandraSettings, 'keyspace'> & Partial<CassandraSettings> {
    return { ...this.#services.cassandra, keyspace: this.keyspace, ...changes };
  }

  async open(
    changes: Partial<CassandraSettings> = {},
    { clock = hasty, log = silentLog, beforeWrite }: Surroundings = {},
  ): ReturnType<typeof openCassandraStore> {
    this.#opened += 1;
    // Each process has dice of its own, by which it knows what it wrote itself.
    const dice = 0.5 + this.#opened / 100_000;
    const store = await openCassandraStore(this.settings(changes), clock, () => dice, log, beforeWrite);
    this.#stores.push(store);
    return store;
  }
}
