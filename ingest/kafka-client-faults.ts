/** A client that tripped is replaced; one that does so more often in this time than a race explains is a fault to be looked at. */
const limits = { max: 3, withinMs: 600_000 } as const;

/** Where partitions stand that had records to read and of which none was fetched. */
export type StuckPartitions = ReadonlyMap<number, bigint>;

/**
 * How often Kafka's client tripped. A race passes, and is forgotten with time. What a broker sends again and again is met at the same
 * offset however long the sessions between take, so time does not excuse it. A partition at its log's end, or of another member, shows
 * nothing either way: only one that has records to read and reads none is counted without time.
 */
export class KafkaClientFaults {
  /** At most one more than are let pass. */
  #lately: readonly number[] = [];
  #standing: ReadonlyMap<number, { readonly offset: bigint; readonly times: number }> = new Map();

  /** Counts one more. True when it is one too many. */
  isOneTooMany(nowMs: number, stuck: StuckPartitions): boolean {
    const lately = this.#lately.filter((at) => nowMs - at < limits.withinMs);
    this.#lately = [...lately, nowMs];
    const before = this.#standing;
    this.#standing = new Map(
      [...stuck].map(([partition, offset]) => {
        const known = before.get(partition);
        return [partition, { offset, times: known?.offset === offset ? known.times + 1 : 1 }];
      }),
    );
    const isStanding = [...this.#standing.values()].some(({ times }) => times > limits.max);
    return lately.length >= limits.max || isStanding;
  }
}
