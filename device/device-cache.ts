/** Where a device keeps what it fetched. Whoever reads checks it: what lies there is anybody's. Methods may throw. */
export interface DeviceCache {
  read(key: string): string | null;
  write(key: string, text: string): void;
  remove(key: string): void;
}

/** Events of a device; the one written longest ago goes first. */
const entriesMax = 8;

/** Until the page or the process ends. */
export class MemoryCache implements DeviceCache {
  readonly #entries = new Map<string, string>();

  read(key: string): string | null {
    return this.#entries.get(key) ?? null;
  }

  write(key: string, text: string): void {
    this.#entries.delete(key);
    this.#entries.set(key, text);
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > entriesMax && oldest !== undefined) this.#entries.delete(oldest);
  }

  remove(key: string): void {
    this.#entries.delete(key);
  }
}

/** As `localStorage` has it. */
export interface StorageLike {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

const prefix = 'journey-graph.live.';
/** Names of the entries, the one written last at the end. */
const indexKey = `${prefix}index`;

/** In `localStorage`, which other code fills too: only so many events are kept. */
export class StorageCache implements DeviceCache {
  readonly #storage: StorageLike;

  constructor(storage: StorageLike) {
    this.#storage = storage;
  }

  read(key: string): string | null {
    return this.#storage.getItem(prefix + key);
  }

  write(key: string, text: string): void {
    const keys = [...this.#keys().filter((other) => other !== key), key];
    for (const old of keys.splice(0, Math.max(0, keys.length - entriesMax))) this.remove(old);
    this.#storage.setItem(indexKey, JSON.stringify(keys));
    this.#storage.setItem(prefix + key, text);
  }

  remove(key: string): void {
    this.#storage.removeItem(prefix + key);
  }

  #keys(): string[] {
    try {
      const keys: unknown = JSON.parse(this.#storage.getItem(indexKey) ?? '[]');
      return Array.isArray(keys) ? keys.filter((key) => typeof key === 'string') : [];
    } catch {
      // Somebody else wrote there: a new index begins.
      return [];
    }
  }
}
