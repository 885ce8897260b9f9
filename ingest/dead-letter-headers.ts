import type { JourneyGraphError } from '../foundation/index.ts';
import type { DeadLetter } from './dead-letters.ts';

/** Which pipeline writes the letter. */
export interface DeadLetterOrigin {
  readonly connectorName: string;
  readonly taskId: string;
}

const stackLinesMax = 20;

/**
 * Kafka Connect's `__connect.errors.*` headers, so that the tools people have for those read ours. They come after the
 * record's own: should the record be a dead letter itself, Connect's convention holds that the last of a name counts.
 *
 * The error is given as its code and place. Its text is left out, because texts of decoders quote the values they
 * stumbled over, and a header is read by more people than the bytes are.
 */
export function connectErrorHeaders(
  { source, record, error, stage }: DeadLetter,
  origin: DeadLetterOrigin,
): readonly (readonly [string, string])[] {
  return [
    ['__connect.errors.topic', source.topic],
    ['__connect.errors.partition', String(source.partition)],
    ['__connect.errors.offset', String(record.offset)],
    ['__connect.errors.connector.name', origin.connectorName],
    ['__connect.errors.task.id', origin.taskId],
    ['__connect.errors.stage', stage],
    ['__connect.errors.class.name', `journey-graph.${stage}`],
    ['__connect.errors.exception.class.name', error.name],
    ['__connect.errors.exception.message', describe(error)],
    ['__connect.errors.exception.stacktrace', framesOf(error)],
  ];
}

/** Such as `AVRO_TRUNCATED subject=views-value schemaId=7 path=device.kind`. */
function describe({ code, context }: JourneyGraphError): string {
  const { subject, schemaId, path } = context;
  const places = Object.entries({ subject, schemaId, path }).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${value}`],
  );
  return [code, ...places].join(' ');
}

/** The stack without the error's text above it, which may span lines. */
function framesOf(error: Error): string {
  const lines = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  return lines.slice(0, stackLinesMax).join('\n');
}
