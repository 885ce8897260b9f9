import { basename, dirname } from 'node:path/posix';
import {
  ArchivedSchemas,
  type ArchiveReader,
  CatalogTable,
  IcebergReader,
  MetadataFileCatalog,
  type ObjectStore,
  openParquet,
  randomIds,
  TablePaths,
  type TableVersion,
} from '../archive/index.ts';
import type { Settings } from '../config/index.ts';
import type { KeptSchemas } from '../ingest/index.ts';
import { positionsIn } from './backfill-coverage.ts';
import { openStoreAt } from './backfill-store.ts';
import type { CommandIo } from './command-io.ts';
import { openArchive } from './open-archive.ts';

export interface OpenedTable {
  readonly store: ObjectStore;
  /** Null: it brings none along. */
  schemas(version: TableVersion): KeptSchemas | null;
  load(signal: AbortSignal): Promise<TableVersion>;
  reader(snapshotId: bigint | null): ArchiveReader;
  close(): void;
}

/** `path` is a table's folder, or the metadata file of another writer's; null: the topic's table in the archive of the settings. */
export function openIcebergTable(
  settings: Settings,
  topic: string,
  path: string | null,
  io: CommandIo,
): OpenedTable {
  if (path === null) return ofSettings(settings, topic, io);
  return path.endsWith('.metadata.json') ? ofMetadataFile(settings, path, io) : ofFolder(settings, path, io);
}

function ofSettings(settings: Settings, topic: string, io: CommandIo): OpenedTable {
  const archive = openArchive(settings, io);
  const { table, folder } = archive.table(topic);
  return {
    store: archive.store,
    schemas: (version) => keptSchemas(archive.store, folder, version),
    load: (signal) => table.load(signal),
    reader: (snapshotId) => archive.reader(topic, snapshotId),
    close: () => archive.close(),
  };
}

/** One that says itself which version is current, as our archiver's do. */
function ofFolder(settings: Settings, path: string, io: CommandIo): OpenedTable {
  const { archive, key } = openStoreAt(path, settings, io);
  return tableOf(archive, key, new TablePaths(archive.warehouse, key), archive.catalog, io);
}

/** Its table's folder is two above it; where its files are, it says itself. */
function ofMetadataFile(settings: Settings, path: string, io: CommandIo): OpenedTable {
  const folder = dirname(dirname(path));
  const { archive, key } = openStoreAt(folder, settings, io);
  const catalog = new MetadataFileCatalog(
    archive.store,
    `${key}/${basename(dirname(path))}/${basename(path)}`,
  );
  return tableOf(archive, key, new TablePaths(archive.warehouse, null), catalog, io);
}

function tableOf(
  { store, close }: Pick<ReturnType<typeof openArchive>, 'store' | 'close'>,
  name: string,
  paths: TablePaths,
  catalog: ConstructorParameters<typeof CatalogTable>[0]['catalog'],
  { clock, random }: CommandIo,
): OpenedTable {
  const table = new CatalogTable({
    ...{ catalog, table: name, store, paths, ids: randomIds, clock, random },
    open: (key, expected, signal) => openParquet(store, key, expected, signal),
  });
  return {
    ...{ store, close },
    schemas: (version) => keptSchemas(store, name, version),
    load: (signal) => table.load(signal),
    reader: (snapshotId) => new IcebergReader({ name, table, paths, snapshotId }),
  };
}

/** Ids mean something in one cluster's registry: those of a table of several are looked for in all, and two answers are none. */
function keptSchemas(store: ObjectStore, folder: string, { metadata }: TableVersion): KeptSchemas | null {
  const clusters = [...new Set(positionsIn(metadata).map(({ cluster }) => cluster))];
  if (clusters.length === 0) return null;
  const kept = new ArchivedSchemas(store, folder);
  return {
    find: async (id, signal) => {
      const found = new Set<string>();
      for (const cluster of clusters) {
        const text = await kept.find(cluster, id, signal);
        if (text !== null) found.add(text);
      }
      const [text = null] = found;
      return found.size === 1 ? text : null;
    },
  };
}
