import type { IHeaders, KafkaMessage } from 'kafkajs';
import type { SourceHeader, SourceRecord } from './event-source.ts';

/**
 * kafkajs's messages as records. Runs for every record of every topic: one object each, no closures, no copies of bytes
 * (keys and values stay views of the fetched response).
 */
export function sourceRecords(messages: readonly KafkaMessage[]): SourceRecord[] {
  const records: SourceRecord[] = [];
  for (const message of messages) {
    records.push({
      offset: BigInt(message.offset),
      timestampMs: Number(message.timestamp),
      key: message.key,
      value: message.value,
      headers: message.headers === undefined ? null : sourceHeaders(message.headers),
    });
  }
  return records;
}

/** Null when there is none. kafkajs gathers the values of a repeated header, so only the order among names is lost. */
function sourceHeaders(headers: IHeaders): readonly SourceHeader[] | null {
  let found: SourceHeader[] | null = null;
  // kafkajs builds this object with own properties only; `for in` spares the array that `Object.keys` makes.
  for (const key in headers) {
    found ??= [];
    const value = headers[key];
    if (Array.isArray(value)) for (const one of value) found.push({ key, value: headerBytes(one) });
    else found.push({ key, value: headerBytes(value) });
  }
  return found;
}

function headerBytes(value: Buffer | string | null | undefined): Uint8Array | null {
  if (value === undefined || value === null) return null;
  return typeof value === 'string' ? Buffer.from(value) : value;
}
