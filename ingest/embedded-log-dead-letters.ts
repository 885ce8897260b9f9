import { connectErrorHeaders, type DeadLetterOrigin } from './dead-letter-headers.ts';
import type { DeadLetter, DeadLetterWriter } from './dead-letters.ts';
import type { EmbeddedLog } from './embedded-log.ts';
import type { LogRecord } from './embedded-log-format.ts';

/** One process reads the embedded log, so there is nothing to tell apart. */
const origin: DeadLetterOrigin = { connectorName: 'journey-graph', taskId: '0' };

/** Dead letters into `<topic>.dlq` of the embedded log, which is made with the first of them, with as many partitions as the topic. */
export class EmbeddedLogDeadLetters implements DeadLetterWriter {
  readonly #log: EmbeddedLog;

  constructor(log: EmbeddedLog) {
    this.#log = log;
  }

  /** Same partition as the record's: letters of one key stay in order. Throws OutageError. */
  async write(letters: readonly DeadLetter[]): Promise<void> {
    const groups = Map.groupBy(letters, ({ source }) => JSON.stringify([source.topic, source.partition]));
    await Promise.all([...groups.values()].map((group) => this.#writeGroup(group)));
  }

  /** The log is closed by whoever opened it. */
  async close(): Promise<void> {
    return;
  }

  async #writeGroup(letters: readonly DeadLetter[]): Promise<void> {
    const [first] = letters;
    if (first === undefined) return;
    const { topic, partition } = first.source;
    const partitions = this.#log.topics().find((one) => one.topic === topic)?.partitions ?? partition + 1;
    const target = await this.#log.createTopic(`${topic}.dlq`, partitions);
    await this.#log.append(target.topic, partition % target.partitions, letters.map(asRecord));
  }
}

function asRecord(letter: DeadLetter): LogRecord {
  const { timestampMs, key, value, headers } = letter.record;
  const added = connectErrorHeaders(letter, origin).map(([name, text]) => ({
    key: name,
    value: Buffer.from(text),
  }));
  return { timestampMs, key, value, headers: [...(headers ?? []), ...added] };
}
