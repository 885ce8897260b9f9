import {
  Backoff,
  type BackoffLimits,
  type Clock,
  FencedError,
  OutageError,
  type Random,
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
 *
 * A topic that is missing is waited for; one that was recreated is another topic, whose partitions are assigned anew.
 */
export class EmbeddedLogSource implements EventSource {
  readonly topic: string;
  readonly #log: EmbeddedLog;
  readonly #settings: EmbeddedLogSourceSettings;
  readonly #clock: Clock;
  readonly #random: Random;
  /** What ends each assignment under way, by topic id and partition. */
  readonly #assignments = new Map<string, AbortController>();
  /** Who cannot read the log now. */
  readonly #down = new Set<number | 'topic'>();

  constructor(log: EmbeddedLog, settings: EmbeddedLogSourceSettings, clock: Clock, random: Random) {
    this.topic = settings.topic;
    this.#log = log;
    this.#settings = settings;
    this.#clock = clock;
    this.#random = random;
  }

  get reading(): boolean {
    return this.#assignments.size > 0;
  }

  async run(handler: SourceHandler, signal: AbortSignal): Promise<void> {
    const backoff = this.#backoff();
    while (!signal.aborted) {
      const partitions = this.#partitions();
      if (partitions.length > 0) {
        this.#up('topic', handler);
        backoff.reset();
        if ((await this.#followAll(partitions, handler, signal)) === 'ended') return;
        continue;
      }
      this.#fail('topic', this.#noTopic(), handler);
      await backoff.wait(signal);
    }
  }

  async ends(): Promise<readonly SourceEnd[]> {
    const partitions = this.#partitions();
    if (partitions.length === 0) throw this.#noTopic();
    const ends = this.#log.ends(this.topic);
    return partitions.map((source) => ({ source, ...(ends[source.partition] ?? { low: 0n, end: 0n }) }));
  }

  /** Nobody else watches this log: the position in the store says it all. */
  report(): void {
    return;
  }

  reclaim(source: SourcePartition): void {
    this.#assignments.get(keyOf(source))?.abort();
  }

  /** One life of the topic. */
  async #followAll(
    partitions: readonly SourcePartition[],
    handler: SourceHandler,
    signal: AbortSignal,
  ): Promise<'ended' | 'recreated'> {
    const failed = new AbortController();
    const ending = AbortSignal.any([signal, failed.signal]);
    const loops = partitions.map(async (source) => {
      try {
        return await this.#follow(source, handler, ending);
      } finally {
        // Whether it failed or was told to end: the others must not outlive it.
        failed.abort();
        this.#assignments.delete(keyOf(source));
        this.#up(source.partition, handler);
        handler.revoked(source);
      }
    });
    const results = await Promise.allSettled(loops);
    const failure = results.find((result) => result.status === 'rejected');
    if (failure !== undefined) throw failure.reason;
    const told = results.some((result) => result.status === 'fulfilled' && result.value === 'stopped');
    return told || signal.aborted ? 'ended' : 'recreated';
  }

  async #follow(
    source: SourcePartition,
    handler: SourceHandler,
    signal: AbortSignal,
  ): Promise<'stopped' | 'aborted' | 'recreated'> {
    const backoff = this.#backoff();
    while (!signal.aborted) {
      try {
        const end = await this.#read(source, handler, signal, backoff);
        if (end !== 'reclaimed') return end;
      } catch (error) {
        if (error instanceof FencedError) continue;
        if (classify(error) !== 'outage') throw error;
        this.#fail(source.partition, asJourneyGraphError(error), handler);
        await backoff.wait(signal);
      }
    }
    return 'aborted';
  }

  /** One assignment. */
  async #read(
    source: SourcePartition,
    handler: SourceHandler,
    signal: AbortSignal,
    backoff: Backoff,
  ): Promise<'stopped' | 'aborted' | 'recreated' | 'reclaimed'> {
    const { topic, partition } = source;
    const assignment = new AbortController();
    this.#assignments.set(keyOf(source), assignment);
    const ending = AbortSignal.any([signal, assignment.signal]);
    let from = await handler.assigned(source);
    while (!ending.aborted) {
      if (!this.#isCurrent(source)) return 'recreated';
      const { low, end } = this.#bounds(partition);
      from ??= low;
      if (from < low || from > end) {
        const found = from < low ? low : end;
        if (handler.gap(source, from, found) === 'stop') return 'stopped';
        from = found;
      }
      const version = this.#log.version(topic);
      const read = await this.#readOrRetained(source, from);
      if (ending.aborted) break;
      if (read === null) continue;
      this.#up(partition, handler);
      backoff.reset();
      if (read.records.length === 0) {
        await this.#changed(source, version, ending);
        continue;
      }
      await handler.batch({ source, records: read.records, from, next: read.next, end: read.end });
      from = read.next;
    }
    return signal.aborted ? 'aborted' : 'reclaimed';
  }

  /** Null when the records went while they were read, with retention or with their topic: seen when looked at again. */
  async #readOrRetained(source: SourcePartition, from: bigint): Promise<LogRead | null> {
    const { topic, partition } = source;
    try {
      return await this.#log.read(topic, partition, from, this.#settings.readBytesMax);
    } catch (error) {
      if (!this.#isCurrent(source) || from < this.#bounds(partition).low) return null;
      throw error;
    }
  }

  async #changed(source: SourcePartition, version: number, signal: AbortSignal): Promise<void> {
    if (this.#isCurrent(source)) await this.#log.changed(source.topic, version, signal);
  }

  #bounds(partition: number): { readonly low: bigint; readonly end: bigint } {
    return this.#log.ends(this.topic)[partition] ?? { low: 0n, end: 0n };
  }

  /** False when the topic's name means another topic by now, or none. */
  #isCurrent({ topic, topicId }: SourcePartition): boolean {
    return this.#log.topics().some((one) => one.topic === topic && one.topicId === topicId);
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

  #noTopic(): OutageError {
    const message = `The log has no topic ${this.topic}. It is waited for; create it, or check its name.`;
    return new OutageError('LOG_UNKNOWN_TOPIC', message, { context: { topic: this.topic } });
  }

  #fail(who: number | 'topic', error: Error, handler: SourceHandler): void {
    this.#down.add(who);
    handler.outage(error);
  }

  #up(who: number | 'topic', handler: SourceHandler): void {
    if (this.#down.delete(who) && this.#down.size === 0) handler.outage(null);
  }

  #backoff(): Backoff {
    return new Backoff(this.#settings.retry, this.#clock, this.#random);
  }
}

function keyOf({ topicId, partition }: SourcePartition): string {
  return `${topicId}/${partition}`;
}
