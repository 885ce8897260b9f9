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

/** Pauses between attempts take no time here. */
const hasty: Clock = { ...systemClock, sleep: () => systemClock.sleep(0) };

/** An empty keyspace for each test, and the stores that it opens. Registers its own hooks, so it is made inside a `describe`. */
export class KeyspaceSubject {
  readonly #services: { readonly cassandra: Access };
  #pool: KeyspacePool | null = null;
  #console: CassandraConsole | null = null;
  #keyspaces: string[] = [];
  #stores: GraphStore[] = [];

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

  async ask(query: string): Promise<readonly (readonly unknown[])[]> {
    return await must(this.#console, 'the suite has begun').ask(query);
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
    const store = await openCassandraStore(this.settings(changes), clock, () => 0.5, log, beforeWrite);
    this.#stores.push(store);
    return store;
  }
}
