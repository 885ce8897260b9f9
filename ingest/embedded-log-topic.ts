import { RefusedError } from '../foundation/index.ts';

export interface LogTopic {
  readonly topic: string;
  /** Another one each time the topic is created. */
  readonly topicId: string;
  readonly partitions: number;
}

export interface PartitionState {
  /** Low watermark: the first offset that is still there. */
  readonly low: bigint;
  readonly end: bigint;
  /** Bytes of all chunks ever appended below `low` and below `end`. */
  readonly lowBytes: number;
  readonly endBytes: number;
}

const emptyPartition: PartitionState = { low: 0n, end: 0n, lowBytes: 0, endBytes: 0 };

/** A topic in memory: where each partition stands, and who waits for more of it. */
export class TopicState implements LogTopic {
  readonly topic: string;
  readonly topicId: string;
  readonly partitions: number;
  /** True from the moment when it is durably gone: nothing may be written under its id any more. */
  deleted = false;
  readonly #states: PartitionState[];
  #version = 0;
  #waiters: (() => void)[] = [];

  constructor({ topic, topicId, partitions }: LogTopic) {
    this.topic = topic;
    this.topicId = topicId;
    this.partitions = partitions;
    this.#states = Array.from({ length: partitions }, () => emptyPartition);
  }

  /** Grows with every change. */
  get version(): number {
    return this.#version;
  }

  /** What others may know of it. */
  get description(): LogTopic {
    const { topic, topicId, partitions } = this;
    return { topic, topicId, partitions };
  }

  get states(): readonly PartitionState[] {
    return this.#states;
  }

  /** Throws RefusedError LOG_NO_TOPIC. */
  state(partition: number): PartitionState {
    const state = this.#states[partition];
    if (state !== undefined) return state;
    throw new RefusedError('LOG_NO_TOPIC', `Topic ${this.topic} has no partition ${partition}.`, {
      context: { topic: this.topic, partition },
    });
  }

  move(partition: number, state: PartitionState): void {
    this.#states[partition] = state;
  }

  notify(): void {
    this.#version += 1;
    for (const wake of [...this.#waiters]) wake();
  }

  /** Resolves when the version is beyond `version`, or when `signal` aborts. */
  async changed(version: number, signal: AbortSignal): Promise<void> {
    if (this.#version > version || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        signal.removeEventListener('abort', wake);
        this.#waiters = this.#waiters.filter((waiter) => waiter !== wake);
        resolve();
      };
      signal.addEventListener('abort', wake, { once: true });
      this.#waiters.push(wake);
    });
  }
}
