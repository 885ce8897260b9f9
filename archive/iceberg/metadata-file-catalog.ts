import { RefusedError } from '../../foundation/index.ts';
import type { ObjectStore } from '../object-store.ts';
import type { Catalog, TableVersion } from './catalog.ts';
import { isMissing } from './file-catalog.ts';
import { metadataBytesMax, readMetadata } from './table-metadata.ts';

/** One version of another writer's table, whose catalog is not asked: for reading alone. */
export class MetadataFileCatalog implements Catalog {
  readonly #store: ObjectStore;
  readonly #key: string;

  /** `key` is that of a `*.metadata.json`. */
  constructor(store: ObjectStore, key: string) {
    this.#store = store;
    this.#key = key;
  }

  async load(_table: string, signal?: AbortSignal): Promise<TableVersion | null> {
    try {
      const bytes = await this.#store.read(this.#key, 0, metadataBytesMax + 1, signal);
      return { metadata: readMetadata(bytes, this.#key), token: this.#key };
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  }

  async swap(table: string): Promise<boolean> {
    throw this.#readOnly(table);
  }

  async forget(table: string): Promise<number> {
    throw this.#readOnly(table);
  }

  #readOnly(table: string): RefusedError {
    return new RefusedError(
      'TABLE_READ_ONLY',
      `The table ${table} is read from its metadata file ${this.#key}; only its catalog can change it. Nothing was changed.`,
    );
  }
}
