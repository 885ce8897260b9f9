import type { ObjectStore, StoredObject } from '../../archive/index.ts';

/** Told before and after each change of the store, and in the midst of a file; it may throw, wait, or never return. */
export type StoreHook = (what: string, key: string) => void | Promise<void>;

/** A store whose changes go wrong where a test says. */
export class HookedStore implements ObjectStore {
  readonly location: string;
  readonly #store: ObjectStore;
  readonly #hook: StoreHook;

  constructor(store: ObjectStore, hook: StoreHook) {
    this.location = store.location;
    this.#store = store;
    this.#hook = hook;
  }

  async size(key: string, signal?: AbortSignal): Promise<number> {
    return await this.#store.size(key, signal);
  }

  async read(key: string, start: number, end: number, signal?: AbortSignal): Promise<Uint8Array> {
    return await this.#store.read(key, start, end, signal);
  }

  list(prefix: string, signal?: AbortSignal): AsyncIterable<StoredObject> {
    return this.#store.list(prefix, signal);
  }

  async write(key: string, parts: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<number> {
    await this.#hook('before writing', key);
    const hook = this.#hook;
    async function* watched(): AsyncGenerator<Uint8Array> {
      for await (const part of parts) {
        await hook('while writing', key);
        yield part;
      }
    }
    const bytes = await this.#store.write(key, watched(), signal);
    await this.#hook('after writing', key);
    return bytes;
  }

  async create(key: string, bytes: Uint8Array, signal?: AbortSignal): Promise<boolean> {
    await this.#hook('before creating', key);
    const isMade = await this.#store.create(key, bytes, signal);
    await this.#hook('after creating', key);
    return isMade;
  }

  async replace(key: string, bytes: Uint8Array, signal?: AbortSignal): Promise<void> {
    await this.#hook('before replacing', key);
    await this.#store.replace(key, bytes, signal);
    await this.#hook('after replacing', key);
  }

  async remove(key: string, signal?: AbortSignal): Promise<void> {
    await this.#store.remove(key, signal);
  }

  async removeLeftovers(olderThanMs: number, signal?: AbortSignal): Promise<number> {
    return await this.#store.removeLeftovers(olderThanMs, signal);
  }
}
