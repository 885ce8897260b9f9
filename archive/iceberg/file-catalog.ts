import { JourneyGraphError, StopError } from '../../foundation/index.ts';
import type { ObjectStore } from '../object-store.ts';
import type { Catalog, TableVersion } from './catalog.ts';
import { metadataBytesMax, printMetadata, readMetadata, type TableMetadata } from './table-metadata.ts';
import { TablePaths } from './table-paths.ts';

/** The format asks readers for no more, and each entry keeps a file. */
const metadataLogMax = 100;
/** A hint is at most so far behind; else the folder is listed. */
const hintLagMax = 32;
const versionFile = /\/v(\d{1,9})\.metadata\.json$/;

/**
 * Tables as folders of a store: `metadata/v<N>.metadata.json`, of which the greatest N is current. A commit creates the next one,
 * which only one can; `version-hint.text` saves listing the folder, may be behind or gone, and is never believed.
 */
export class FileCatalog implements Catalog {
  readonly #store: ObjectStore;
  readonly #warehouse: string;

  /** `warehouse` is the URI that the store's root has for other readers of the tables. */
  constructor(store: ObjectStore, warehouse: string) {
    this.#store = store;
    this.#warehouse = warehouse;
  }

  async load(table: string, signal?: AbortSignal): Promise<TableVersion | null> {
    const version = (await this.#fromHint(table, signal)) ?? (await this.#fromListing(table, signal));
    if (version === null) return null;
    const key = versionKey(table, version);
    const bytes = await this.#store.read(key, 0, metadataBytesMax + 1, signal);
    return { metadata: readMetadata(bytes, key), token: String(version) };
  }

  async swap(
    table: string,
    base: TableVersion | null,
    next: TableMetadata,
    signal?: AbortSignal,
  ): Promise<boolean> {
    if (base === null && (await this.load(table, signal)) !== null) return false;
    const version = base === null ? 1 : Number(base.token) + 1;
    const key = versionKey(table, version);
    const logged = base === null ? next : this.#logged(table, base, next);
    const bytes = Buffer.from(printMetadata(logged));
    if (bytes.length > metadataBytesMax) throw tooLarge(key, bytes.length);
    if (!(await this.#store.create(key, bytes, signal))) return false;
    if (base !== null && !(await this.#has(versionKey(table, version - 1), signal))) {
      // We slept through this version and its removal: what was created is the past, and the table has gone on without it.
      await this.#store.remove(key, signal);
      return false;
    }
    await this.#store.replace(hintKey(table), Buffer.from(String(version)), signal);
    return true;
  }

  async forget(
    table: string,
    base: TableVersion,
    olderThanMs: number,
    signal?: AbortSignal,
  ): Promise<number> {
    const newest = Number(base.token) - metadataLogMax;
    const gone: number[] = [];
    for await (const object of this.#store.list(`${table}/metadata/v`, signal)) {
      const version = Number(versionFile.exec(object.key)?.[1] ?? Number.NaN);
      if (version < newest && object.modifiedMs < olderThanMs) gone.push(version);
    }
    // Oldest first, so that a version that is there has all those after it: the hint's reader and a late committer rely on it.
    for (const version of gone.sort((a, b) => a - b))
      await this.#store.remove(versionKey(table, version), signal);
    return gone.length;
  }

  async #fromHint(table: string, signal?: AbortSignal): Promise<number | null> {
    const text = await this.#hint(table, signal);
    if (!/^\d{1,9}$/.test(text)) return null;
    let version = Number(text);
    if (!(await this.#has(versionKey(table, version), signal))) return null;
    for (let ahead = 0; ahead < hintLagMax; ahead += 1) {
      if (!(await this.#has(versionKey(table, version + 1), signal))) return version;
      version += 1;
    }
    return null;
  }

  async #fromListing(table: string, signal?: AbortSignal): Promise<number | null> {
    let newest = 0;
    for await (const { key } of this.#store.list(`${table}/metadata/v`, signal))
      newest = Math.max(newest, Number(versionFile.exec(key)?.[1] ?? 0));
    return newest === 0 ? null : newest;
  }

  async #hint(table: string, signal?: AbortSignal): Promise<string> {
    try {
      const bytes = await this.#store.read(hintKey(table), 0, 20, signal);
      return Buffer.from(bytes).toString('latin1').trim();
    } catch (error) {
      if (isMissing(error)) return '';
      throw error;
    }
  }

  async #has(key: string, signal?: AbortSignal): Promise<boolean> {
    try {
      await this.#store.size(key, signal);
      return true;
    } catch (error) {
      if (isMissing(error)) return false;
      throw error;
    }
  }

  #logged(table: string, base: TableVersion, next: TableMetadata): TableMetadata {
    const file = new TablePaths(this.#warehouse, table).uriOf(versionKey(table, Number(base.token)));
    const entry = { timestampMs: base.metadata.lastUpdatedMs, file };
    return { ...next, metadataLog: [...next.metadataLog, entry].slice(-metadataLogMax) };
  }
}

export function isMissing(error: unknown): boolean {
  return error instanceof JourneyGraphError && error.code === 'OBJECT_MISSING';
}

function versionKey(table: string, version: number): string {
  return `${table}/metadata/v${version}.metadata.json`;
}

function hintKey(table: string): string {
  return `${table}/metadata/version-hint.text`;
}

function tooLarge(key: string, bytes: number): StopError {
  return new StopError(
    'TABLE_METADATA_TOO_LARGE',
    `The table metadata ${key} would have ${bytes} bytes, more than ${metadataBytesMax}. Expire snapshots.`,
  );
}
