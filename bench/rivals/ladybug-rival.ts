import { Connection, Database, type LbugValue, type PreparedStatement } from '@ladybugdb/core';
import type { PlaybackFact } from '../ingest/playback-facts.ts';
import { folderBytes, type Rival } from './rival.ts';

const schema = [
  'CREATE NODE TABLE Account(id STRING PRIMARY KEY)',
  'CREATE NODE TABLE Title(id STRING PRIMARY KEY, name STRING, kind STRING)',
  'CREATE NODE TABLE Device(id STRING PRIMARY KEY)',
  'CREATE REL TABLE WATCHED(FROM Account TO Title, event STRING, atMs INT64, seconds INT64, completion DOUBLE, reason STRING)',
  'CREATE REL TABLE USED(FROM Account TO Device)',
];

/**
 * One relationship an event is its step and its occurrence in one. One statement for all: nodes first and relationships by MATCH took ten
 * times as long. USED has no count: setting one on an edge that the same transaction made ends the whole process with a failed
 * assertion (version 0.19.1).
 */
const mergeBatch = `
  UNWIND $rows AS r
  MERGE (a:Account {id: r.account})
  MERGE (t:Title {id: r.title}) SET t.name = r.titleName, t.kind = r.titleKind
  MERGE (d:Device {id: r.device})
  MERGE (a)-[:WATCHED {event: r.event, atMs: r.atMs, seconds: r.seconds, completion: r.percent / 100.0, reason: r.reason}]->(t)
  MERGE (a)-[:USED]->(d)`;

export class LadybugRival implements Rival {
  readonly name = 'ladybug';
  readonly plans = [
    { eventsPerBatch: 500, sessions: 1 },
    { eventsPerBatch: 2000, sessions: 1 },
    { eventsPerBatch: 5000, sessions: 1 },
  ];
  readonly #folder: string;
  readonly #database: Database;
  readonly #connection: Connection;
  readonly #merge: PreparedStatement;

  private constructor(folder: string, database: Database, connection: Connection, merge: PreparedStatement) {
    this.#folder = folder;
    this.#database = database;
    this.#connection = connection;
    this.#merge = merge;
  }

  /** `folder` must be empty. */
  static async start(folder: string): Promise<LadybugRival> {
    const database = new Database(`${folder}/ladybug`);
    const connection = new Connection(database);
    for (const statement of schema) await run(connection, statement);
    const merge = await connection.prepare(mergeBatch);
    if (!merge.isSuccess()) throw new Error(merge.getErrorMessage());
    return new LadybugRival(folder, database, connection, merge);
  }

  async load(facts: readonly PlaybackFact[]): Promise<void> {
    // A list's numbers must be of one kind, and 0 is taken for an integer.
    const rows: LbugValue[] = facts.map(({ completion, ...fact }) => ({
      ...fact,
      percent: Math.round(completion * 100),
    }));
    const answer = await this.#connection.execute(this.#merge, { rows });
    for (const result of Array.isArray(answer) ? answer : [answer]) result.close();
  }

  async countEvents(): Promise<number> {
    const [row] = await run(
      this.#connection,
      'MATCH (:Account)-[w:WATCHED]->(:Title) RETURN count(*) AS events',
    );
    return Number(row?.events);
  }

  diskBytes(): Promise<number> {
    return folderBytes(this.#folder);
  }

  async close(): Promise<void> {
    await this.#connection.close();
    await this.#database.close();
  }
}

async function run(connection: Connection, statement: string): Promise<Record<string, LbugValue>[]> {
  const answer = await connection.query(statement);
  const results = Array.isArray(answer) ? answer : [answer];
  const rows: Record<string, LbugValue>[] = [];
  for (const result of results) {
    rows.push(...(await result.getAll()));
    result.close();
  }
  return rows;
}
