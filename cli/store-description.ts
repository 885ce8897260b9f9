import { join } from 'node:path';
import type { Settings } from '../config/index.ts';

/** What a person reads of where the graph is. */
export function storeDescription(settings: Settings): string {
  if (settings.store === 'leveldb') return join(settings.data, 'store');
  if (settings.store === 'neo4j')
    return `Neo4j at ${settings['neo4j.uri']}, namespace ${settings['neo4j.namespace']}`;
  return String(settings.store);
}
