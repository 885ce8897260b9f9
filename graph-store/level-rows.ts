import type { Iterator } from 'classic-level';
import { assert } from '../foundation/index.ts';
import type { LevelDatabase } from './level-database.ts';
import type { LevelRow, RowIterator } from './stretch-iterators.ts';

/** An iterator of LevelDB that is closed in the way which costs least: see {@link LevelDatabase}. */
export class LevelRows<Value> implements RowIterator<Value> {
  readonly #iterator: Iterator<LevelDatabase, Buffer, Value>;
  /** A read is under way, has failed, or was one that closes by itself: then it is `close` that knows what to do. */
  #isUnsettled = false;
  #isClosed = false;

  constructor(iterator: Iterator<LevelDatabase, Buffer, Value>) {
    this.#iterator = iterator;
  }

  async nextv(size: number): Promise<readonly LevelRow<Value>[]> {
    this.#checkOpen();
    this.#isUnsettled = true;
    const found = await this.#iterator.nextv(size);
    this.#isUnsettled = this.#isClosed;
    return found;
  }

  all(): Promise<readonly LevelRow<Value>[]> {
    this.#checkOpen();
    this.#isUnsettled = true;
    return this.#iterator.all();
  }

  seek(key: Buffer): void {
    this.#checkOpen();
    this.#iterator.seek(key);
  }

  [Symbol.asyncIterator](): AsyncIterator<LevelRow<Value>> {
    this.#checkOpen();
    this.#isUnsettled = true;
    return this.#iterator[Symbol.asyncIterator]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#isUnsettled) await this.#iterator.close();
    else await this.#iterator.db.closeUnread(this.#iterator);
  }

  /** One that was closed past `close` does not know that it is, and the binding would end the process. */
  #checkOpen(): void {
    assert(!this.#isClosed, 'rows are read before they are closed');
  }
}
