import neo4j, { type Driver } from 'neo4j-driver';
import { readTestEnvironment } from '../../test/services/environment.ts';
import { findJavaTools } from '../../test/services/java-tools.ts';
import { type Neo4jServer, startNeo4jWith } from '../../test/services/neo4j.ts';
import { ServiceError } from '../../test/services/service-error.ts';
import type { PlaybackFact } from '../ingest/playback-facts.ts';
import { distinctBy, folderBytes, type Rival } from './rival.ts';

/** More than we allow ourselves. */
const memory = { heapMiB: 3072, pageCacheMiB: 3072 } as const;

/**
 * What a batch of Neo4j's own Kafka connector does with its Cypher strategy (UNWIND, MERGE), but each node and each pair once, which took a fifth
 * less time than one statement for all. One relationship an event is its step and its occurrence in one, the leanest model that can
 * answer what we answer; constraints give every MERGE of a node an index.
 */
const statements = {
  accounts: 'UNWIND $rows AS id MERGE (:Account {id: id})',
  titles: 'UNWIND $rows AS r MERGE (t:Title {id: r.title}) SET t.name = r.titleName, t.kind = r.titleKind',
  devices: 'UNWIND $rows AS id MERGE (:Device {id: id})',
  watched: `
    UNWIND $rows AS r MATCH (a:Account {id: r.account}) MATCH (t:Title {id: r.title})
    MERGE (a)-[w:WATCHED {event: r.event}]->(t)
      ON CREATE SET w.atMs = r.atMs, w.seconds = r.seconds, w.completion = r.completion, w.reason = r.reason`,
  used: `
    UNWIND $rows AS r MATCH (a:Account {id: r.account}) MATCH (d:Device {id: r.device})
    MERGE (a)-[u:USED]->(d)
      ON CREATE SET u.count = r.count, u.lastMs = r.atMs ON MATCH SET u.count = u.count + r.count, u.lastMs = r.atMs`,
} as const;

export class Neo4jRival implements Rival {
  readonly name = 'neo4j';
  readonly plans = [
    { eventsPerBatch: 1000, sessions: 1 },
    { eventsPerBatch: 5000, sessions: 1 },
    { eventsPerBatch: 20_000, sessions: 1 },
    { eventsPerBatch: 5000, sessions: 2 },
  ];
  readonly #server: Neo4jServer;
  readonly #driver: Driver;

  private constructor(server: Neo4jServer, driver: Driver) {
    this.#server = server;
    this.#driver = driver;
  }

  /** @throws {ServiceError} without Java and Maven. */
  static async start(): Promise<Neo4jRival> {
    const environment = readTestEnvironment(process.env);
    const java = await findJavaTools(environment);
    if (!java.found) throw new ServiceError(`Cannot start Neo4j: it needs ${java.lacking}.`);
    const server = await startNeo4jWith(java.tools, environment.cacheDirectory, { memory });
    const driver = neo4j.driver(server.uri, undefined, { disableLosslessIntegers: true });
    for (const label of ['Account', 'Title', 'Device']) {
      await driver.executeQuery(`CREATE CONSTRAINT FOR (n:${label}) REQUIRE n.id IS UNIQUE`);
    }
    return new Neo4jRival(server, driver);
  }

  /** For queries. */
  get driver(): Driver {
    return this.#driver;
  }

  /** Sorted by key, so that two sessions rarely wait for each other in a circle; the driver runs the loser of one again. */
  async load(facts: readonly PlaybackFact[]): Promise<void> {
    const rows = facts
      .toSorted((a, b) => compare(a.title, b.title))
      .map((fact) => ({ ...fact, atMs: neo4j.int(fact.atMs) }));
    const uses = new Map<string, { account: string; device: string; count: number; atMs: unknown }>();
    for (const { device, account, atMs } of rows) {
      const count = (uses.get(device)?.count ?? 0) + 1;
      uses.set(device, { account, device, count, atMs });
    }
    const used = [...uses.values()].sort((a, b) => compare(a.device, b.device));
    const session = this.#driver.session();
    try {
      await session.executeWrite(async (transaction) => {
        const run = async (name: keyof typeof statements, values: readonly unknown[]): Promise<void> => {
          await transaction.run(statements[name], { rows: values });
        };
        await run('accounts', [...new Set(rows.map(({ account }) => account))].sort(compare));
        await run(
          'titles',
          distinctBy(rows, ({ title }) => title).map(({ title, titleName, titleKind }) => ({
            title,
            titleName,
            titleKind,
          })),
        );
        await run(
          'devices',
          used.map(({ device }) => device),
        );
        await run('watched', rows);
        await run('used', used);
      });
    } finally {
      await session.close();
    }
  }

  async countEvents(): Promise<number> {
    const { records } = await this.#driver.executeQuery('MATCH ()-[w:WATCHED]->() RETURN count(w) AS events');
    return Number(records[0]?.get('events'));
  }

  diskBytes(): Promise<number> {
    return folderBytes(this.#server.home);
  }

  async close(): Promise<void> {
    await this.#driver.close();
    await this.#server.dispose();
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
