import { assert } from '../foundation/index.ts';
import type { Level } from './level.ts';

/** More than a group's window takes in the ordinary case: what one unusual group needed is not kept for good. */
const keptBytesMax = 32 * 2 ** 20;
/** One is written while another is filled. */
const idleMax = 2;

/** What LevelDB's binding does for a chained batch, beneath the checks that its callers go through for each row. */
interface NativeBatch {
  _put(key: Buffer, value: Buffer): void;
  _del(key: Buffer): void;
  _clear(): void;
  _write(options: { readonly sync: boolean }): Promise<void>;
  close(): Promise<void>;
}

function isNativeBatch(batch: object): batch is NativeBatch {
  return ['_put', '_del', '_clear', '_write', 'close'].every(
    (name) => typeof Reflect.get(batch, name) === 'function',
  );
}

/** Rows on their way into one atomic write. */
export class RowBatch {
  readonly #native: NativeBatch;
  #bytes = 0;

  constructor(native: NativeBatch) {
    this.#native = native;
  }

  get sizeBytes(): number {
    return this.#bytes;
  }

  put(key: Buffer, value: Buffer): void {
    this.#native._put(key, value);
    this.#bytes += key.length + value.length;
  }

  del(key: Buffer): void {
    this.#native._del(key);
    this.#bytes += key.length;
  }

  /** Durably and all of it, or rejects and nothing of it may be assumed. */
  async write(): Promise<void> {
    await this.#native._write({ sync: true });
  }

  clear(): void {
    this.#native._clear();
    this.#bytes = 0;
  }

  async close(): Promise<void> {
    await this.#native.close();
  }
}

/**
 * Batches that are used again and again. LevelDB's binding frees the rows of a batch, some fifteen megabytes, when V8 collects the object that stands for it,
 * and tells V8 nothing of their size: of batches used once a dozen would wait. A public batch can be written once only; the methods beneath it, which the binding
 * implements, have no such state. Collecting in between was tried and is not safe: see decision 9.
 */
export class RowBatches {
  readonly #db: Level;
  readonly #idle: RowBatch[] = [];

  constructor(db: Level) {
    this.#db = db;
  }

  take(): RowBatch {
    const idle = this.#idle.pop();
    if (idle !== undefined) return idle;
    const batch = this.#db.batch();
    assert(isNativeBatch(batch), 'a chained batch of classic-level has the methods of abstract-level');
    return new RowBatch(batch);
  }

  /** Nobody uses it any more, and nothing of it is being written. */
  async leave(batch: RowBatch): Promise<void> {
    if (this.#idle.length >= idleMax || batch.sizeBytes > keptBytesMax) {
      await batch.close();
      return;
    }
    batch.clear();
    this.#idle.push(batch);
  }
}
