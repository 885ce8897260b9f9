import type { EmbeddedLog } from '../embedded-log.ts';
import type { SourceRecord } from '../event-source.ts';
import { deadLetterTopic } from '../kafka-dead-letters.ts';
import type { LetterLog, LetterPartition } from './letter-log.ts';

const readBytesMax = 2 ** 20;

/** Letters in the embedded log, which whoever opened it closes. */
export class EmbeddedLetterLog implements LetterLog {
  readonly #log: EmbeddedLog;

  constructor(log: EmbeddedLog) {
    this.#log = log;
  }

  async partitions(topic: string): Promise<readonly LetterPartition[]> {
    const name = deadLetterTopic(topic);
    const found = this.#log.topics().find((one) => one.topic === name);
    if (found === undefined) return [];
    const { cluster } = this.#log;
    return this.#log.ends(name).map(({ low, end }, partition) => ({
      source: { cluster, topic: name, topicId: found.topicId, partition },
      low,
      end,
    }));
  }

  async *read(
    { source, low, end }: LetterPartition,
    from: bigint,
    signal: AbortSignal,
  ): AsyncGenerator<readonly SourceRecord[]> {
    let next = from < low ? low : from;
    while (next < end && !signal.aborted) {
      const read = await this.#log.read(source.topic, source.partition, next, readBytesMax);
      next = read.next;
      yield read.records.filter(({ offset }) => offset >= from && offset < end);
    }
  }

  async close(): Promise<void> {
    return;
  }
}
