import { createHash } from 'node:crypto';
import { BadDataError, must, RefusedError } from '../foundation/index.ts';
import type { RegisteredSchema, SchemaRegistry, SubjectVersion } from './registry.ts';

export interface BundledSchema {
  readonly subject: string;
  readonly text: string;
}

const schemasMax = 10_000;

/**
 * A registry over schemas held in memory: the bundled catalog, or what a test registers.
 *
 * An id is made from the schema's own content (the first 31 bits of its SHA-256, white space left out), so that records
 * written to a log by one run are read by the next one whatever was added to the catalog in between.
 */
export class BundledRegistry implements SchemaRegistry {
  readonly #byId = new Map<number, RegisteredSchema>();
  readonly #bySubject = new Map<string, SubjectVersion[]>();

  /** Registers the schemas in order: those of one subject are its versions, oldest first. */
  static of(schemas: readonly BundledSchema[]): BundledRegistry {
    const registry = new BundledRegistry();
    for (const { subject, text } of schemas) registry.#add(subject, text);
    return registry;
  }

  async schemaById(id: number): Promise<RegisteredSchema> {
    const schema = this.#byId.get(id);
    if (schema !== undefined) return schema;
    throw new BadDataError('SCHEMA_NOT_FOUND', `The bundled catalog has no schema with the id ${id}.`, {
      context: { schemaId: id },
    });
  }

  async latest(subject: string): Promise<SubjectVersion | null> {
    return this.#bySubject.get(subject)?.at(-1) ?? null;
  }

  async versions(subject: string): Promise<readonly SubjectVersion[]> {
    return [...(this.#bySubject.get(subject) ?? [])];
  }

  async register(subject: string, text: string): Promise<SubjectVersion> {
    return this.#add(subject, text);
  }

  async close(): Promise<void> {
    this.#byId.clear();
    this.#bySubject.clear();
  }

  #add(subject: string, text: string): SubjectVersion {
    const content = canonicalText(subject, text);
    const id = createHash('sha256').update(content).digest().readUInt32BE(0) >>> 1;
    const versions = this.#bySubject.get(subject) ?? [];
    const known = versions.find((version) => version.schema.id === id);
    if (known !== undefined) return known;
    const clash = this.#byId.get(id);
    if (clash !== undefined && canonicalText(subject, clash.text) !== content) {
      throw new RefusedError(
        'SCHEMA_ID_CLASH',
        `Two bundled schemas share the id ${id}: change a word of one's doc.`,
      );
    }
    if (this.#byId.size >= schemasMax) {
      throw new RefusedError(
        'REGISTRY_FULL',
        `The bundled registry holds its limit of ${schemasMax} schemas.`,
      );
    }
    if (clash === undefined) this.#byId.set(id, { id, text });
    const version = {
      subject,
      version: versions.length + 1,
      schema: must(this.#byId.get(id), 'the schema was just added'),
    };
    this.#bySubject.set(subject, [...versions, version]);
    return version;
  }
}

function canonicalText(subject: string, text: string): string {
  try {
    return JSON.stringify(JSON.parse(text));
  } catch (cause) {
    throw new RefusedError('SCHEMA_INVALID', `The schema for the subject ${subject} is not JSON.`, {
      cause,
      context: { subject },
    });
  }
}
