import { hashes, must, StopError } from '../foundation/index.ts';

/**
 * The outer layer of a snapshot file: the magic, then frames.
 *
 *     frame   kind (1), bytes stored (4), bytes unfolded (4), checksum (8), what is stored
 *
 * The checksum is XXH64 of all of a frame but itself, seeded with the frame's place in the file: a frame that is damaged, missing,
 * twice there or in another's place does not match. It guards against mistakes, not against forgers.
 */
export const frameKind = { header: 0x48, rows: 0x42, footer: 0x46 } as const;

/** The last three bytes show when a transfer has taken the file for text. */
export const snapshotMagic = Buffer.from('JGSNAP\r\n\x1a\n', 'latin1');

export const frameBytesMax = 64 * 2 ** 20;
const headBytes = 17;
const checksumAt = 9;

export interface Frame {
  readonly kind: number;
  readonly unfoldedBytes: number;
  readonly stored: Buffer;
  /** Of the frame in the file. */
  readonly offset: number;
}

type Hash = (bytes: Uint8Array, seed?: bigint) => bigint;

export class FrameWriter {
  readonly #hash: Hash;
  #place = 0n;

  private constructor(hash: Hash) {
    this.#hash = hash;
  }

  static async create(): Promise<FrameWriter> {
    return new FrameWriter((await hashes()).h64Raw);
  }

  /** The frame's head and what is stored. */
  frame(kind: number, unfoldedBytes: number, stored: Buffer): readonly Buffer[] {
    const head = Buffer.alloc(headBytes);
    head[0] = kind;
    head.writeUInt32BE(stored.length, 1);
    head.writeUInt32BE(unfoldedBytes, 5);
    head.writeBigUInt64BE(checksum(this.#hash, head, stored, this.#place), checksumAt);
    this.#place += 1n;
    return [head, stored];
  }
}

/** Reads a file as it comes, a frame at a time. `name` is what errors call it. */
export class FrameReader {
  readonly #name: string;
  readonly #hash: Hash;
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #held: Uint8Array[] = [];
  #heldBytes = 0;
  /** Of the first byte that is not taken. */
  #offset = 0;
  #place = 0n;

  private constructor(name: string, bytes: AsyncIterable<Uint8Array>, hash: Hash) {
    this.#name = name;
    this.#hash = hash;
    this.#chunks = bytes[Symbol.asyncIterator]();
  }

  /** Throws StopError SNAPSHOT_FOREIGN when the file does not begin as a snapshot does, SNAPSHOT_DAMAGED when it ends sooner. */
  static async open(name: string, bytes: AsyncIterable<Uint8Array>): Promise<FrameReader> {
    const reader = new FrameReader(name, bytes, (await hashes()).h64Raw);
    try {
      await reader.#readMagic();
      return reader;
    } catch (error) {
      await reader.close();
      throw error;
    }
  }

  get offset(): number {
    return this.#offset;
  }

  /** Throws StopError SNAPSHOT_DAMAGED. */
  async next(): Promise<Frame> {
    const offset = this.#offset;
    const head = await this.#take(headBytes, offset);
    const length = head.readUInt32BE(1);
    const unfoldedBytes = head.readUInt32BE(5);
    // Before anything is held: the length of a damaged head may be anything.
    if (length > frameBytesMax || unfoldedBytes > frameBytesMax)
      throw this.damaged(offset, 'no frame begins');
    const stored = await this.#take(length, offset);
    if (head.readBigUInt64BE(checksumAt) !== checksum(this.#hash, head, stored, this.#place)) {
      throw this.damaged(offset, 'the checksum of what begins there does not match');
    }
    this.#place += 1n;
    return { kind: must(head[0], 'a head has a kind'), unfoldedBytes, stored, offset };
  }

  /** Throws StopError SNAPSHOT_DAMAGED when there is more. */
  async end(): Promise<void> {
    if (await this.#hold(1)) throw this.damaged(this.#offset, 'something follows the end');
  }

  /** Ends reading, wherever it is. */
  async close(): Promise<void> {
    await this.#chunks.return?.();
  }

  damaged(offset: number, what: string): StopError {
    return new StopError(
      'SNAPSHOT_DAMAGED',
      `The snapshot ${this.#name} is damaged at byte ${offset}: ${what}; take another copy of it, or another snapshot.`,
    );
  }

  async #readMagic(): Promise<void> {
    await this.#hold(snapshotMagic.length);
    const length = Math.min(snapshotMagic.length, this.#heldBytes);
    const found = this.#cut(length);
    if (found.equals(snapshotMagic)) return;
    if (length > 0 && snapshotMagic.subarray(0, length).equals(found)) throw this.#truncated(0);
    throw new StopError(
      'SNAPSHOT_FOREIGN',
      `${this.#name} is no snapshot of Journey Graph: it does not begin as one does at byte 0.`,
    );
  }

  async #take(length: number, frameAt: number): Promise<Buffer> {
    if (!(await this.#hold(length))) throw this.#truncated(frameAt);
    return this.#cut(length);
  }

  #truncated(frameAt: number): StopError {
    const end = this.#offset + this.#heldBytes;
    return this.damaged(end, `the file ends there, in the middle of what begins at byte ${frameAt}`);
  }

  /** False when there is less. */
  async #hold(length: number): Promise<boolean> {
    while (this.#heldBytes < length) {
      const { done, value } = await this.#chunks.next();
      if (done === true) return false;
      this.#held.push(value);
      this.#heldBytes += value.length;
    }
    return true;
  }

  #cut(length: number): Buffer {
    const all = this.#held.length === 1 ? this.#held[0] : Buffer.concat(this.#held);
    const bytes = Buffer.from(all?.buffer ?? new ArrayBuffer(0), all?.byteOffset ?? 0, all?.length ?? 0);
    this.#held.length = 0;
    this.#heldBytes = bytes.length - length;
    this.#offset += length;
    if (this.#heldBytes > 0) this.#held.push(bytes.subarray(length));
    return bytes.subarray(0, length);
  }
}

function checksum(hash: Hash, head: Buffer, stored: Buffer, place: bigint): bigint {
  return hash(stored, hash(head.subarray(0, checksumAt), place));
}
