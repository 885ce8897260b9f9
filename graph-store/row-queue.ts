const initialRows = 2 ** 14;
const bucketBits = 16;
const fieldCount = 5;

/** Where the parts of a row stand that is still to be put. */
export interface QueuedRow {
  kind: number;
  /** Which of the group's batches. */
  batch: number;
  /** In the batch: the mutation, behind its tag. */
  mutationAt: number;
  eventAt: number;
  lineageAt: number;
}

/**
 * The rows that a group will put, as numbers: nothing is built before it is known in which order. LevelDB finds a row's place in its memory
 * table several times faster when the one before was its neighbour. One for each writer; a group empties it before the next begins.
 */
export class RowQueue {
  #hashes = new Uint32Array(initialRows);
  #fields = new Int32Array(initialRows * fieldCount);
  #sorted = new Int32Array(initialRows * fieldCount);
  readonly #starts = new Int32Array(2 ** bucketBits + 1);
  readonly #rowsMax: number;
  #length = 0;

  /** Takes so many rows at most: whoever pushes looks at `hasRoom` before. */
  constructor(rowsMax: number) {
    this.#rowsMax = rowsMax;
  }

  hasRoom(rows: number): boolean {
    return this.#length + rows <= this.#rowsMax;
  }

  push(
    hash: number,
    kind: number,
    batch: number,
    mutationAt: number,
    eventAt: number,
    lineageAt: number,
  ): void {
    const row = this.#length;
    if (row === this.#hashes.length) this.#grow();
    this.#hashes[row] = hash;
    const fields = this.#fields;
    const at = row * fieldCount;
    fields[at] = kind;
    fields[at + 1] = batch;
    fields[at + 2] = mutationAt;
    fields[at + 3] = eventAt;
    fields[at + 4] = lineageAt;
    this.#length = row + 1;
  }

  /** Calls `put` with each row, always with the same object, and is empty afterwards. */
  drain(put: (row: QueuedRow) => void): void {
    const count = this.#length;
    this.#length = 0;
    const fields = this.#sort(count);
    const row = { kind: 0, batch: 0, mutationAt: 0, eventAt: 0, lineageAt: 0 };
    for (let i = 0; i < count; i += 1) {
      const at = i * fieldCount;
      row.kind = fields[at] ?? 0;
      row.batch = fields[at + 1] ?? 0;
      row.mutationAt = fields[at + 2] ?? 0;
      row.eventAt = fields[at + 3] ?? 0;
      row.lineageAt = fields[at + 4] ?? 0;
      put(row);
    }
  }

  /**
   * By the first bits of the hash, rows of one node as they came: one counting sort. What is left unsorted are a row or two in a bucket, which are
   * neighbours all the same; a full sort costs ten times as much and saves LevelDB nothing. The fields are moved, not pointed at: a processor waits for
   * what it reads from far memory and not for what it writes there.
   */
  #sort(count: number): Int32Array {
    const hashes = this.#hashes;
    const fields = this.#fields;
    const sorted = this.#sorted;
    const starts = this.#starts.fill(0);
    for (let i = 0; i < count; i += 1) {
      const next = ((hashes[i] ?? 0) >>> (32 - bucketBits)) + 1;
      starts[next] = (starts[next] ?? 0) + 1;
    }
    for (let i = 1; i < starts.length; i += 1) starts[i] = (starts[i] ?? 0) + (starts[i - 1] ?? 0);
    for (let i = 0; i < count; i += 1) {
      const bucket = (hashes[i] ?? 0) >>> (32 - bucketBits);
      const place = starts[bucket] ?? 0;
      starts[bucket] = place + 1;
      const to = place * fieldCount;
      const from = i * fieldCount;
      sorted[to] = fields[from] ?? 0;
      sorted[to + 1] = fields[from + 1] ?? 0;
      sorted[to + 2] = fields[from + 2] ?? 0;
      sorted[to + 3] = fields[from + 3] ?? 0;
      sorted[to + 4] = fields[from + 4] ?? 0;
    }
    return sorted;
  }

  #grow(): void {
    const rows = this.#hashes.length * 2;
    const hashes = new Uint32Array(rows);
    const fields = new Int32Array(rows * fieldCount);
    hashes.set(this.#hashes);
    fields.set(this.#fields);
    this.#hashes = hashes;
    this.#fields = fields;
    this.#sorted = new Int32Array(rows * fieldCount);
  }
}
