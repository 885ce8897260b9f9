import { AssertionError } from 'node:assert';
import { promisify } from 'node:util';
import { constants, zstdCompress, zstdDecompress } from 'node:zlib';
import { must, StopError } from '../foundation/index.ts';
import { RowDigest } from './digest.ts';
import { decodeGraphKey } from './graph-key.ts';
import type { GraphSnapshot, SourceStatus } from './graph-store.ts';
import { KeyOwner } from './key-owner.ts';
import { originRange } from './lineage.ts';
import { logicalValue } from './logical-rows.ts';
import { noRows, type RowCounts, rowNameOf } from './row-counts.ts';
import { rowFormat, rowKindOf } from './rows.ts';
import { FrameReader, FrameWriter, frameBytesMax, frameKind, snapshotMagic } from './snapshot-frames.ts';
import { decodeSource, encodeSource, type SourceJson } from './source-json.ts';
import { Expiry, keptForEver, type TimeToLive } from './time-to-live.ts';

type Row = readonly [key: Buffer, value: Buffer];

/**
 * A snapshot as one file, streamed both ways: a header and a footer in JSON, between them blocks of rows, each compressed on its own.
 *
 *     block   for each row: length of the key, length of the value (4 each), key, value
 */
const fileVersion = 1;

export interface SnapshotHeader {
  readonly fileVersion: number;
  readonly productVersion: string;
  /** The format of the store whose rows these are. */
  readonly rowFormat: string;
  /** Milliseconds since the Unix epoch. */
  readonly takenAtMs: number;
  readonly sources: readonly SourceStatus[];
  readonly timeToLive: TimeToLive;
}

/** What whoever takes a snapshot says of it. */
export type SnapshotAbout = Pick<SnapshotHeader, 'productVersion' | 'takenAtMs'>;

export interface SnapshotFooter {
  readonly rows: number;
  readonly rowsByKind: Readonly<RowCounts>;
  /** Keys and values, unfolded. */
  readonly bytes: number;
  /** Of the graph, whatever time to live hides: without any rule the store's own digest. */
  readonly digest: string;
}

const blockBytes = 2 ** 20;
/** A row is far smaller: values are bounded where batches are packed. */
const blockBytesMax = frameBytesMax;
const lengthsBytes = 8;
const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);
/** Level 1: the disk and the network are no slower than the compression, and the writer's thread wants the processor too. */
const compressing = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };
const everything = new Expiry(keptForEver, 0);

/** Writes a snapshot down, a few pieces at a time: bounded memory as long as they are taken one after the other. */
export class SnapshotEncoder {
  readonly #snapshot: GraphSnapshot;
  readonly #about: SnapshotAbout;
  #footer: SnapshotFooter | null = null;
  #rows = 0;

  constructor(snapshot: GraphSnapshot, about: SnapshotAbout) {
    this.#snapshot = snapshot;
    this.#about = about;
  }

  /** So far. */
  get rows(): number {
    return this.#rows;
  }

  /** Null until everything was written. */
  get footer(): SnapshotFooter | null {
    return this.#footer;
  }

  async *bytes(): AsyncGenerator<Buffer> {
    const frames = await FrameWriter.create();
    const { sources, timeToLive } = this.#snapshot;
    yield snapshotMagic;
    const header = {
      fileVersion,
      rowFormat,
      ...this.#about,
      sources: sources.map(encodeSource),
      timeToLive,
    };
    yield* jsonFrame(frames, frameKind.header, header);
    const summary = await RowSummary.create();
    const block = new Block();
    const flush = async (): Promise<readonly Buffer[]> => {
      const unfolded = block.take();
      return frames.frame(frameKind.rows, unfolded.length, await compress(unfolded, compressing));
    };
    for await (const [key, value] of this.#snapshot.rows()) {
      summary.add(key, value);
      block.add(key, value);
      this.#rows += 1;
      if (block.length >= blockBytes) yield* await flush();
    }
    if (block.length > 0) yield* await flush();
    this.#footer = summary.footer;
    yield* jsonFrame(frames, frameKind.footer, this.#footer);
  }
}

function jsonFrame(frames: FrameWriter, kind: number, content: object): readonly Buffer[] {
  const bytes = Buffer.from(JSON.stringify(content));
  return frames.frame(kind, bytes.length, bytes);
}

class Block {
  #bytes = Buffer.allocUnsafe(blockBytes * 2);
  length = 0;

