import { readFile } from 'node:fs/promises';
import type { Settings } from '../config/index.ts';
import { type Log, must, RefusedError, StopError } from '../foundation/index.ts';
import {
  type CassandraSettings,
  type EmbeddedStore,
  type GraphStore,
  openCassandraStore,
  openLevelStore,
  openNeo4jStore,
  SwitchableStore,
  type TimeToLive,
} from '../graph-store/index.ts';
import type { CommandIo } from './command-io.ts';
import { firstGraph, GraphFolders } from './graph-folders.ts';
import { namingHolder, whenUnlocked } from './store-lock.ts';

/**
 * Throws StopError GRAPH_MISSING: a live graph that has gone is not begun anew, as if it had never had anything.
 *
 * Only the embedded store can be inspected: of a database server its own tools tell. `resume` is the id of a graph whose restoring into a shared
 * store may go on.
 */
export async function openStore(
  settings: Settings,
  io: CommandIo,
  log: Log,
  resume: string | null = null,
): Promise<{ readonly store: GraphStore; readonly embeddedStore: SwitchableStore | null }> {
  if (settings.store === 'neo4j')
    return { store: await openNeo4j(settings, io, resume), embeddedStore: null };
  if (settings.store === 'cassandra') {
    return { store: await openCassandra(settings, io, log, resume), embeddedStore: null };
  }
  const folders = new GraphFolders(settings.data);
  const { live } = await folders.pointer();
  if (live !== firstGraph && !folders.isThere(live)) throw liveMissing(live, folders.folderOf(live));
  const folder = folders.folderOf(live);
  const opened = await namingHolder(folder, () => openEmbeddedStore(settings, folder, io));
  const store = new SwitchableStore(opened);
  return { store, embeddedStore: store };
}

/** The first graph is made where there is none; another one was there when it became the live one. */
function liveMissing(name: string, folder: string): StopError {
  return new StopError(
    'GRAPH_MISSING',
    `The live graph ${name} is not in ${folder}: restore that folder with the rest of the data folder, or a snapshot by \`jg store restore\`; or name another graph in graph.json.`,
  );
}

/**
 * A graph beside the live one, made when it is missing: what a replay into a shadow writes to. It keeps its types as long as `rules` say, those of the live one:
 * else the two would differ by what is hidden. Its caller closes it.
 *
 * @throws RefusedError GRAPH_NAME_INVALID, GRAPH_IN_FORCE; StopError STORE_LOCKED while somebody else has it open.
 */
export async function openShadow(
  settings: Settings,
  name: string,
  rules: TimeToLive,
  io: CommandIo,
): Promise<EmbeddedStore> {
  const folders = new GraphFolders(settings.data);
  if ((await folders.pointer()).live === name) {
    throw new RefusedError('GRAPH_IN_FORCE', `${name} is the live graph: name another one for a shadow.`);
  }
  const folder = await folders.make(name);
  // A list of the graphs has each open for a moment.
  const store = await whenUnlocked(folder, () => openEmbeddedStore(settings, folder, io), io);
  try {
    await store.setTimeToLive(rules);
    return store;
  } catch (error) {
    await store.close();
    throw error;
  }
}

export function openEmbeddedStore(settings: Settings, folder: string, io: CommandIo): Promise<EmbeddedStore> {
  return openLevelStore(
    {
      folder,
      nodeCacheBytes: settings['store.node.cache.bytes'],
      blockCacheBytes: settings['store.block.cache.bytes'],
      writeBufferBytes: settings['store.write.buffer.bytes'],
      tableBytesMax: settings['store.table.bytes.max'],
      compression: settings['store.compression'],
      windowBytesMax: settings['store.window.bytes.max'],
      windowEventsMax: settings['store.window.events.max'],
      windowMs: settings['store.window.ms'],
      maxOpenFiles: settings['store.open.files.max'],
      stretchBytes: settings['store.stretch.bytes'],
      headCacheBytes: settings['store.head.cache.bytes'],
    },
    io.clock,
  );
}

function openNeo4j(settings: Settings, io: CommandIo, resume: string | null): Promise<GraphStore> {
  const password = settings['neo4j.password'];
  const limits = {
    connectionsMax: settings['neo4j.connections.max'],
    groupEventsMax: settings['neo4j.group.events.max'],
    windowMs: settings['store.window.ms'],
    transactionTimeoutMs: settings['neo4j.transaction.timeout.ms'],
  };
  return openNeo4jStore(
    {
      uri: must(settings['neo4j.uri'], 'settings with this store have an address'),
      credentials: password === null ? null : { user: settings['neo4j.user'], password },
      database: settings['neo4j.database'],
      namespace: settings['neo4j.namespace'],
      resume,
      ...limits,
    },
    io.clock,
    io.random,
  );
}

async function openCassandra(
  settings: Settings,
  io: CommandIo,
  log: Log,
  resume: string | null,
): Promise<GraphStore> {
  const password = settings['cassandra.password'];
  const points = must(settings['cassandra.contact.points'], 'settings with this store have an address');
  return await openCassandraStore(
    {
      contactPoints: points.split(',').map((point) => point.trim()),
      dataCenter: settings['cassandra.datacenter'],
      keyspace: settings['cassandra.keyspace'],
      credentials: password === null ? null : { user: settings['cassandra.user'], password },
      tls: await cassandraTls(settings),
      consistency: settings['cassandra.consistency'],
      replication: settings['cassandra.replication'],
      requestsMax: settings['cassandra.requests.max'],
      requestTimeoutMs: settings['cassandra.request.timeout.ms'],
      speculativeMs: settings['cassandra.speculative.ms'],
      groupEventsMax: settings['cassandra.group.events.max'],
      windowMs: settings['store.window.ms'],
      bucketRowsMax: settings['cassandra.bucket.rows.max'],
      nodeCacheEntriesMax: settings['cassandra.node.cache.entries.max'],
      resume,
      tables: {
        edgeCompaction: settings['cassandra.edge.compaction'],
        stepCompaction: settings['cassandra.step.compaction'],
        nodeCompaction: settings['cassandra.node.compaction'],
        edgeTtlSeconds: Math.ceil(settings['cassandra.edge.ttl.ms'] / 1_000),
        stepTtlSeconds: Math.ceil(settings['cassandra.step.ttl.ms'] / 1_000),
        gcGraceSeconds: Math.ceil(settings['cassandra.gc.grace.ms'] / 1_000),
      },
    },
    io.clock,
    io.random,
    log,
  );
}

async function cassandraTls(settings: Settings): Promise<CassandraSettings['tls']> {
  if (!settings['cassandra.tls']) return null;
  return {
    certificateAuthority: await pemIn('cassandra.tls.ca.location', settings['cassandra.tls.ca.location']),
    certificate: await pemIn(
      'cassandra.tls.certificate.location',
      settings['cassandra.tls.certificate.location'],
    ),
    key: await pemIn('cassandra.tls.key.location', settings['cassandra.tls.key.location']),
  };
}

async function pemIn(name: string, file: string | null): Promise<string | null> {
  if (file === null) return null;
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new StopError(
      'TLS_FILE_UNREADABLE',
      `The file of \`${name}\` cannot be read; correct the setting or its permissions.`,
      {
        cause: error,
      },
    );
  }
}
