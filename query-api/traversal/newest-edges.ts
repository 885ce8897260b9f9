import { occurrenceBytes, type WalkedEdge } from './walked-edge.ts';

/** The newest so many edges of those added; in the order of time, newest first. */
export class NewestEdges {
  readonly #capacity: number;
  #edges: WalkedEdge[] = [];
  #bytes = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  add(edges: readonly WalkedEdge[]): void {
    if (edges.length === 0) return;
    this.#edges.push(...edges);
    this.#edges.sort((a, b) => b.occurrence.timeMs - a.occurrence.timeMs);
    for (const edge of edges) this.#bytes += occurrenceBytes(edge.occurrence);
    for (const edge of this.#edges.splice(this.#capacity)) this.#bytes -= occurrenceBytes(edge.occurrence);
  }

  get isFull(): boolean {
    return this.#edges.length === this.#capacity;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** What is older cannot come in any more: 0 while there is room. */
  get floorMs(): number {
    return this.isFull ? (this.#edges.at(-1)?.occurrence.timeMs ?? 0) + 1 : 0;
  }

  /** Leaves out the oldest until the rest is not larger than this. */
  shrinkTo(bytesMax: number): void {
    while (this.#bytes > bytesMax) {
      const edge = this.#edges.pop();
      if (edge === undefined) return;
      this.#bytes -= occurrenceBytes(edge.occurrence);
    }
  }

  list(): readonly WalkedEdge[] {
    return this.#edges;
  }
}
