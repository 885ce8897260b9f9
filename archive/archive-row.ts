/** A record of a topic as the archive has it: enough to be decoded as if it came from Kafka. */
export interface ArchiveRow {
  readonly offset: bigint;
  /** -1 when the record had none. */
  readonly timestampMs: number;
  readonly schemaId: number | null;
  readonly key: Uint8Array | null;
  /** The record's value as it was, framing included. */
  readonly value: Uint8Array | null;
  readonly headers: readonly ArchiveHeader[];
}

export interface ArchiveHeader {
  readonly key: string;
  readonly value: Uint8Array | null;
}

/** Where a row was read: for messages and for lineage. */
export interface ArchivePlace {
  readonly file: string;
  readonly group: number;
  /** Within the file, from 0. */
  readonly row: number;
}
