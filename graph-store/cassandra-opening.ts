import type { Clock, Log, Random } from '../foundation/index.ts';
import type { CassandraSettings } from './cassandra-settings.ts';
import type { GraphStore } from './graph-store.ts';

/**
 * Opens the graph of a keyspace in Cassandra, and makes it when there is none. The driver is loaded only where this is called. What an operator should hear of, such as
 * one copy of everything, goes to `log`.
 *
 * @throws what `openCassandraStore` of cassandra-store.ts does.
 */
export async function openCassandraStore(
  settings: Pick<CassandraSettings, 'contactPoints' | 'dataCenter'> & Partial<CassandraSettings>,
  clock: Clock,
  random: Random,
  log: Log,
): Promise<GraphStore> {
  const adapter = await import('./cassandra-store.ts');
  return await adapter.openCassandraStore(settings, clock, random, log);
}
