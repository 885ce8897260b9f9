import { crc32c } from '@platformatic/kafka';

/** Writes Kafka's bytes for tests: of what a broker would never send, too. */
export interface WrittenRecord {
  readonly offsetDelta: number;
  readonly timestampDelta?: bigint;
  readonly key?: Buffer | null;
  readonly value?: Buffer | null;
  readonly headers?: readonly (readonly [name: string, value: Buffer | null])[];
}

export interface WrittenBatch {
  readonly baseOffset: bigint;
  readonly records: readonly WrittenRecord[];
  readonly lastDelta?: number;
  /** How many it says that there are. */
  readonly count?: number;
  readonly producerId?: bigint;
  readonly isTransactional?: boolean;
  readonly isControl?: boolean;
  readonly isBrokerTime?: boolean;
  readonly baseTimestamp?: bigint;
  readonly maxTimestamp?: bigint;
  readonly compression?: number;
  readonly fold?: (plain: Buffer) => Buffer;
}

export interface WrittenPartition {
  readonly partition: number;
  readonly aborted?: readonly { readonly producerId: bigint; readonly firstOffset: bigint }[];
  readonly bytes: Buffer;
}

export function batchBytes(batch: WrittenBatch): Buffer {
  const {
    records,
    isTransactional = false,
    isControl = false,
    isBrokerTime = false,
    compression = 0,
  } = batch;
  const plain = Buffer.concat(records.map(recordBytes));
  const flags = (isBrokerTime ? 0x8 : 0) | (isTransactional ? 0x10 : 0) | (isControl ? 0x20 : 0);
  const lastDelta = batch.lastDelta ?? Math.max(0, ...records.map(({ offsetDelta }) => offsetDelta));
  const checked = Buffer.concat([
    int(2, BigInt(compression | flags)),
    int(4, BigInt(lastDelta)),
    int(8, batch.baseTimestamp ?? 0n),
    int(8, batch.maxTimestamp ?? 0n),
    int(8, batch.producerId ?? -1n),
    ...[int(2, -1n), int(4, -1n)],
    int(4, BigInt(batch.count ?? records.length)),
    batch.fold?.(plain) ?? plain,
  ]);
  const crc = Buffer.alloc(4);
  crc.writeUInt32BE(crc32c(checked));
  const length = int(4, BigInt(4 + 1 + 4 + checked.length));
  return Buffer.concat([int(8, batch.baseOffset), length, int(4, 0n), Buffer.of(2), crc, checked]);
}

/** The answer to a fetch of one topic, `events`. */
export function responseBytes(version: number, partitions: readonly WrittenPartition[]): Buffer {
  const session = version < 7 ? [] : [int(2, 0n), int(4, 7n)];
  return Buffer.concat([
    ...[int(4, 5n), ...session, int(4, 1n), int(2, 6n), Buffer.from('events')],
    int(4, BigInt(partitions.length)),
    ...partitions.map((partition) => partitionBytes(version, partition)),
  ]);
}

function partitionBytes(version: number, { partition, aborted, bytes }: WrittenPartition): Buffer {
  const transactions = (aborted ?? []).flatMap(({ producerId, firstOffset }) => [
    int(8, producerId),
    int(8, firstOffset),
  ]);
  return Buffer.concat([
    ...[int(4, BigInt(partition)), int(2, 0n), int(8, 1_000n), int(8, 900n)],
    ...(version < 5 ? [] : [int(8, 3n)]),
    ...[int(4, BigInt(aborted?.length ?? -1)), ...transactions],
    ...(version < 11 ? [] : [int(4, -1n)]),
    ...[int(4, BigInt(bytes.length)), bytes],
  ]);
}

function recordBytes({ offsetDelta, timestampDelta, key, value, headers = [] }: WrittenRecord): Buffer {
  const record = Buffer.concat([
    ...[Buffer.of(0), varint(timestampDelta ?? 0n), varint(BigInt(offsetDelta))],
    ...[sized(key ?? null), sized(value ?? null), varint(BigInt(headers.length))],
    ...headers.flatMap(([name, content]) => [sized(Buffer.from(name)), sized(content)]),
  ]);
  return Buffer.concat([varint(BigInt(record.length)), record]);
}

function sized(bytes: Buffer | null): Buffer {
  return bytes === null ? varint(-1n) : Buffer.concat([varint(BigInt(bytes.length)), bytes]);
}

function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  let left = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
  for (; left > 0x7fn; left >>= 7n) bytes.push(Number(left & 0x7fn) | 0x80);
  return Buffer.from([...bytes, Number(left)]);
}

function int(length: 2 | 4 | 8, value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(value);
  return bytes.subarray(8 - length);
}
