import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  type Catalog,
  CatalogTable,
  FileCatalog,
  IcebergReader,
  LocalObjectStore,
  type ObjectStore,
  openParquet,
  RestCatalog,
  randomIds,
  S3ObjectStore,
  TablePaths,
  tableNameOf,
} from '../archive/index.ts';
import type { Settings } from '../config/index.ts';
import { must } from '../foundation/index.ts';
import type { CommandIo } from './command-io.ts';

const s3Limits = {
  attemptsMax: 6,
  attemptTimeoutMs: 120_000,
  backoff: { baseMs: 100, maxMs: 5_000 },
  connectionsMax: 32,
};
const partBytes = 8 * 2 ** 20;
const regionDefault = 'us-east-1';

/** Where the settings say that the archive is. Opening it touches nothing yet. */
export interface Archive {
  /** For people; never holds a credential. */
  readonly location: string;
  /** The URI that the store's root has for other readers. */
  readonly warehouse: string;
  readonly store: ObjectStore;
  readonly catalog: Catalog;
  /** Commits rest on the store's conditional writes, and not on a catalog's server. */
  readonly isInFiles: boolean;
  table(topic: string): ArchiveTable;
  /** Rows of the topic as of that snapshot; null: as of when files are asked for. */
  reader(topic: string, snapshotId: bigint | null): IcebergReader;
  close(): void;
}

export interface ArchiveTable {
  readonly topic: string;
  /** As the catalog knows it. */
  readonly name: string;
  /** Below which its files lie in the store. */
  readonly folder: string;
  readonly table: CatalogTable;
  readonly paths: TablePaths;
}

type ArchiveIo = Pick<CommandIo, 'clock' | 'random'>;

export function openArchive(settings: Settings, io: ArchiveIo): Archive {
  const { store, warehouse, close } = openStore(settings, io);
  const url = settings['archive.catalog.url'];
  const catalog = url === null ? new FileCatalog(store, warehouse) : restCatalog(settings, url, io);
  const table = (topic: string): ArchiveTable => {
    const folder = `${settings['archive.namespace']}/${tableNameOf(topic)}`;
    const name = url === null ? folder : folder.replace('/', '.');
    // A REST catalog says itself where a table is; a folder that was moved is found where it is now.
    const paths = new TablePaths(warehouse, url === null ? folder : null);
    const opened = new CatalogTable({
      ...{ catalog, table: name, store, paths, ids: randomIds, clock: io.clock, random: io.random },
      open: (key, expected, signal) => openParquet(store, key, expected, signal),
    });
    return { topic, name, folder, table: opened, paths };
  };
  return {
    location: store.location,
    warehouse,
    store,
    catalog,
    isInFiles: url === null,
    table,
    reader: (topic, snapshotId) => {
      const { name, ...parts } = table(topic);
      return new IcebergReader({ name, ...parts, snapshotId });
    },
    close,
  };
}

interface OpenedStore {
  readonly store: ObjectStore;
  readonly warehouse: string;
  readonly close: () => void;
}

function openStore(settings: Settings, io: ArchiveIo): OpenedStore {
  const place = settings['archive.warehouse'] ?? join(settings.data, 'archive');
  if (place.startsWith('s3://')) return openBucket(settings, place, io);
  const folder = resolve(place);
  const store = new LocalObjectStore(folder);
  return { store, warehouse: pathToFileURL(folder).href, close: () => undefined };
}

function openBucket(settings: Settings, address: string, io: ArchiveIo): OpenedStore {
  const warehouse = address.replace(/\/+$/, '');
  const [bucket = '', ...prefix] = warehouse.slice('s3://'.length).split('/');
  const endpoint = settings['archive.s3.endpoint'];
  const region = settings['archive.s3.region'] ?? regionDefault;
  const style = settings['archive.s3.path.style'];
  const sessionToken = settings['archive.s3.session.token'];
  const credentials = {
    accessKeyId: must(settings['archive.s3.access.key.id'], 'the settings were checked'),
    secretAccessKey: must(settings['archive.s3.secret.access.key'], 'the settings were checked'),
    ...(sessionToken === null ? {} : { sessionToken }),
  };
  const store = new S3ObjectStore(
    {
      endpoint: endpoint?.replace(/\/+$/, '') ?? `https://s3.${region}.amazonaws.com`,
      region,
      bucket,
      prefix: prefix.join('/'),
      pathStyle: style === 'auto' ? endpoint !== null : style === 'on',
      partBytes,
    },
    { credentials: async () => credentials, clock: io.clock, random: io.random },
    s3Limits,
  );
  return { store, warehouse, close: () => store.close() };
}

function restCatalog(settings: Settings, url: string, { clock }: ArchiveIo): Catalog {
  const options = {
    url: new URL(url),
    token: settings['archive.catalog.token'],
    warehouse: settings['archive.catalog.warehouse'],
    timeoutMs: settings['archive.catalog.timeout.ms'],
  };
  return new RestCatalog(options, clock);
}
