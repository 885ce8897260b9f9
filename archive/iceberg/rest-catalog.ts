import { type Clock, OutageError, StopError } from '../../foundation/index.ts';
import type { Catalog, TableVersion } from './catalog.ts';
import { JsonFault, type JsonObject } from './iceberg-json.ts';
import { isObject, JsonFields } from './json-fields.ts';
import { parseMetadata } from './metadata-parser.ts';
import { printSpec } from './partition-spec.ts';
import { type RestAnswer, type RestCatalogOptions, RestHttp } from './rest-http.ts';
import { creationUpdates, requirementsOf, updatesOf } from './rest-updates.ts';
import { metadataDamaged, schemaOf, type TableMetadata } from './table-metadata.ts';
import { printSchema } from './table-schema.ts';

const levelSeparator = '\u001f';
const tableName = /^[^.\p{Cc}]+(\.[^.\p{Cc}]+)+$/u;

/**
 * Tables of a server that speaks Iceberg's REST catalog protocol. Each commit asserts the table's uuid and the snapshot it was
 * made from. The server writes and removes metadata files itself.
 */
export class RestCatalog implements Catalog {
  readonly #http: RestHttp;
  readonly #warehouse: string | null;
  #prefix: string | null = null;

  constructor(options: RestCatalogOptions, clock: Clock) {
    this.#http = new RestHttp(options, clock);
    this.#warehouse = options.warehouse;
  }

  async load(table: string, signal?: AbortSignal): Promise<TableVersion | null> {
    const path = await this.#path(table, signal);
    const answer = await this.#http.ask('GET', path, null, signal);
    if (answer.status === 404) return null;
    if (answer.status !== 200) throw this.#http.refused('GET', path, answer);
    return this.#version(answer, path);
  }

  async swap(
    table: string,
    base: TableVersion | null,
    next: TableMetadata,
    signal?: AbortSignal,
  ): Promise<boolean> {
    const path = await this.#path(table, signal);
    if (base === null) return await this.#create(table, path, next, signal);
    const requirements = requirementsOf(base.metadata, next);
    return await this.#commit(path, { requirements, updates: updatesOf(base.metadata, next) }, signal, () =>
      this.#hasSnapshot(table, base.metadata, next, signal),
    );
  }

  async forget(): Promise<number> {
    return 0;
  }

  /** Staged, so that the server says where, and then committed with its own column ids: a plain request would number them anew. */
  async #create(table: string, path: string, next: TableMetadata, signal?: AbortSignal): Promise<boolean> {
    if ((await this.load(table, signal)) !== null) return false;
    await this.#createNamespace(table, signal);
    const [spec] = next.specs;
    const stagePath = path.slice(0, path.lastIndexOf('/'));
    const staged = await this.#http.ask(
      'POST',
      stagePath,
      {
        name: nameOf(table),
        location: next.location,
        schema: printSchema(schemaOf(next, next.currentSchemaId)),
        'partition-spec': spec === undefined ? null : printSpec(spec),
        'stage-create': true,
        properties: next.properties,
      },
      signal,
    );
    if (staged.status === 409) return false;
    if (staged.status !== 200) throw this.#http.refused('POST', stagePath, staged);
    const { metadata } = this.#version(staged, stagePath);
    if (metadata.location !== next.location) throw this.#elsewhere(table, metadata.location, next.location);
    const requirements = [{ type: 'assert-create' }];
    const updates = creationUpdates(next, metadata.uuid);
    return await this.#commit(path, { requirements, updates }, signal, async () => false);
  }

  async #commit(
    path: string,
    body: JsonObject,
    signal: AbortSignal | undefined,
    happened: () => Promise<boolean>,
  ): Promise<boolean> {
    try {
      const answer = await this.#http.ask('POST', path, body, signal);
      if (answer.status === 200) return true;
      // Somebody else's commit came between, or the table was made by somebody else.
      if (answer.status === 409) return false;
      throw this.#http.refused('POST', path, answer);
    } catch (error) {
      if (error instanceof OutageError && (await happened())) return true;
      throw error;
    }
  }

  /** An answer that never came: a snapshot's id is nobody else's. Columns alone are simply tried again. */
  async #hasSnapshot(
    table: string,
    base: TableMetadata,
    next: TableMetadata,
    signal?: AbortSignal,
  ): Promise<boolean> {
    const id = next.currentSnapshotId;
    if (id === base.currentSnapshotId) return false;
    const now = await this.load(table, signal);
    return now?.metadata.snapshots.some((snapshot) => snapshot.id === id) ?? false;
  }

  async #createNamespace(table: string, signal?: AbortSignal): Promise<void> {
    const path = `v1/${await this.#prefixed(signal)}namespaces`;
    const body = { namespace: levelsOf(table), properties: {} };
    const answer = await this.#http.ask('POST', path, body, signal);
    if (answer.status !== 200 && answer.status !== 409) throw this.#http.refused('POST', path, answer);
  }

  #version(answer: RestAnswer, path: string): TableVersion {
    const file = `${this.#http.name}/${path}`;
    try {
      const fields = new JsonFields(answer.body, 'the answer');
      const token = fields.textOrNull('metadata-location') ?? '';
      return { metadata: parseMetadata(fields.value('metadata'), file), token };
    } catch (cause) {
      if (cause instanceof JsonFault) throw metadataDamaged(file, cause);
      throw cause;
    }
  }

  async #path(table: string, signal?: AbortSignal): Promise<string> {
    if (!tableName.test(table))
      throw new StopError(
        'CATALOG_REFUSED',
        `${JSON.stringify(table.slice(0, 100))} is no table of a REST catalog: write namespace.name.`,
      );
    const namespace = encodeURIComponent(levelsOf(table).join(levelSeparator));
    return `v1/${await this.#prefixed(signal)}namespaces/${namespace}/tables/${encodeURIComponent(nameOf(table))}`;
  }

  /** The server's configuration says below which prefix its tables are. */
  async #prefixed(signal?: AbortSignal): Promise<string> {
    if (this.#prefix !== null) return this.#prefix;
    const query = this.#warehouse === null ? '' : `?warehouse=${encodeURIComponent(this.#warehouse)}`;
    const answer = await this.#http.ask('GET', `v1/config${query}`, null, signal);
    if (answer.status !== 200) throw this.#http.refused('GET', 'v1/config', answer);
    const prefix = configured(answer, 'overrides') ?? configured(answer, 'defaults') ?? '';
    this.#prefix = prefix === '' ? '' : `${prefix.split('/').map(encodeURIComponent).join('/')}/`;
    return this.#prefix;
  }

  #elsewhere(table: string, staged: string, wanted: string): StopError {
    return new StopError(
      'CATALOG_REFUSED',
      `The catalog ${this.#http.name} would keep the table ${table} at ${staged}, not at ${wanted} as the settings say. Let both say the same.`,
    );
  }
}

function configured(answer: RestAnswer, key: string): string | null {
  const values = isObject(answer.body) ? (answer.body[key] ?? null) : null;
  const prefix = isObject(values) ? values.prefix : null;
  return typeof prefix === 'string' ? prefix : null;
}

function levelsOf(table: string): readonly string[] {
  return table.split('.').slice(0, -1);
}

function nameOf(table: string): string {
  return table.slice(table.lastIndexOf('.') + 1);
}
