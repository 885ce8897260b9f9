/** Rows of one group at most; what is left of a double's 53 bits beside a hash. */
export const queuedRowsMax = 2 ** 21;
const initialRows = 2 ** 14;

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
  /** A node's hash above the row's number: sorting these sorts the rows by node and leaves those of a node in order. */
  #order = new Float64Array(initialRows);
  #fields = new Int32Array(initialRows * 5);
  #length = 0;

  get length(): number {
    return this.#length;
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
    if (row === this.#order.length) this.#grow();
    this.#order[row] = hash * queuedRowsMax + row;
    const fields = this.#fields;
    const at = row * 5;
    fields[at] = kind;
    fields[at + 1] = batch;
    fields[at + 2] = mutationAt;
    fields[at + 3] = eventAt;
    fields[at + 4] = lineageAt;
    this.#length = row + 1;
  }

  /** Calls `put` with each row in key order, always with the same object, and is empty afterwards. */
  drain(put: (row: QueuedRow) => void): void {
    const order = this.#order.subarray(0, this.#length).sort();
    const fields = this.#fields;
    const row = { kind: 0, batch: 0, mutationAt: 0, eventAt: 0, lineageAt: 0 };
    this.#length = 0;
    for (let i = 0; i < order.length; i += 1) {
      const at = ((order[i] ?? 0) % queuedRowsMax) * 5;
      row.kind = fields[at] ?? 0;
      row.batch = fields[at + 1] ?? 0;
      row.mutationAt = fields[at + 2] ?? 0;
      row.eventAt = fields[at + 3] ?? 0;
      row.lineageAt = fields[at + 4] ?? 0;
      put(row);
    }
  }

  #grow(): void {
    const order = new Float64Array(this.#order.length * 2);
    const fields = new Int32Array(order.length * 5);
    order.set(this.#order);
    fields.set(this.#fields);
    this.#order = order;
    this.#fields = fields;
  }
}
