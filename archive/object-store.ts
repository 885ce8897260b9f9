/**
 * Where an archive's files are: a local folder or an S3-style bucket.
 *
 * Keys are relative to the store, their parts separated by `/`, none of them empty, `.` or `..` (`RefusedError`
 * `OBJECT_KEY_REFUSED`). Many readers and writers of several processes may use one store at a time.
 *
 * Every method throws `OutageError` `OBJECT_STORE_FAILED` when trying the same again may help, and `StopError`
 * `OBJECT_STORE_REFUSED` when it does not (credentials, permissions, a disk that cannot be written).
 */
export interface ObjectStore {
  /** For people: `s3://bucket/prefix` or a folder. Never holds a credential. */
  readonly location: string;
  /** @throws RefusedError `OBJECT_MISSING`. */
  size(key: string, signal?: AbortSignal): Promise<number>;
  /**
   * The bytes `[start, end)`; an end beyond the object's gives what there is.
   *
   * @throws RefusedError `OBJECT_MISSING`.
   */
  read(key: string, start: number, end: number, signal?: AbortSignal): Promise<Uint8Array>;
  /** All objects whose key begins with the prefix (text, not a folder), in the order of their keys' UTF-8 bytes. */
  list(prefix: string, signal?: AbortSignal): AsyncIterable<StoredObject>;
  /**
   * A new object from parts as they come, over what was there. Durable when it resolves with the bytes written; nothing
   * is to be seen of it before. When `parts` throws, nothing is left and its error is thrown on.
   */
  write(key: string, parts: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<number>;
  /**
   * The one compare-and-set: false when the key exists already. Durable when it resolves with true. An answer that never
   * came is settled by reading back: true when what is there are these bytes, so give each attempt bytes of its own.
   */
  create(key: string, bytes: Uint8Array, signal?: AbortSignal): Promise<boolean>;
  /** Over what was there, at once or not at all; for hints. */
  replace(key: string, bytes: Uint8Array, signal?: AbortSignal): Promise<void>;
  /** What is not there is removed already. */
  remove(key: string, signal?: AbortSignal): Promise<void>;
  /** Removes what writers that were killed left behind and no reader sees; only what is older. Says how many there were. */
  removeLeftovers(olderThanMs: number, signal?: AbortSignal): Promise<number>;
}

export interface StoredObject {
  readonly key: string;
  readonly bytes: number;
  readonly modifiedMs: number;
}
