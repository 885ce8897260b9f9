import {
  Backoff,
  type BackoffLimits,
  type Clock,
  FencedError,
  type Random,
  StopError,
} from '../foundation/index.ts';
import type { SourcePartition } from '../graph-store/index.ts';
import type { EmbeddedLog, LogRead } from './embedded-log.ts';
import { asJourneyGraphError, classify } from './error-classifier.ts';
import type { EventSource, SourceEnd, SourceHandler } from './event-source.ts';

export interface EmbeddedLogSourceSettings {
  readonly topic: string;
  /** Bytes of one read; whole chunks, one at least. */
  readonly readBytesMax: number;
  readonly retry: BackoffLimits;
}

/**
 * All partitions of one topic of the embedded log. Each has a loop of its own and one read under way at most, so none can
 * starve another; at the end of the log it waits to be told of new records.
 */
export class EmbeddedLogSource implements EventSource {
  readonly topic: string;
  readonly #log: EmbeddedLog;
  readonly #settings: EmbeddedLogSourceSettings;
  readonly #clock: Clock;
  readonly #random: Random;

  constructor(log: EmbeddedLog, settings: EmbeddedLogSourceSettings, clock: Clock, random: Random) {
    this.topic = settings.topic;
    this.#log = log;
    this.#settings = settings;
    this.#clock = clock;
    this.#random = random;
  }

  async run(handler: SourceHandler, signal: AbortSignal): Promise<void> {
    if (this.#partitions().length === 0) {
      throw new StopError('LOG_NO_TOPIC', `The log has no topic ${this.topic}; create it first.`);
    }
    const failed = new AbortController();
    const ending = AbortSignal.any([signal, failed.signal]);
    const loops = this.#partitions().map(async (source) => {
      try {
        await this.#follow(source, handler, ending);
      } finally {
        // Whether it failed or was told to end: the others must not outlive it.
        failed.abort();
        handler.revoked(source);
      }
    });
    const results = await Promise.allSettled(loops);
    const failure = results.find((result) => result.status === 'rejected');
    if (failure !== undefined) throw failure.reason;
  }

  async ends(): Promise<readonly SourceEnd[]> {
    const ends = this.#log.ends(this.topic);
    return this.#partitions().map((source) => ({ source, end: ends[source.partition]?.end ?? 0n }));
  }

  /** Nobody else watches this log: the position in the store says it all. */
  report(): void {
    return;
  }

  async #follow(source: SourcePartition, handler: SourceHandler, signal: AbortSignal): Promise<void> {
    const backoff = new Backoff(this.#settings.retry, this.#clock, this.#random);
    while (!signal.aborted) {
      try {
        if (!(await this.#read(source, handler, signal))) return;
      } catch (error) {
        if (error instanceof FencedError) continue;
        if (classify(error) !== 'outage') throw error;
        handler.outage(asJourneyGraphError(error));
        await backoff.wait(signal);
        handler.outage(null);
      }
    }
  }

  /** One assignment, until the signal aborts. False when the handler does not want to go on. */
  async #read(source: SourcePartition, handler: SourceHandler, signal: AbortSignal): Promise<boolean> {
    const { topic, partition } = source;
    const assigned = await handler.assigned(source);
    let from = assigned ?? this.#low(partition);
    while (!signal.aborted) {
      const low = this.#low(partition);
      if (from < low) {
        if (handler.gap(source, from, low) === 'stop') return false;
        from = low;
      }
      const version = this.#log.version(topic);
      const read = await this.#readOrRetained(source, from);
      if (signal.aborted) return true;
      if (read === null) continue;
      const { records, next, end } = read;
      if (records.length === 0) {
        await this.#log.changed(topic, version, signal);
        continue;
      }
      await handler.batch({ source, records, from, next, end });
      from = next;
    }
    return true;
  }

  /** Null when retention deleted the records while they were read: a gap, seen when looked at again. */
  async #readOrRetained({ topic, partition }: SourcePartition, from: bigint): Promise<LogRead | null> {
    try {
      return await this.#log.read(topic, partition, from, this.#settings.readBytesMax);
    } catch (error) {
      if (from < this.#low(partition)) return null;
      throw error;
    }
  }

  #low(partition: number): bigint {
    return this.#log.ends(this.topic)[partition]?.low ?? 0n;
  }

  #partitions(): readonly SourcePartition[] {
    const topic = this.#log.topics().find((one) => one.topic === this.topic);
    if (topic === undefined) return [];
    return Array.from({ length: topic.partitions }, (_, partition) => ({
      cluster: this.#log.cluster,
      topic: this.topic,
      topicId: topic.topicId,
      partition,
    }));
  }
}
