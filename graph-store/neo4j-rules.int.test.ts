import { afterAll, expect, it, vi } from 'vitest';
import { systemClock } from '../foundation/index.ts';
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

  it('is swept again from where it was when times to live change while the sweep looks', async () => {
    // What is known of the rules stays a moment old, however long this takes.
    vi.useFakeTimers({ toFake: ['performance'] });
    const settings = { ...services.neo4j, namespace: `${start}again` };
    const store = await openNeo4jStore(settings, systemClock, () => 0.5);
    try {
      await store.setTimeToLive({ nodes: { Account: 10 }, edges: {} });
      const longer = { nodes: { Account: 20 }, edges: {} };
      const [swept] = await Promise.all([store.sweep(null, 100), store.setTimeToLive(longer)]);
      expect(swept).toEqual({ scanned: 0, removed: 0, next: null, again: true });
      expect(await store.sweep(null, 100)).toEqual({ scanned: 0, removed: 0, next: null });
    } finally {
      vi.useRealTimers();
      await store.close();
    }
  });
});
