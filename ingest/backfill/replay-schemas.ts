import { createHash } from 'node:crypto';
import { BadDataError, StopError } from '../../foundation/index.ts';
import {
  isSameSchemaText,
  type RegisteredSchema,
  type SchemaRegistry,
  type SubjectVersion,
} from '../../schemas/index.ts';

/** Schemas that an archive keeps of its own, as the registry had them when its records were archived. */
export interface KeptSchemas {
  /** `id` is a schema id or a GUID; null: it has none of it. */
  find(id: number | string, signal?: AbortSignal): Promise<string | null>;
}

/**
 * The registry as a replay sees it: what it has forgotten is taken from the archive, and schemas that came with the files themselves have GUIDs of
 * their own. Mappings are the registry's alone.
 */
export class ReplaySchemas implements SchemaRegistry {
  readonly #registry: SchemaRegistry;
  readonly #archived: KeptSchemas | null;
  /** Writers of files, by GUID; as many as there are files that differ. */
  readonly #written = new Map<string, string>();

  constructor(registry: SchemaRegistry, archived: KeptSchemas | null) {
    this.#registry = registry;
    this.#archived = archived;
  }

  /** The header that names a writer's schema, as newer clients of Confluent write it. */
  noteWriter(text: string): { readonly key: string; readonly value: Uint8Array } {
    const bytes = createHash('sha256').update(text).digest().subarray(0, 16);
    const guid = bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
    this.#written.set(guid, text);
    return { key: '__value_schema_id', value: Buffer.concat([Buffer.of(1), bytes]) };
  }

  /** @throws StopError `SCHEMA_DIFFERS` when the registry gave the id to another schema since. */
  async schemaById(id: number, signal?: AbortSignal): Promise<RegisteredSchema> {
    const archived = (await this.#archived?.find(id, signal)) ?? null;
    try {
      const found = await this.#registry.schemaById(id, signal);
      if (archived !== null && !isSameSchemaText(archived, found.text)) throw differs(id);
      return found;
    } catch (error) {
      if (archived === null || !isUnknown(error)) throw error;
      return { id, text: archived };
    }
  }

  async schemaByGuid(guid: string, signal?: AbortSignal): Promise<RegisteredSchema> {
    const own = this.#written.get(guid) ?? (await this.#archived?.find(guid, signal)) ?? null;
    if (own !== null) return { id: -1, text: own };
    if (this.#registry.schemaByGuid !== undefined) return await this.#registry.schemaByGuid(guid, signal);
    throw new BadDataError(
      'SCHEMA_GUID_UNSUPPORTED',
      'The value names its schema by GUID, and this schema registry cannot look schemas up by GUID.',
    );
  }

  latest(subject: string, signal?: AbortSignal): Promise<SubjectVersion | null> {
    return this.#registry.latest(subject, signal);
  }

  versions(subject: string, signal?: AbortSignal): Promise<readonly SubjectVersion[]> {
    return this.#registry.versions(subject, signal);
  }

  register(subject: string, text: string, signal?: AbortSignal): Promise<SubjectVersion> {
    return this.#registry.register(subject, text, signal);
  }

  /** The registry itself is closed by whoever opened it. */
  async close(): Promise<void> {
    this.#written.clear();
  }
}

function isUnknown(error: unknown): boolean {
  return error instanceof BadDataError && error.code === 'SCHEMA_NOT_FOUND';
}

function differs(id: number): StopError {
  return new StopError(
    'SCHEMA_DIFFERS',
    `The schema ${id} of the archived records is another one than the registry's ${id}: it is another registry, or a new one. Set \`schema.registry.url\` to the one that the archive was made with.`,
    { context: { schemaId: id } },
  );
}
