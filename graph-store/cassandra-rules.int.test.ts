import { afterAll, beforeAll } from 'vitest';
import { must } from '../foundation/index.ts';
import { describeWith } from '../test/services/index.ts';
import { openCassandraStore } from './cassandra-store.ts';
import { KeyspacePool } from './cassandra-testing.ts';
import { describeSharedRules } from './shared-rules-testing.ts';

describeWith('cassandra')('A graph in Cassandra', (services) => {
  let pool: KeyspacePool | null = null;
  let taken: Promise<string> | null = null;
  beforeAll(() => {
    pool = new KeyspacePool(services.cassandra, 'rules');
  });
  afterAll(() => pool?.[Symbol.asyncDispose]());

  describeSharedRules(
    async (clock) => {
      taken ??= must(pool, 'the suite has begun').take();
      return await openCassandraStore({ ...services.cassandra, keyspace: await taken }, clock, () => 0.5);
    },
    async () => {
      pool?.giveBack(await must(taken, 'a store was opened'));
      taken = null;
    },
  );
});
