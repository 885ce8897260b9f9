import { LRUCache } from 'lru-cache';

/** Negative numbers for schema GUIDs, so that they share the paths of schema ids. Least recently used out first. */
export class GuidTable {
  readonly #ids: LRUCache<string, number>;
  readonly #guids: LRUCache<number, string>;
  #last = 0;

  constructor(max: number) {
    this.#guids = new LRUCache({ max });
    this.#ids = new LRUCache({ max, dispose: (id) => this.#guids.delete(id) });
  }

  idOf(guid: string): number {
    const known = this.#ids.get(guid);
    if (known !== undefined) return known;
    this.#last -= 1;
    this.#ids.set(guid, this.#last);
    this.#guids.set(this.#last, guid);
    return this.#last;
  }

  /** Null when it was forgotten; the next record with this GUID gets another number. */
  guidOf(id: number): string | null {
    return this.#guids.get(id) ?? null;
  }
}
