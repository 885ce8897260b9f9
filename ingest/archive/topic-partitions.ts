import type { Log } from '../../foundation/index.ts';
import type { SourcePartition } from '../../graph-store/index.ts';
import { positionKey, type SkippedOffsets } from './archive-positions.ts';
import type { ArchivedPartition } from './archiver-status.ts';

/** One partition on its way into the table. */
export interface Partition {
  readonly source: SourcePartition;
  isOurs: boolean;
  /** What was collected of it is gone: it has to be assigned again. */
  isLost: boolean;
  isBusy: boolean;
  /** The table's, when it was assigned or last committed. */
  archived: bigint | null;
  read: bigint | null;
  end: bigint | null;
  /** What left the log before it was read, since it was assigned. */
  skipped: SkippedOffsets | null;
}

/** How far each partition of a topic was read and archived, as far as this process knows. */
export class TopicPartitions {
  readonly #partitions = new Map<string, Partition>();
  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  known(source: SourcePartition): Partition | undefined {
    return this.#partitions.get(positionKey(source));
  }

  /** The partition of a topic that was made anew takes the place of the old one's. */
  of(source: SourcePartition): Partition {
    const known = this.known(source);
    if (known !== undefined) return known;
    for (const [other, { source: former }] of this.#partitions) {
      if (former.partition !== source.partition || former.topicId === source.topicId) continue;
      this.#partitions.delete(other);
      const fields = { topic: source.topic, was: former.topicId, is: source.topicId };
      const message = `Topic ${source.topic} was recreated: partition ${source.partition} is archived from the new topic's beginning.`;
      this.#log.warn(fields, message);
    }
    const partition: Partition = {
      source,
      isOurs: false,
      isLost: false,
      isBusy: false,
      archived: null,
      read: null,
      end: null,
      skipped: null,
    };
    this.#partitions.set(positionKey(source), partition);
    return partition;
  }

  /** Back to where the table is: what was read behind it is void. Answers those that have to be asked for again, since nobody hands a batch of them over who would hear of it. */
  giveUp(): readonly SourcePartition[] {
    const idle: SourcePartition[] = [];
    for (const partition of this.#partitions.values()) {
      partition.read = partition.archived;
      if (!partition.isOurs || partition.isLost) continue;
      partition.isLost = true;
      if (!partition.isBusy) idle.push(partition.source);
    }
    return idle;
  }

  status(): readonly ArchivedPartition[] {
    return [...this.#partitions.values()].map(({ source, isOurs, archived, read, end }) => ({
      source,
      isOurs,
      archived,
      read,
      end,
    }));
  }
}
