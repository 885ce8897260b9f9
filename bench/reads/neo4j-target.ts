import neo4j, { type Driver } from 'neo4j-driver';
import { accountId, titleId } from '../ingest/playback-events.ts';
import {
  hop3Share,
  limits,
  type ReadCost,
  type ReadData,
  type ReadName,
  type ReadTarget,
} from './read-target.ts';

/** A node's relationships have no order, and no index of Neo4j gives them one for a node: the latest are found by reading all. */
const queries: Readonly<Record<Exclude<ReadName, 'hop3wide'>, string>> = {
  latest20: `
    MATCH (:Account {id: $id})-[w:WATCHED]->(t)
    RETURN w.atMs, w.event, t.id, t.name, w.seconds, w.completion, w.reason ORDER BY w.atMs DESC LIMIT ${limits.steps}`,
  hop1: `
    MATCH (:Title {id: $id})<-[w:WATCHED]-(a)
    WITH a, w ORDER BY w.atMs DESC LIMIT ${limits.hop1Edges} RETURN a.id, w.atMs, w.seconds, w.completion`,
  hop2: `
    MATCH (:Title {id: $id})<-[w:WATCHED]-(a) WITH a, w ORDER BY w.atMs DESC LIMIT ${limits.hop2Edges}
    WITH DISTINCT a
    CALL (a) { MATCH (a)-[w:WATCHED]->(t) RETURN t, w.atMs AS atMs ORDER BY atMs DESC LIMIT ${limits.hop2Edges} }
    RETURN a.id, t.id, atMs`,
  hop3: `
    MATCH (:Account {id: $id})-[w:WATCHED]->(one) WHERE w.atMs >= $since
    WITH one, w ORDER BY w.atMs DESC LIMIT ${limits.hop3Edges}
    WITH DISTINCT one
    CALL (one) {
      MATCH (one)<-[w:WATCHED]-(two) WHERE w.atMs >= $since RETURN two ORDER BY w.atMs DESC LIMIT ${hop3Share}
    }
    WITH two LIMIT ${limits.hop3Edges}
    WITH DISTINCT two
    CALL (two) {
      MATCH (two)-[w:WATCHED]->(three) WHERE w.atMs >= $since
      RETURN three, w.atMs AS atMs ORDER BY atMs DESC LIMIT ${hop3Share}
    }
    RETURN two.id, three.id, atMs LIMIT ${limits.hop3Edges}`,
  degree: 'MATCH (t:Title {id: $id}) RETURN count{(t)<-[:WATCHED]-()} AS count',
};

export class Neo4jTarget implements ReadTarget {
  readonly name = 'neo4j';
  readonly answers = ['latest20', 'hop1', 'hop2', 'hop3', 'degree'] as const;
  readonly #driver: Driver;
  readonly #sinceMs: number;

  constructor(driver: Driver, { nowMs }: ReadData) {
    this.#driver = driver;
    this.#sinceMs = nowMs - limits.lookbackMs;
  }

  async read(name: ReadName, subject: number): Promise<ReadCost> {
    if (name === 'hop3wide') throw new Error('hop3wide is asked of our store only');
    const id = name === 'latest20' || name === 'hop3' ? accountId(subject) : titleId(subject);
    const session = this.#driver.session({ defaultAccessMode: neo4j.session.READ });
    try {
      const { records } = await session.run(queries[name], { id, since: neo4j.int(this.#sinceMs) });
      const found = name === 'degree' ? Number(records[0]?.get('count')) : records.length;
      return { found, reads: 1, scanned: 0 };
    } finally {
      await session.close();
    }
  }
}
