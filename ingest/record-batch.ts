import { crc32c } from '@platformatic/kafka';
import { brokenBatch, largeBatch } from './kafka-batch-error.ts';
import { RecordBytes } from './record-bytes.ts';

/**
 * Record batches of Kafka's format 2, as kafkajs shows them.
 * Source: https://kafka.apache.org/documentation/#recordbatch
 */
export interface RecordBatch {
  readonly baseOffset: bigint;
  /** Of the last record that was written, though it may have been compacted away. */
  readonly lastOffset: bigint;
  readonly producerId: bigint;
  readonly isTransactional: boolean;
  readonly isControl: boolean;
  /** 0 for none, else as `CompressionTypes` of kafkajs numbers them. */
  readonly compression: number;
  /** Milliseconds since the Unix epoch, of the batch's first record; of all of them where the broker sets the time. */
  readonly baseTimestamp: bigint;
  readonly isBrokerTime: boolean;
  readonly maxTimestamp: bigint;
  readonly count: number;
  /** As they were sent: compressed. */
  readonly records: Buffer;
}

type HeaderValue = Buffer | null;

/** As much of a `KafkaMessage` as anybody looks at. */
export interface BatchMessage {
  readonly magicByte: 2;
  readonly attributes: number;
  readonly timestamp: string;
  readonly offset: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, HeaderValue | HeaderValue[]>>;
  /** Never shown, as a record of the broker's own is not: what nobody may see still says how far the log was read. */
  readonly isControlRecord: boolean;
}

const lengthAt = 8;
const magicAt = 16;
const crcAt = 17;
const checkedAt = 21;
const headerBytes = 61;
const behindLength = 12;
/** Its length, five fields of a byte at least, and the number of its headers. */
const recordBytesLeast = 7;
const compressionMask = 0x7;
const brokerTimeFlag = 0x8;
const transactionalFlag = 0x10;
const controlFlag = 0x20;

export const magicOf = (bytes: Buffer, at: number): number | null =>
  bytes.length - at > magicAt ? bytes.readInt8(at + magicAt) : null;

/** Null where less than a whole batch is left: a broker cuts its answer off anywhere. Throws StopError KAFKA_BATCH_BROKEN. */
export function readBatch(
  bytes: Buffer,
  at: number,
): { readonly batch: RecordBatch; readonly end: number } | null {
  if (bytes.length - at < headerBytes) return null;
  const length = bytes.readInt32BE(at + lengthAt);
  if (length < headerBytes - behindLength) throw brokenBatch('its length is too small');
  const end = at + behindLength + length;
  if (end > bytes.length) return null;
  if (crc32c(bytes.subarray(at + checkedAt, end)) !== bytes.readUInt32BE(at + crcAt))
    throw brokenBatch('its bytes are not those of its checksum');
  const header = new RecordBytes(bytes, at + checkedAt, end);
  const baseOffset = bytes.readBigInt64BE(at);
  const attributes = header.int16();
  const lastDelta = header.int32();
  if (lastDelta < 0) throw brokenBatch('it ends before it begins');
  const [baseTimestamp, maxTimestamp, producerId] = [header.int64(), header.int64(), header.int64()];
  // The producer's epoch and first sequence: of no use to a reader.
  header.int16();
  header.int32();
  const count = header.int32();
  const batch = {
    ...{
      baseOffset,
      lastOffset: baseOffset + BigInt(lastDelta),
      producerId,
      baseTimestamp,
      maxTimestamp,
      count,
    },
    isTransactional: (attributes & transactionalFlag) !== 0,
    isControl: (attributes & controlFlag) !== 0,
    isBrokerTime: (attributes & brokerTimeFlag) !== 0,
    compression: attributes & compressionMask,
    records: bytes.subarray(header.at, end),
  };
  return { batch, end };
}

/** What two of take in memory is what one record does. */
const headersForRecord = 2;

/** The headers of one batch: two bytes are enough for one, which takes a hundred times that in memory. */
class HeaderAllowance {
  readonly #max: number;
  read = 0;

  constructor(max: number) {
    this.#max = max;
  }

