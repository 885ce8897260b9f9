/** A schema as the registry keeps it: foreign attributes such as `graph` included. */
export interface RegisteredSchema {
  readonly id: number;
  /** The schema's JSON text, unchanged. */
  readonly text: string;
}

export interface SubjectVersion {
  readonly subject: string;
  readonly version: number;
  readonly schema: RegisteredSchema;
}

/**
 * The schema registry. Called by the decoder for each schema id it meets (through a bounded cache, so once an id in the
 * common case) and by the catalog when it looks for a subject's newest version.
 *
 * Failures: `BadDataError` code `SCHEMA_NOT_FOUND`: the registry answered and does not know the id: bad data.
 * `OutageError` code `REGISTRY_UNREACHABLE`: no answer, a 5xx, a garbled answer or a time-out: pause, never a dead letter.
 * `StopError` code `REGISTRY_REFUSED`: credentials or permissions.
 */
export interface SchemaRegistry {
  schemaById(id: number, signal?: AbortSignal): Promise<RegisteredSchema>;
  /**
   * The schema with this GUID (as newer clients of Confluent write it into the `__value_schema_id` header). Only where the
   * registry knows GUIDs; without this method such records go to the dead letters. Same failures as `schemaById`.
   */
  schemaByGuid?(guid: string, signal?: AbortSignal): Promise<RegisteredSchema>;
  /**
   * Null when the subject does not exist. `BadDataError` when the newest version is none that is read (no Avro, or with references); its
   * context says which one it is.
   */
  latest(subject: string, signal?: AbortSignal): Promise<SubjectVersion | null>;
  /** All versions that are read, oldest first: what is no Avro, or has references, is left out. Empty when the subject does not exist. */
  versions(subject: string, signal?: AbortSignal): Promise<readonly SubjectVersion[]>;
  /** Registers the text under the subject, or finds it there; returns its id and version. */
  register(subject: string, text: string, signal?: AbortSignal): Promise<SubjectVersion>;
  close(): Promise<void>;
}
