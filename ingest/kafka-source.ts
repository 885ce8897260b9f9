import {
  Backoff,
  type Clock,
  type JourneyGraphError,
  type Log,
  OutageError,
  type Random,
} from '../foundation/index.ts';
import type { SourcePartition } from '../graph-store/index.ts';
import type { EventSource, SourceEnd, SourceHandler } from './event-source.ts';
import { KafkaClientFaults, type StuckPartitions } from './kafka-client-faults.ts';
import type { KafkaConsumeSettings } from './kafka-consume-settings.ts';
import { isClientFault, isElection, kafkaError } from './kafka-error.ts';
import { type ConsumerClient, KafkaSession, type SessionEnd } from './kafka-session.ts';
import { type TopicLookup, topicEnds } from './kafka-topic-ids.ts';
import { PositionReports } from './position-reports.ts';

export interface KafkaSourceParts {
  readonly client: ConsumerClient;
  /** This source's own: it is closed when `run` ends. */
  readonly lookup: TopicLookup;
  readonly topic: string;
  readonly settings: KafkaConsumeSettings;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: Random;
}

const backoffLimits = { baseMs: 250, maxMs: 15_000 } as const;
/** Whoever is to serve the group is known within a second or two; only what takes longer is told to people. */
const electionPatienceMs = 10_000;

/**
 * One Kafka topic. Positions live in the store: nothing is ever read from Kafka's committed offsets.
 * Runs one {@link KafkaSession} after another until told to stop; between two of them it waits with jittered backoff.
 */
export class KafkaSource implements EventSource {
  readonly topic: string;
  readonly #parts: KafkaSourceParts;
  #session: KafkaSession | null = null;
  #reading = false;
  #down = false;
  /** When the cluster first said that it is settling who serves the group; null while it is served. */
  #electingSinceMs: number | null = null;
  readonly #clientFaults = new KafkaClientFaults();
  readonly #reports: PositionReports;

  constructor(parts: KafkaSourceParts) {
    const { topic, clock, log } = parts;
    this.topic = topic;
    this.#parts = parts;
    this.#reports = new PositionReports(
      async (partition, next) => await this.#session?.commit(partition, next),
      clock,
      (error, partition) => {
        const { code } = kafkaError(error, 'tell the consumed offset', { topic, partition });
        log.debug({ topic, partition, code }, 'lag tools could not be told the position');
      },
    );
  }

  get reading(): boolean {
    return this.#reading;
  }

  /** How often telling lag tools failed since the start. */
  get reportFailures(): number {
    return this.#reports.failures;
  }

  async run(handler: SourceHandler, signal: AbortSignal): Promise<void> {
    const { clock, random, lookup, topic } = this.#parts;
    const backoff = new Backoff(backoffLimits, clock, random);
    try {
      while (!signal.aborted) {
        try {
          const end = await this.#runSession(handler, signal, backoff);
          // What two brokers say of one topic may differ for a while, and a session begins with both.
          if (end !== 'aborted') await backoff.wait(signal);
        } catch (error) {
          const known = kafkaError(error, `read topic "${topic}"`, { topic });
          if (known.reaction !== 'outage') throw known;
          if (signal.aborted) break;
          this.#failed(known, handler);
          await backoff.wait(signal);
        }
      }
    } finally {
      await lookup.close();
    }
  }

  /** Tells of an outage: people once, the handler of each attempt. */
  #failed(outage: JourneyGraphError, handler: SourceHandler): void {
    const { clock, log, topic } = this.#parts;
    const fields = { topic, code: outage.code };
    const now = clock.now();
    if (!this.#down && isElection(outage)) {
      this.#electingSinceMs ??= now;
      if (now - this.#electingSinceMs < electionPatienceMs) {
        log.debug(fields, `${outage.message} Trying again.`);
        return;
      }
    }
    if (!this.#down) log.warn(fields, `${outage.message} Trying again.`);
    this.#down = true;
    handler.outage(outage);
  }

  async #runSession(handler: SourceHandler, signal: AbortSignal, backoff: Backoff): Promise<SessionEnd> {
    const { lookup, topic, log } = this.#parts;
    const identity = await lookup.identify(topic);
    if (signal.aborted) return 'aborted';
    const onReading = (): void => {
      this.#reading = true;
      backoff.reset();
      this.#electingSinceMs = null;
      if (!this.#down) return;
      this.#down = false;
      log.info({ topic }, `topic "${topic}" is being read again`);
      handler.outage(null);
    };
    const session = new KafkaSession({ ...this.#parts, identity, handler, onReading });
    this.#session = session;
    let end: SessionEnd;
    try {
      end = await session.run(signal);
    } catch (error) {
      const known = this.#explain(error, session.stuck);
      if (known.reaction === 'outage') await session.idle(signal);
      throw known;
    } finally {
      this.#session = null;
      this.#reading = false;
      this.#reports.clear();
    }
    await session.idle(signal);
    return end;
  }

  #explain(error: unknown, stuck: StuckPartitions): JourneyGraphError {
    const { clock, topic } = this.#parts;
    const known = kafkaError(error, `read topic "${topic}"`, { topic });
    if (known.code !== 'KAFKA_UNREADABLE' || !isClientFault(error)) return known;
    if (this.#clientFaults.isOneTooMany(clock.now(), stuck)) return known;
    const message = `Could not read topic "${topic}": the Kafka client failed by itself, and is replaced by a new one.`;
    return new OutageError('KAFKA_CLIENT_FAILED', message, { cause: error, context: { topic } });
  }

  async ends(): Promise<readonly SourceEnd[]> {
    const { lookup, topic } = this.#parts;
    return await topicEnds(lookup, topic);
  }

  report(source: SourcePartition, next: bigint): void {
    if (this.#session?.identity.topicId !== source.topicId) return;
    this.#reports.report(source.partition, next);
  }

  reclaim(source: SourcePartition): void {
    if (this.#session?.identity.topicId === source.topicId) this.#session.reclaim(source.partition);
  }
}