  add(key: Buffer, value: Buffer): void {
    const end = this.length + lengthsBytes + key.length + value.length;
    if (end > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(end * 2);
      this.#bytes.copy(grown, 0, 0, this.length);
      this.#bytes = grown;
    }
    this.#bytes.writeUInt32BE(key.length, this.length);
    this.#bytes.writeUInt32BE(value.length, this.length + 4);
    key.copy(this.#bytes, this.length + lengthsBytes);
    value.copy(this.#bytes, this.length + lengthsBytes + key.length);
    this.length = end;
  }

  /** Good until the next row is added. */
  take(): Buffer {
    const taken = this.#bytes.subarray(0, this.length);
    this.length = 0;
    return taken;
  }
}

/** What the footer says of the rows; both ends come to it on their own. */
class RowSummary {
  readonly #digest: RowDigest;
  readonly #counts = noRows();
  #rows = 0;
  #bytes = 0;

  private constructor(digest: RowDigest) {
    this.#digest = digest;
  }

  static async create(): Promise<RowSummary> {
    return new RowSummary(await RowDigest.create());
  }

  add(key: Buffer, value: Buffer): void {
    this.#rows += 1;
    this.#bytes += key.length + value.length;
    if (key[0] === originRange.gte[0]) {
      this.#counts.origins += 1;
      return;
    }
    this.#counts[must(rowNameOf(rowKindOf(key)), 'a graph row has a known kind')] += 1;
    const logical = logicalValue(key, value, everything);
    if (logical !== null) this.#digest.add(key, logical);
  }

  get footer(): SnapshotFooter {
    return {
      rows: this.#rows,
      rowsByKind: { ...this.#counts },
      bytes: this.#bytes,
      digest: this.#digest.hex,
    };
  }
}

/** Of rows that come from a store: what the footer of their snapshot would say. */
export async function summaryOf(rows: AsyncIterable<Row>): Promise<SnapshotFooter> {
  const summary = await RowSummary.create();
  for await (const [key, value] of rows) summary.add(key, value);
  return summary.footer;
}

/**
 * Reads a snapshot file, which may come from anywhere: header, then rows, then the footer that has to agree with them.
 *
 * All throw StopError SNAPSHOT_FOREIGN, SNAPSHOT_VERSION (written by a newer version, or with rows of a format that this one does not read)
 * or SNAPSHOT_DAMAGED, with the name and the offset.
 */
export class SnapshotReader {
  readonly header: SnapshotHeader;
  readonly #frames: FrameReader;
  readonly #owner = new KeyOwner();
  #footer: SnapshotFooter | null = null;
  #rows = 0;

  private constructor(frames: FrameReader, header: SnapshotHeader) {
    this.#frames = frames;
    this.header = header;
  }

  /** `name` is what errors call it. */
  static async open(name: string, bytes: AsyncIterable<Uint8Array>): Promise<SnapshotReader> {
    const frames = await FrameReader.open(name, bytes);
    try {
      const frame = await frames.next();
      if (frame.kind !== frameKind.header) throw frames.damaged(frame.offset, 'there is no header');
      return new SnapshotReader(frames, decodeHeader(name, frames, frame.stored, frame.offset));
    } catch (error) {
      await frames.close();
      throw error;
    }
  }

  /** So far. */
  get rowsRead(): number {
    return this.#rows;
  }

  get bytesRead(): number {
    return this.#frames.offset;
  }

  /** Null until all rows have been read. */
  get footer(): SnapshotFooter | null {
    return this.#footer;
  }

  /** Read once. Has thrown by its end unless everything is as it was written. */
  async *rows(): AsyncGenerator<Row> {
    const summary = await RowSummary.create();
    for (;;) {
      const frame = await this.#frames.next();
      if (frame.kind === frameKind.footer) return await this.#end(frame.stored, frame.offset, summary.footer);
      if (frame.kind !== frameKind.rows)
        throw this.#frames.damaged(frame.offset, 'there is no block of rows');
      const block = await this.#unfold(frame.stored, frame.unfoldedBytes, frame.offset);
      for (let at = 0; at < block.length; ) {
        const row = this.#rowAt(block, at, frame.offset);
        summary.add(row[0], row[1]);
        this.#rows += 1;
        yield row;
        at += lengthsBytes + row[0].length + row[1].length;
      }
    }
  }

  /**
   * Reads the file to its end by checksums alone, without unfolding rows: enough to say that a transfer is whole. Instead of `rows`.
   */
  async skim(): Promise<SnapshotFooter> {
    for (;;) {
      const { kind, stored, offset } = await this.#frames.next();
      if (kind === frameKind.rows) continue;
      if (kind !== frameKind.footer) throw this.#frames.damaged(offset, 'there is no block of rows');
      await this.#frames.end();
      this.#footer = decodeJson<SnapshotFooter>(this.#frames, stored, offset);
      return this.#footer;
    }
  }

  /** Lets go of what the bytes come from, wherever reading is. */
  async close(): Promise<void> {
    await this.#frames.close();
  }

  async #unfold(stored: Buffer, unfoldedBytes: number, offset: number): Promise<Buffer> {
    try {
      const block = await decompress(stored, { maxOutputLength: blockBytesMax });
      if (block.length === unfoldedBytes) return block;
    } catch (cause) {
      // Anything but bytes that cannot be unfolded is not the file's fault.
      if (!(cause instanceof Error && 'code' in cause)) throw cause;
    }
    throw this.#frames.damaged(offset, 'the block that begins there cannot be unfolded');
  }

  #rowAt(block: Buffer, at: number, offset: number): Row {
    const keyAt = at + lengthsBytes;
    if (keyAt > block.length)
      throw this.#frames.damaged(offset, 'a row of the block that begins there is cut off');
    const valueAt = keyAt + block.readUInt32BE(at);
    const end = valueAt + block.readUInt32BE(at + 4);
    if (end > block.length)
      throw this.#frames.damaged(offset, 'a row of the block that begins there is cut off');
    const row: Row = [block.subarray(keyAt, valueAt), block.subarray(valueAt, end)];
    if (!this.#belongs(row[0]))
      throw this.#frames.damaged(
        offset,
        'the block that begins there has a row of no kind that belongs there, or not where its name puts it',
      );
    return row;
  }

  /** Of an origin or of the graph, reverse rows apart: a file may hold nothing else that would get into a store, and nothing where a store would not look for it. */
  #belongs(key: Buffer): boolean {
    if (key[0] === originRange.gte[0]) return key.length === 5;
    try {
      const { kind, node } = decodeGraphKey(key);
      this.#owner.check(key, node);
      return kind !== 'in';
    } catch (error) {
      if (error instanceof AssertionError || error instanceof RangeError) return false;
      throw error;
    }
  }

