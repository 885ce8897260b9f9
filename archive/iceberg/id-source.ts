import { randomBytes, randomUUID } from 'node:crypto';

/** Where what must be unique comes from. */
export interface IdSource {
  uuid(): string;
  /** Positive, 63 bits. */
  snapshotId(): bigint;
  /** 16 bytes that end the blocks of an Avro file. */
  sync(): Uint8Array;
}

export const randomIds: IdSource = {
  uuid: () => randomUUID(),
  snapshotId: () => (randomBytes(8).readBigUInt64LE() & 0x7fff_ffff_ffff_ffffn) | 1n,
  sync: () => randomBytes(16),
};
