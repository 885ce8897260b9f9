import { join } from 'node:path';
import type { Settings } from '../config/index.ts';
import type { Log } from '../foundation/index.ts';
import {
  type DeadLetterWriter,
  defaultEmbeddedLogSettings,
  EmbeddedLetterLog,
  type EmbeddedLog,
  EmbeddedLogDeadLetters,
  EmbeddedLogSource,
  type EventSource,
  type LetterLog,
  type LogState,
  openEmbeddedLog,
  type SourceEnd,
} from '../ingest/index.ts';
import {
  type BroadcastLog,
  InProcessBroadcastLog,
  MemorySubscriptionTable,
  type SubscriptionTable,
} from '../live-events/index.ts';
import { loadCatalog } from '../schemas/index.ts';
import type { CommandIo } from './command-io.ts';
import type { Events } from './events.ts';

/** Partitions of a topic that the embedded log has to create. */
export const embeddedPartitions = 2;
const readBytesMax = 2 ** 20;

/** Events from the log in this process's own data folder. */
export class EmbeddedEvents implements Events {
  readonly log: EmbeddedLog;
  readonly topics: readonly string[];
  readonly #settings: Settings;
  readonly #io: CommandIo;

  private constructor(log: EmbeddedLog, topics: readonly string[], settings: Settings, io: CommandIo) {
    this.log = log;
    this.topics = topics;
    this.#settings = settings;
    this.#io = io;
  }

  /** Topics that are missing are created: the named ones, or all of the catalog's. */
  static async open(settings: Settings, io: CommandIo): Promise<EmbeddedEvents> {
    const log = await openEmbeddedLog({
      ...defaultEmbeddedLogSettings,
      folder: join(settings.data, 'log'),
      retentionBytesMax: settings['log.retention.bytes'],
    });
    try {
      const catalog = (await loadCatalog()).map(({ topic }) => topic);
      const topics = settings.topics.length > 0 ? settings.topics : [...new Set(catalog)];
      await Promise.all(topics.map((topic) => log.createTopic(topic, embeddedPartitions)));
      return new EmbeddedEvents(log, topics, settings, io);
    } catch (error) {
      await log.close();
      throw error;
    }
  }

  get description(): string {
    return `the embedded log, ${this.topics.length} ${this.topics.length === 1 ? 'topic' : 'topics'}`;
  }

  source(topic: string): EventSource {
    const retry = {
      baseMs: this.#settings['retry.backoff.ms'],
      maxMs: this.#settings['retry.backoff.max.ms'],
    };
    return new EmbeddedLogSource(this.log, { topic, readBytesMax, retry }, this.#io.clock, this.#io.random);
  }

  ends(topic: string): Promise<readonly SourceEnd[]> {
    return this.source(topic).ends();
  }

  /** Each reader of the embedded log reads all of it. */
  tableSource(topic: string): EventSource {
    return this.source(topic);
  }

  archiveSource(topic: string): EventSource {
    return this.source(topic);
  }

  async logState(topic: string): Promise<LogState> {
    const bytes = this.#settings['log.retention.bytes'];
    return { ends: await this.source(topic).ends(), retention: { ms: null, bytes, isCompacted: false } };
  }

  /** One process: its producer tells its router. */
  broadcasts(log: Log): BroadcastLog {
    return new InProcessBroadcastLog(log);
  }

  /** Forgotten with the process: its gateways dial it again. */
  subscriptions(): SubscriptionTable {
    return new MemorySubscriptionTable();
  }

  deadLetters(): DeadLetterWriter {
    return new EmbeddedLogDeadLetters(this.log);
  }

  letters(): LetterLog {
    return new EmbeddedLetterLog(this.log);
  }

  async close(): Promise<void> {
    await this.log.close();
  }
}
