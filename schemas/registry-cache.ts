import { LRUCache } from 'lru-cache';
import { BadDataError, type Clock, isAhead } from '../foundation/index.ts';
import type { RegisteredSchema, SchemaRegistry, SubjectVersion } from './registry.ts';

export interface RegistryCacheLimits {
  /** Schemas kept, least recently used out first. */
  readonly schemasMax: number;
  /** Bytes of all texts kept. */
  readonly textBytesMax: number;
  /** Ids remembered as unknown, oldest out first. */
  readonly unknownMax: number;
  /** How long an id stays unknown without asking again. */
  readonly unknownMs: number;
}

export const registryCacheLimitsDefault: RegistryCacheLimits = {
  schemasMax: 2_000,
  textBytesMax: 67_108_864,
  unknownMax: 131_072,
  unknownMs: 30_000,
};

type Key = number | string;

/**
 * Remembers schemas by id and by GUID (they never change), and for a while those that do not exist. Concurrent requests
 * for the same one share one flight. Outages and refusals are never remembered. Subjects pass through: they change.
 */
export class RegistryCache implements SchemaRegistry {
  readonly #registry: SchemaRegistry;
  readonly #limits: RegistryCacheLimits;
  readonly #clock: Clock;
  readonly #schemas: LRUCache<Key, RegisteredSchema>;
  /** When each stops being unknown; all live equally long, so insertion order is expiry order. */
  readonly #unknown = new Map<Key, number>();
  /** As many as there are callers waiting. The first caller's signal ends the flight for all: an outage, asked again. */
  readonly #flights = new Map<Key, Promise<RegisteredSchema>>();
  readonly schemaByGuid?: (guid: string, signal?: AbortSignal) => Promise<RegisteredSchema>;

  constructor(
    registry: SchemaRegistry,
    clock: Clock,
    limits: RegistryCacheLimits = registryCacheLimitsDefault,
  ) {
    this.#registry = registry;
    this.#clock = clock;
    this.#limits = limits;
    this.#schemas = new LRUCache({
      max: limits.schemasMax,
      maxSize: limits.textBytesMax,
      sizeCalculation: (schema) => schema.text.length + 1,
    });
    const byGuid = registry.schemaByGuid?.bind(registry);
    if (byGuid !== undefined) {
      this.schemaByGuid = (guid, signal) => this.#find(guid, signal, (shared) => byGuid(guid, shared));
    }
  }

  /** Ids remembered as unknown, for status. */
  get unknownCount(): number {
    return this.#unknown.size;
  }

  async schemaById(id: number, signal?: AbortSignal): Promise<RegisteredSchema> {
    return this.#find(id, signal, (shared) => this.#registry.schemaById(id, shared));
  }

  async latest(subject: string, signal?: AbortSignal): Promise<SubjectVersion | null> {
    return this.#registry.latest(subject, signal);
  }

  async versions(subject: string, signal?: AbortSignal): Promise<readonly SubjectVersion[]> {
    return this.#registry.versions(subject, signal);
  }

  async register(subject: string, text: string, signal?: AbortSignal): Promise<SubjectVersion> {
    const version = await this.#registry.register(subject, text, signal);
    this.#unknown.delete(version.schema.id);
    return version;
  }

  async close(): Promise<void> {
    this.#schemas.clear();
    this.#unknown.clear();
    await this.#registry.close();
  }

  async #find(
    key: Key,
    signal: AbortSignal | undefined,
    ask: (signal?: AbortSignal) => Promise<RegisteredSchema>,
  ): Promise<RegisteredSchema> {
    const known = this.#schemas.get(key);
    if (known !== undefined) return known;
    this.#forgetExpired();
    if (this.#unknown.has(key)) throw notFound(key);
    const flying = this.#flights.get(key);
    if (flying !== undefined) return flying;
    const flight = this.#fly(key, () => ask(signal));
    this.#flights.set(key, flight);
    try {
      return await flight;
    } finally {
      this.#flights.delete(key);
    }
  }

  async #fly(key: Key, ask: () => Promise<RegisteredSchema>): Promise<RegisteredSchema> {
    try {
      const schema = await ask();
      this.#schemas.set(key, schema);
      return schema;
    } catch (error) {
      if (error instanceof BadDataError && error.code === 'SCHEMA_NOT_FOUND') this.#remember(key);
      throw error;
    }
  }

  #remember(key: Key): void {
    this.#unknown.delete(key);
    this.#unknown.set(key, this.#clock.now() + this.#limits.unknownMs);
    if (this.#unknown.size <= this.#limits.unknownMax) return;
    const oldest = this.#unknown.keys().next();
    if (oldest.done !== true) this.#unknown.delete(oldest.value);
  }

  #forgetExpired(): void {
    const now = this.#clock.now();
    for (const [key, until] of this.#unknown) {
      if (isAhead(until, this.#limits.unknownMs, now)) break;
      this.#unknown.delete(key);
    }
  }
}

function notFound(key: Key): BadDataError {
  const context = typeof key === 'number' ? { schemaId: key } : {};
  return new BadDataError('SCHEMA_NOT_FOUND', `The schema registry does not know the schema ${key}.`, {
    context,
  });
}
