import { afterAll } from 'vitest';
import { type Clock, must } from '../foundation/index.ts';
import { describeWith } from '../test/services/index.ts';
import { describeGraphStore } from './conformance.ts';
import type { GraphStore } from './graph-store.ts';
import { openNeo4jStore } from './neo4j-store.ts';
import { removeNamespaces } from './neo4j-testing.ts';

/** Each store has a namespace of its own in the one database that a Community server has. */
const namespaces = new WeakMap<GraphStore, string>();
const start = `conformance-${process.pid}-`;
let opened = 0;

describeWith('neo4j')('Neo4j', (services) => {
  const openIn = async (namespace: string, clock: Clock): Promise<GraphStore> => {
    const store = await openNeo4jStore({ ...services.neo4j, namespace }, clock, () => 0.5);
    namespaces.set(store, namespace);
    return store;
  };

  afterAll(() => removeNamespaces(services.neo4j, start));

  describeGraphStore('The Neo4j store', {
    open: (clock) => {
      opened += 1;
      return openIn(`${start}${opened}`, clock);
    },
    reopen: async (store, clock) => {
      await store.close();
      return await openIn(must(namespaces.get(store), 'the harness opened this store'), clock);
    },
    dispose: (store) => store.close(),
    propertyRuns: 3,
    sweepRuns: 2,
  });
});
