import type { DeadLetter } from './dead-letters.ts';
import type { SourceHeader } from './event-source.ts';

/** An error's text in a header is cut here: a record must not outgrow what the log takes because of its error. */
const messageCharactersMax = 1_000;

/**
 * The record's own headers, then Kafka Connect's `__connect.errors.*` ones, which tools for dead letters understand. Those of
 * an earlier life as a dead letter are replaced, so that a letter sent again does not grow with each round.
 */
export function deadLetterHeaders(letter: DeadLetter): readonly SourceHeader[] {
  const { source, record, error, stage } = letter;
  const original = (record.headers ?? []).filter(({ key }) => !key.startsWith('__connect.errors.'));
  return [
    ...original,
    header('topic', source.topic),
    header('partition', String(source.partition)),
    header('offset', String(record.offset)),
    header('stage', stage),
    header('task.id', '0'),
    header('connector.name', 'journey-graph'),
    header('exception.class.name', `${error.name}:${error.code}`),
    header('exception.message', error.message.slice(0, messageCharactersMax)),
  ];
}

function header(name: string, value: string): SourceHeader {
  return { key: `__connect.errors.${name}`, value: Buffer.from(value) };
}
