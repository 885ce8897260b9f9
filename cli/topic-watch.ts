import { type Clock, JourneyGraphError, type Log } from '../foundation/index.ts';
import type { GraphReader, SourceStatus } from '../graph-store/index.ts';
import { LagMeter, type PartitionLag } from '../ingest/index.ts';
import type { Events } from './events.ts';

export interface TopicWatchParts {
  readonly store: Pick<GraphReader, 'sources'>;
  readonly events: Pick<Events, 'topics' | 'ends'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** What is known of a topic, whichever processes read it. */
export interface WatchedTopic {
  readonly lags: readonly PartitionLag[];
  /** Greatest event time that was ever applied; 0 when none was. */
  readonly newestEventMs: number;
}

const lookEveryMs = 5_000;

/** Looks every few seconds how far each topic has been applied: by the store's positions and the log's ends, so for all processes together. */
export class TopicWatch {
  readonly #parts: TopicWatchParts;
  readonly #topics = new Map<string, { readonly meter: LagMeter; seen: WatchedTopic | null }>();
  #storeAnswers = true;

  constructor(parts: TopicWatchParts) {
    this.#parts = parts;
    for (const topic of parts.events.topics) this.#topics.set(topic, { meter: new LagMeter(), seen: null });
  }

  /** Null while it is not known: before the first look, and while the log or the store does not answer. */
  seen(topic: string): WatchedTopic | null {
    return this.#topics.get(topic)?.seen ?? null;
  }

  /** Whether it did at the last look. */
  get storeAnswers(): boolean {
    return this.#storeAnswers;
  }

  /** Until `signal` aborts; rejects for a bug only. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.look(signal);
      await this.#parts.clock.sleep(lookEveryMs, signal);
    }
  }

  async look(signal?: AbortSignal): Promise<void> {
    const sources = await this.#tried('The store', () => this.#parts.store.sources());
    this.#storeAnswers = sources !== null;
    for (const [topic, watched] of this.#topics) {
      if (signal?.aborted === true) return;
      watched.seen = sources === null ? null : await this.#seen(topic, watched.meter, sources);
    }
  }

  async #seen(
    topic: string,
    meter: LagMeter,
    sources: readonly SourceStatus[],
  ): Promise<WatchedTopic | null> {
    const ends = await this.#tried(`The end of topic ${topic}`, () => this.#parts.events.ends(topic));
    if (ends === null) return null;
    const topicIds = new Set(ends.map(({ source }) => source.topicId));
    const own = sources.filter(({ source }) => source.topic === topic && topicIds.has(source.topicId));
    const newestEventMs = own.reduce((newest, one) => Math.max(newest, one.newestEventMs), 0);
    return { lags: meter.observe(ends, own, this.#parts.clock.now()), newestEventMs };
  }

  /** Null when it cannot be asked now: pipelines tell people of outages, and here the figures are missing. */
  async #tried<T>(what: string, ask: () => Promise<T>): Promise<T | null> {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof JourneyGraphError)) throw error;
      this.#parts.log.debug({ code: error.code }, `${what} could not be looked at: ${error.message}`);
      return null;
    }
  }
}
