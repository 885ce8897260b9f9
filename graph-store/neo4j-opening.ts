import type { Clock, Random } from '../foundation/index.ts';
import type { GraphStore } from './graph-store.ts';
import type { Neo4jSettings } from './neo4j-settings.ts';

/**
 * Opens the graph of a namespace in Neo4j, and makes it when there is none. The driver is a sixth of all files that a start would
 * read: loaded only where this is called.
 *
 * @throws what `openNeo4jStore` of neo4j-store.ts does.
 */
export async function openNeo4jStore(
  settings: Pick<Neo4jSettings, 'uri'> & Partial<Neo4jSettings>,
  clock: Clock,
  random: Random,
): Promise<GraphStore> {
  const adapter = await import('./neo4j-store.ts');
  return await adapter.openNeo4jStore(settings, clock, random);
}
