/** How many distinct nodes of one event are remembered, so that naming them again costs four bytes. */
const nodesMax = 16;

/** Where the nodes that an event names are defined. */
export class EventNodes {
  #count = 0;
  readonly #types: string[] = new Array(nodesMax).fill('');
  readonly #ids: string[] = new Array(nodesMax).fill('');
  readonly #at: number[] = new Array(nodesMax).fill(0);

  clear(): void {
    this.#count = 0;
  }

  /** -1 where it is not known. */
  find(type: string, id: string): number {
    for (let i = 0; i < this.#count; i += 1) {
      if (this.#ids[i] === id && this.#types[i] === type) return this.#at[i] ?? 0;
    }
    return -1;
  }

  /** One that is not known yet. */
  add(type: string, id: string, at: number): void {
    if (this.#count === nodesMax) return;
    this.#types[this.#count] = type;
    this.#ids[this.#count] = id;
    this.#at[this.#count] = at;
    this.#count += 1;
  }
}
