import type { IHeaders, Message } from 'kafkajs';
import { connectErrorHeaders, type DeadLetterOrigin } from './dead-letter-headers.ts';
import type { DeadLetter } from './dead-letters.ts';
import type { SourceHeader } from './event-source.ts';

/** Names of original headers whose value was null, as a JSON array: kafkajs can write no null header, so they are empty. */
export const nullHeadersHeader = '__journey-graph.null.headers';

/**
 * The letter as a Kafka message: the record's own key, bytes, timestamp and headers, and Kafka Connect's `__connect.errors.*`
 * headers.
 */
export function deadLetterMessage(letter: DeadLetter, origin: DeadLetterOrigin): Message {
  const { record } = letter;
  return {
    key: record.key === null ? null : bufferOf(record.key),
    value: record.value === null ? null : bufferOf(record.value),
    headers: headersOf(record.headers ?? [], connectErrorHeaders(letter, origin)),
    // Without a timestamp of its own, the letter gets the time it was written.
    ...(record.timestampMs < 0 ? {} : { timestamp: String(record.timestampMs) }),
  };
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
