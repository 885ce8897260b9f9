import { afterAll, beforeAll } from 'vitest';
import { type Clock, must, OutageError } from '../foundation/index.ts';
import { describeWith } from '../test/services/index.ts';
import type { Statement } from './cassandra-connection.ts';
import { openCassandraStore } from './cassandra-store.ts';
import { KeyspacePool } from './cassandra-testing.ts';
import { describeGraphStore } from './conformance.ts';
import type { GraphStore } from './graph-store.ts';

/** How many statements the next write lets through; null for all. */
interface Tear {
  left: number | null;
}

const keyspaces = new WeakMap<GraphStore, string>();
const tears = new WeakMap<GraphStore, Tear>();
const known = <T>(value: T | undefined): T => must(value, 'the harness opened this store');

/** Once, at latest when the position is to move: what of the batch came before, or is under way beside it, is there. */
function tearWrite(tear: Tear, statements: readonly Statement[]): void {
  if (tear.left === null) return;
  tear.left -= statements.length;
  if (tear.left >= 0 && !statements.some(({ query }) => query.includes('.positions '))) return;
  tear.left = null;
  throw new OutageError('STORE_WRITE_FAILED', 'an invented failure');
}

describeWith('cassandra')('Cassandra', (services) => {
  let pool: KeyspacePool | null = null;
  beforeAll(() => {
    pool = new KeyspacePool(services.cassandra, 'conformance');
  });
  afterAll(() => pool?.[Symbol.asyncDispose]());

  const openIn = async (keyspace: string, clock: Clock): Promise<GraphStore> => {
    const tear: Tear = { left: null };
    const store = await openCassandraStore(
      // One node is remembered: of all others the database alone decides which write is the newest.
      { ...services.cassandra, keyspace, nodeCacheEntriesMax: 1 },
      clock,
      () => 0.5,
      undefined,
      (statements) => tearWrite(tear, statements),
    );
    keyspaces.set(store, keyspace);
    tears.set(store, tear);
    return store;
  };

  describeGraphStore('The Cassandra store', {
    open: async (clock) => await openIn(await must(pool, 'the suite has begun').take(), clock),
    reopen: async (store, clock) => {
      await store.close();
      return await openIn(known(keyspaces.get(store)), clock);
    },
    dispose: async (store) => {
      await store.close();
      pool?.giveBack(known(keyspaces.get(store)));
    },
    propertyRuns: 3,
    sweepRuns: 2,
    // Three nodes on one busy machine.
    propertyTimeoutMs: 180_000,
    guarantee: 'idempotent',
    tearNext: (store, mutations) => {
      known(tears.get(store)).left = mutations;
    },
  });
});