  take(count: number): void {
    this.read += count;
    if (this.read > this.#max) throw largeBatch(`has more than ${this.#max} headers`);
  }
}

export interface ReadRecords {
  readonly messages: BatchMessage[];
  /** In records, headers among them. */
  readonly cost: number;
}

/**
 * `plain` are the batch's records, unfolded. Their offsets rise: whoever reads on behind one has read all those before.
 * Throws StopError (KAFKA_BATCH_BROKEN, KAFKA_BATCH_TOO_LARGE).
 */
export function readRecords(batch: RecordBatch, plain: Buffer, recordsMax: number): ReadRecords {
  const { count } = batch;
  if (count < 0 || count > plain.length / recordBytesLeast)
    throw brokenBatch('it has fewer records than it says');
  if (count > recordsMax) throw largeBatch(`has ${count} records, more than ${recordsMax},`);
  const reader = new RecordBytes(plain);
  const lastDelta = Number(batch.lastOffset - batch.baseOffset);
  const textOf = textsFrom(batch.baseOffset);
  let before = -1;
  const offsetOf = (delta: number): string => {
    if (delta < 0 || delta > lastDelta) throw brokenBatch('a record lies outside of it');
    if (delta <= before) throw brokenBatch('a record lies behind the one that follows it');
    before = delta;
    return textOf(delta);
  };
  const headers = new HeaderAllowance(recordsMax * headersForRecord);
  const timestampOf = textsFrom(batch.baseTimestamp);
  const brokerTime = batch.isBrokerTime ? String(batch.maxTimestamp) : null;
  const messages: BatchMessage[] = [];
  for (let index = 0; index < count; index += 1) {
    const length = reader.varint();
    if (length < 0 || length > reader.left) throw brokenBatch('a record is longer than what is left');
    const record = new RecordBytes(plain, reader.at, reader.at + length);
    reader.at = record.end;
    messages.push(readRecord(record, offsetOf, timestampOf, brokerTime, headers));
  }
  return { messages, cost: count + headers.read / headersForRecord };
}

/** In place of what nobody may see, or what is gone. */
export function hiddenMessage(offset: bigint): BatchMessage {
  const nothing = { timestamp: '0', key: null, value: null, headers: noHeaders };
  return { magicByte: 2, attributes: 0, offset: String(offset), ...nothing, isControlRecord: true };
}

function readRecord(
  record: RecordBytes,
  offsetOf: (delta: number) => string,
  timestampOf: (delta: number | bigint) => string,
  brokerTime: string | null,
  headers: HeaderAllowance,
): BatchMessage {
  const attributes = record.byte();
  const timestampDelta = record.varlong();
  const offset = offsetOf(record.varint());
  const key = record.bytesOrNull();
  const value = record.bytesOrNull();
  return {
    magicByte: 2,
    attributes,
    timestamp: brokerTime ?? timestampOf(timestampDelta),
    offset,
    key,
    value,
    headers: readHeaders(record, headers),
    isControlRecord: false,
  };
}

type Headers = Record<string, HeaderValue | HeaderValue[]>;

/** Without a prototype, so that no name means anything. */
const emptyHeaders = (): Headers => ({ __proto__: null });
const noHeaders: Readonly<Headers> = Object.freeze(emptyHeaders());

/** In time that grows with their number, whatever their names: kafkajs copies all headers before for each one. */
function readHeaders(record: RecordBytes, allowance: HeaderAllowance): Readonly<Headers> {
  const count = record.varint();
  if (count === 0) return noHeaders;
  if (count < 0 || count > record.left / 2) throw brokenBatch('a record has fewer headers than it says');
  allowance.take(count);
  const headers = emptyHeaders();
  for (let index = 0; index < count; index += 1) {
    const name = record.bytesOrNull();
    if (name === null) throw brokenBatch('a header has no name');
    const key = name.toString('utf8');
    const value = record.bytesOrNull();
    const before = headers[key];
    if (before === undefined) headers[key] = value;
    else if (Array.isArray(before)) before.push(value);
    else headers[key] = [before, value];
  }
  return headers;
}

/** Numbers where these are exact, which spares two bigints a record. */
function textsFrom(base: bigint): (delta: number | bigint) => string {
  const number = Number(base);
  // Room for any delta that is a number of 49 bits.
  const isSmall = Math.abs(number) < 2 ** 52;
  return (delta) =>
    isSmall && typeof delta === 'number' ? String(number + delta) : String(base + BigInt(delta));
}
