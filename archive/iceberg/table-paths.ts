import { StopError } from '../../foundation/index.ts';

/**
 * Between the URIs that a table's metadata is full of and the keys of the store it lies in. `warehouse` is the URI that the store's
 * root has for other readers.
 */
export class TablePaths {
  readonly #warehouse: string;
  readonly #folder: string | null;

  /** `folder` is the table's key; null: where its metadata says that it is. */
  constructor(warehouse: string, folder: string | null) {
    this.#warehouse = warehouse.replace(/\/+$/, '');
    this.#folder = folder;
  }

  uriOf(key: string): string {
    return `${this.#warehouse}/${key}`;
  }

  /** The key below which the table's files lie; `location` is its metadata's. */
  folder(location: string): string {
    const folder = this.#folder ?? below(location, this.#warehouse);
    if (folder === null) throw this.#refused(location);
    return folder;
  }

  /**
   * A warehouse that was moved keeps its old URIs: what lay in the table's folder then is looked for in its folder now.
   *
   * @throws StopError `ARCHIVE_PATH_REFUSED` for what lies elsewhere: nothing is fetched from where a manifest likes.
   */
  keyOf(uri: string, location: string): string {
    const inWarehouse = below(uri, this.#warehouse);
    const inTable = inWarehouse === null ? below(uri, location) : null;
    const key = inTable === null ? inWarehouse : `${this.folder(location)}/${inTable}`;
    if (key === null || !isKey(key)) throw this.#refused(uri);
    return key;
  }

  #refused(uri: string): StopError {
    return new StopError(
      'ARCHIVE_PATH_REFUSED',
      `The table refers to ${JSON.stringify(uri.slice(0, 300))}, which does not lie in the archive at ${this.#warehouse}. Copy the whole table into the archive, or point the setting at where it is.`,
    );
  }
}

function below(uri: string, prefix: string): string | null {
  const start = `${comparable(prefix)}/`;
  const whole = comparable(uri);
  return whole.startsWith(start) ? whole.slice(start.length) : null;
}

/** Writers spell one place in several ways: `file:/x`, `file:///x` and `/x`; `s3:` and `s3a:`. */
function comparable(uri: string): string {
  return uri
    .replace(/^file:\/*(?=\/)/, '')
    .replace(/^s3[an]:/, 's3:')
    .replace(/\/+$/, '');
}

function isKey(key: string): boolean {
  return key.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
}
