import { StopError } from '../foundation/index.ts';

/** What the settings table calls `decompressedBatchBytesMax`: what people raise when an honest batch is larger. */
export const decompressedBatchSetting = 'decompressed.bytes.max';

export function brokenBatch(what: string, cause?: unknown): StopError {
  return new StopError('KAFKA_BATCH_BROKEN', `A record batch cannot be read: ${what}.`, { cause });
}

export function largeBatch(what: string): StopError {
  return new StopError(
    'KAFKA_BATCH_TOO_LARGE',
    `A batch ${what} and was not read. If its producer is honest, raise ${decompressedBatchSetting}.`,
    { context: { setting: decompressedBatchSetting } },
  );
}

/** kafkajs fetches the same batch again after any error but one that says it is final, in its own word. */
export class UnreadableBatchError extends Error {
  readonly retriable = false;

  constructor(cause: unknown) {
    super('unreadable batch', { cause });
    this.name = 'UnreadableBatchError';
  }
}
