import { describe, expect, it } from 'vitest';
import { BadDataError } from '../../foundation/index.ts';
import type { SourceHeader, SourceRecord } from '../event-source.ts';
import { deadLetterMessage } from '../kafka-dead-letter-message.ts';
import { readLetter } from './letter.ts';

const source = { cluster: 'c', topic: 'plays', topicId: 'i', partition: 2 };
const error = new BadDataError('AVRO_TRUNCATED', 'quotes a payload', {
  context: { schemaId: 7, path: 'a.b' },
});
const origin = { connectorName: 'n', taskId: '0' };

/** As it comes back from Kafka, at another offset. */
function stored(record: SourceRecord): SourceRecord {
  const { key, value, headers } = deadLetterMessage({ source, record, error, stage: 'decode' }, origin);
  const list = Object.entries(headers ?? {}).flatMap(([name, values]): SourceHeader[] =>
    [values].flat().map((one) => ({ key: name, value: one === undefined ? null : Buffer.from(one) })),
  );
  const bytes = [key, value].map((one) => (one === null || one === undefined ? null : Buffer.from(one)));
  return { ...record, offset: 3n, key: bytes[0] ?? null, value: bytes[1] ?? null, headers: list };
}

const record: SourceRecord = {
  offset: 41n,
  timestampMs: 5,
  key: Buffer.from('m'),
  value: Buffer.from([0, 0, 0, 0, 7]),
  headers: [
    { key: 'trace', value: Buffer.from('one') },
    { key: 'trace', value: Buffer.from('two') },
    { key: 'nothing', value: null },
  ],
};

describe('A dead letter, read again', () => {
  it('is the record that it was, at its own offset, with where that was and why', () => {
    expect(readLetter(stored(record))).toEqual({
      record: { ...record, offset: 3n },
      origin: { topic: 'plays', partition: 2, offset: 41n },
      reason: 'AVRO_TRUNCATED',
      detail: 'schemaId=7 path=a.b',
      stage: 'decode',
    });
  });

  it('keeps the headers of a record that was a dead letter itself', () => {
    const twice = stored(stored(record));
    expect(readLetter(twice).record.headers).toHaveLength(stored(record).headers?.length ?? 0);
    expect(readLetter(readLetter(twice).record)).toMatchObject({
      origin: { offset: 41n },
      record: { headers: record.headers },
    });
  });

  it('of somebody else has no origin and no reason', () => {
    const foreign = {
      ...record,
      headers: [{ key: '__connect.errors.exception.message', value: Buffer.from('Oops: 12') }],
    };
    expect(readLetter(foreign)).toMatchObject({
      origin: null,
      reason: 'UNKNOWN',
      detail: '',
      record: { headers: null },
    });
  });
});
