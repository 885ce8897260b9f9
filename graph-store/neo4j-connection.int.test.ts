import neo4j from 'neo4j-driver';
import { afterAll, describe, expect, it } from 'vitest';
import { systemClock } from '../foundation/index.ts';
import { describeWith } from '../test/services/index.ts';
import { Neo4jConnection } from './neo4j-connection.ts';
import { defaultNeo4jSettings } from './neo4j-settings.ts';
import { ask, removeNamespaces } from './neo4j-testing.ts';

const start = `connection-${process.pid}-`;

describeWith('neo4j')('A connection to Neo4j', (services) => {
  afterAll(() => removeNamespaces(services.neo4j, start));

  describe('read beside commits', () => {
    it('lets commits and other reads of its process end while it goes on', async () => {
      const settings = { ...defaultNeo4jSettings, ...services.neo4j };
      const connection = new Neo4jConnection(settings, systemClock, () => 0.5);
      const key = `${start}read`;
      const count = 'MATCH (s:JgStore {jgKey: $key}) RETURN count(s) AS times';
      const seen = await connection.readBesideCommits(async (queries) => {
        await queries.run('RETURN 1');
        await connection.write((writing) => writing.run('CREATE (:JgStore {jgKey: $key})', { key }));
        const [row] = await connection.read((reading) => reading.run(count, { key }));
        return row?.get('times');
      });
      expect(seen).toBe(1n);
      await connection.close();
    });
  });

  describe('and a person at a console', () => {
    it('remove a graph by the command of docs/neo4j.md', async () => {
      const { uri, credentials } = services.neo4j;
      await ask(services.neo4j, 'UNWIND range(1, 3) AS i CREATE (:JgStep {jgKey: $key + i})', {
        key: `${start}remove/`,
      });
      const token =
        credentials === null ? undefined : neo4j.auth.basic(credentials.user, credentials.password);
      const driver = neo4j.driver(uri, token);
      const session = driver.session();
      const { summary } = await session.run(
        `MATCH (n:JgNode|JgStep|JgEdgeTombstone|JgPosition|JgOrigin|JgStore) WHERE n.jgKey STARTS WITH '${start}remove/' CALL { WITH n DETACH DELETE n } IN TRANSACTIONS`,
      );
      expect(summary.counters.updates().nodesDeleted).toBe(3);
      await session.close();
      await driver.close();
    });
  });
});
