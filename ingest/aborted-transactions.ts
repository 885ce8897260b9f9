import type { RecordBatch } from './record-batch.ts';

export interface AbortedTransaction {
  readonly producerId: bigint;
  /** Of its first record in this partition. */
  readonly firstOffset: bigint;
}

/**
 * Which batches are not to be read, batch by batch in the order of the log: as Kafka's own consumer decides it.
 *
 * A broker lists aborted transactions in the order in which they ended, those that began last in front: kafkajs 2.2.4 takes the list for sorted, steps into one of them a record,
 * and takes each record with a key of four zeros for the end of one, and so shows what was never committed.
 */
export class AbortedTransactions {
  readonly #waiting: readonly AbortedTransaction[];
  readonly #aborted = new Set<bigint>();
  #next = 0;

  constructor(transactions: readonly AbortedTransaction[]) {
    this.#waiting = transactions.toSorted((a, b) => Number(a.firstOffset - b.firstOffset));
  }

  hides({ lastOffset, producerId, isTransactional, isControl }: RecordBatch): boolean {
    for (
      let next = this.#waiting[this.#next];
      next !== undefined && next.firstOffset <= lastOffset;
      next = this.#waiting[this.#next]
    ) {
      this.#aborted.add(next.producerId);
      this.#next += 1;
    }
    // A record of the broker's own at this place ends the transaction that its producer had open.
    if (isControl) this.#aborted.delete(producerId);
    return isTransactional && !isControl && this.#aborted.has(producerId);
  }
}
