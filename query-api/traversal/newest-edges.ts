import { occurrenceBytes, type WalkedEdge } from './walked-edge.ts';

interface Kept {
  readonly edge: WalkedEdge;
  readonly timeMs: number;
  /** In which order it came: of two of one time the first one stays. */
  readonly order: number;
  readonly bytes: number;
}

/** The newest so many edges of those added; in the order of time, newest first. */
export class NewestEdges {
  readonly #capacity: number;
  /** A heap, with the one that goes next in front. */
  readonly #heap: Kept[] = [];
  #added = 0;
  #bytes = 0;

  /** `capacity` is 1 or more. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Whether an edge of this time comes in; of one that does not neither do older ones. */
  takes(timeMs: number): boolean {
    const next = this.#heap[0];
    return next === undefined || this.#heap.length < this.#capacity || timeMs > next.timeMs;
  }

  add(edge: WalkedEdge): void {
    const { timeMs } = edge.occurrence;
    if (!this.takes(timeMs)) return;
    if (this.isFull) this.#drop();
    const kept = { edge, timeMs, order: this.#added, bytes: occurrenceBytes(edge.occurrence) };
    this.#added += 1;
    this.#bytes += kept.bytes;
    this.#rise(kept);
  }

  get isFull(): boolean {
    return this.#heap.length === this.#capacity;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** What is older cannot come in any more: 0 while there is room. */
  get floorMs(): number {
    return this.isFull ? (this.#heap[0]?.timeMs ?? 0) + 1 : 0;
  }

  /** Leaves out the oldest until the rest is not larger than this. */
  shrinkTo(bytesMax: number): void {
    while (this.#bytes > bytesMax && this.#heap.length > 0) this.#drop();
  }

  list(): readonly WalkedEdge[] {
    return [...this.#heap].sort((a, b) => (goesBefore(a, b) ? 1 : -1)).map(({ edge }) => edge);
  }

  /** Into its place among those above the end. */
  #rise(kept: Kept): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(kept);
    while (at > 0) {
      const above = (at - 1) >> 1;
      const other = heap[above];
      if (other === undefined || !goesBefore(kept, other)) break;
      heap[at] = other;
      at = above;
    }
    heap[at] = kept;
  }

  #drop(): void {
    const heap = this.#heap;
    const [dropped] = heap;
    const moved = heap.pop();
    if (dropped === undefined || moved === undefined) return;
    this.#bytes -= dropped.bytes;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      const left = heap[2 * at + 1];
      if (left === undefined) break;
      const right = heap[2 * at + 2];
      const isRight = right !== undefined && goesBefore(right, left);
      const below = isRight ? right : left;
      if (!goesBefore(below, moved)) break;
      heap[at] = below;
      at = 2 * at + (isRight ? 2 : 1);
    }
    heap[at] = moved;
  }
}

function goesBefore(a: Kept, b: Kept): boolean {
  return a.timeMs < b.timeMs || (a.timeMs === b.timeMs && a.order > b.order);
}
