import { JourneyGraphError, StopError } from '../foundation/index.ts';
import { isSameSchemaText } from '../schemas/index.ts';
import type { ObjectStore } from './object-store.ts';

const textBytesMax = 16_777_216;

/**
 * Schemas beside a table's data: ids mean something only where they were given, and a registry may be gone before its events are
 * wanted again. Each is written once and never changed.
 */
export class ArchivedSchemas {
  readonly #store: ObjectStore;
  readonly #folder: string;

  /** `folder` is the table's. */
  constructor(store: ObjectStore, folder: string) {
    this.#store = store;
    this.#folder = folder;
  }

  /**
   * `id` is a schema id or a GUID. The text that was kept first stays.
   *
   * @throws StopError `SCHEMA_DIFFERS` when the archive has another schema under it.
   */
  async keep(cluster: string, id: number | string, text: string, signal?: AbortSignal): Promise<void> {
    const key = this.#key(cluster, id);
    if (await this.#store.create(key, Buffer.from(JSON.stringify({ id, schema: text })), signal)) return;
    const kept = await this.find(cluster, id, signal);
    if (kept === null || !isSameSchemaText(kept, text)) throw schemaDiffers(key, id);
  }

  /** The schema's text as it was registered; null when the archive has none. */
  async find(cluster: string, id: number | string, signal?: AbortSignal): Promise<string | null> {
    try {
      const bytes = await this.#store.read(this.#key(cluster, id), 0, textBytesMax, signal);
      const value: unknown = JSON.parse(Buffer.from(bytes).toString());
      return isKept(value) ? value.schema : null;
    } catch (error) {
      if (error instanceof JourneyGraphError && error.code === 'OBJECT_MISSING') return null;
      if (error instanceof SyntaxError) return null;
      throw error;
    }
  }

  #key(cluster: string, id: number | string): string {
    return `${this.#folder}/metadata/jg-schemas/${encodeURIComponent(cluster)}/${encodeURIComponent(id)}.json`;
  }
}

function isKept(value: unknown): value is { readonly schema: string } {
  return typeof value === 'object' && value !== null && 'schema' in value && typeof value.schema === 'string';
}

function schemaDiffers(key: string, id: number | string): StopError {
  return new StopError(
    'SCHEMA_DIFFERS',
    `The archive has another schema under the id ${id} (${key}): the schema registry is not the one that it was archived with. Archive into another namespace (archive.namespace), or restore the registry.`,
  );
}
