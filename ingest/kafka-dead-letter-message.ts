import type { IHeaders, Message } from 'kafkajs';
import type { JourneyGraphError } from '../foundation/index.ts';
import type { DeadLetter } from './dead-letters.ts';
import type { SourceHeader } from './event-source.ts';

/** Which pipeline writes the letter. */
export interface DeadLetterOrigin {
  readonly connectorName: string;
  readonly taskId: string;
}

const stackLinesMax = 20;
/** Names of original headers whose value was null, as a JSON array: kafkajs can write no null header, so they are empty. */
export const nullHeadersHeader = '__journey-graph.null.headers';

/**
 * The letter as a Kafka message: the record's own key, bytes, timestamp and headers, and Kafka Connect's `__connect.errors.*`
 * headers, so that the tools people have for those read ours. Should the record be a dead letter itself, Connect's convention
 * holds: ours come after, and the last of a name counts.
 *
 * The error is given as its code and place. Its text is left out, because texts of decoders quote the values they
 * stumbled over, and a header is read by more people than the bytes are.
 */
export function deadLetterMessage(letter: DeadLetter, origin: DeadLetterOrigin): Message {
  const { record } = letter;
  return {
    key: record.key === null ? null : bufferOf(record.key),
    value: record.value === null ? null : bufferOf(record.value),
    headers: headersOf(record.headers ?? [], connectHeaders(letter, origin)),
    // Without a timestamp of its own, the letter gets the time it was written.
    ...(record.timestampMs < 0 ? {} : { timestamp: String(record.timestampMs) }),
  };
}

function connectHeaders(
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

function headersOf(
  originals: readonly SourceHeader[],
  ours: readonly (readonly [string, string])[],
): IHeaders {
  // No prototype: a header may be called `__proto__`.
  const headers: Record<string, Buffer[]> = Object.create(null);
  const add = (name: string, value: Buffer): void => {
    const values = headers[name];
    if (values === undefined) headers[name] = [value];
    else values.push(value);
  };
  for (const { key, value } of originals) add(key, value === null ? Buffer.alloc(0) : bufferOf(value));
  for (const [name, value] of ours) add(name, Buffer.from(value));
  const nulls = new Set(originals.flatMap(({ key, value }) => (value === null ? [key] : [])));
  if (nulls.size > 0) add(nullHeadersHeader, Buffer.from(JSON.stringify([...nulls])));
  return headers;
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
