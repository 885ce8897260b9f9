import { afterAll } from 'vitest';
import { describeWith } from '../test/services/index.ts';
import { openNeo4jStore } from './neo4j-store.ts';
import { removeNamespaces } from './neo4j-testing.ts';
import { describeSharedRules } from './shared-rules-testing.ts';

const start = `rules-${process.pid}-`;

describeWith('neo4j')('A graph in Neo4j', (services) => {
  let graph = 0;
  afterAll(() => removeNamespaces(services.neo4j, start));

  describeSharedRules(
    (clock) => openNeo4jStore({ ...services.neo4j, namespace: `${start}${graph}` }, clock, () => 0.5),
    async () => {
      graph += 1;
    },
  );
});