  async #end(stored: Buffer, offset: number, found: SnapshotFooter): Promise<void> {
    const footer = decodeJson<SnapshotFooter>(this.#frames, stored, offset);
    await this.#frames.end();
    if (footer.rows !== found.rows || footer.digest !== found.digest || footer.bytes !== found.bytes) {
      throw this.#frames.damaged(offset, 'the footer that begins there tells of other rows');
    }
    this.#footer = footer;
  }
}

function decodeHeader(name: string, frames: FrameReader, stored: Buffer, offset: number): SnapshotHeader {
  type Stored = Omit<SnapshotHeader, 'sources'> & { readonly sources: readonly SourceJson[] };
  const header = decodeJson<Stored>(frames, stored, offset);
  const { fileVersion: version, rowFormat: format, productVersion } = header;
  if (version !== fileVersion || format !== rowFormat) {
    const at = snapshotMagic.length;
    throw new StopError(
      'SNAPSHOT_VERSION',
      `The snapshot ${name} was written by version ${productVersion} with rows of format ${format} (byte ${at}), and this version reads rows of ` +
        `format ${rowFormat} in files of version ${fileVersion}; restore it with the version that wrote it, or with a newer one.`,
    );
  }
  return { ...header, sources: header.sources.map(decodeSource) };
}

function decodeJson<T>(frames: FrameReader, stored: Buffer, offset: number): T {
  try {
    return JSON.parse(stored.toString());
  } catch {
    throw frames.damaged(offset, 'what begins there is no JSON');
  }
}
