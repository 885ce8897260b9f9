import { join } from 'node:path';
import type { Settings } from '../config/index.ts';
import { must } from '../foundation/index.ts';
import { type EmbeddedStore, type GraphStore, openLevelStore, openNeo4jStore } from '../graph-store/index.ts';
import type { CommandIo } from './command-io.ts';

/** Only the embedded store can be inspected: of Neo4j its own tools tell. */
export async function openStore(
  settings: Settings,
  io: CommandIo,
): Promise<{ readonly store: GraphStore; readonly embeddedStore: EmbeddedStore | null }> {
  if (settings.store === 'neo4j') return { store: await openNeo4j(settings, io), embeddedStore: null };
  const store = await openEmbeddedStore(settings, io);
  return { store, embeddedStore: store };
}

function openEmbeddedStore(settings: Settings, io: CommandIo): Promise<EmbeddedStore> {
  return openLevelStore(
    {
      folder: join(settings.data, 'store'),
      nodeCacheBytes: settings['store.node.cache.bytes'],
      blockCacheBytes: settings['store.block.cache.bytes'],
      writeBufferBytes: settings['store.write.buffer.bytes'],
      tableBytesMax: settings['store.table.bytes.max'],
      compression: settings['store.compression'],
      windowBytesMax: settings['store.window.bytes.max'],
      windowEventsMax: settings['store.window.events.max'],
      windowMs: settings['store.window.ms'],
      maxOpenFiles: settings['store.open.files.max'],
      headCacheBytes: settings['store.head.cache.bytes'],
    },
    io.clock,
  );
}

function openNeo4j(settings: Settings, io: CommandIo): Promise<GraphStore> {
  const password = settings['neo4j.password'];
  const limits = {
    connectionsMax: settings['neo4j.connections.max'],
    groupEventsMax: settings['neo4j.group.events.max'],
    transactionTimeoutMs: settings['neo4j.transaction.timeout.ms'],
  };
  return openNeo4jStore(
    {
      uri: must(settings['neo4j.uri'], 'settings with this store have an address'),
      credentials: password === null ? null : { user: settings['neo4j.user'], password },
      database: settings['neo4j.database'],
      namespace: settings['neo4j.namespace'],
      ...limits,
    },
    io.clock,
    io.random,
  );
}
