import { createReadStream } from 'node:fs';
import { inflateRawSync, zstdDecompressSync } from 'node:zlib';
import { uncompress } from 'snappyjs';
import { RefusedError } from '../foundation/index.ts';
import { AvroSchema } from '../schemas/index.ts';

/** One datum of a container file, in its Avro bytes. */
export interface ContainerDatum {
  /** Counts from 0 through the whole file. */
  readonly index: number;
  readonly writer: AvroSchema;
  readonly bytes: Buffer;
}

const magic = Buffer.from('Obj\x01');
const syncBytes = 16;
const headerBytesMax = 4_194_304;
/** Of a block, as it is in the file and as it unfolds. Writers close theirs after some ten kilobytes. */
const blockBytesMax = 67_108_864;
const entriesMax = 1_000;

export function isContainerFile(firstBytes: Uint8Array): boolean {
  return magic.equals(firstBytes.subarray(0, magic.length));
}

/**
 * Reads an Avro object container file, as other tools write it (codecs null, deflate, snappy and zstandard), a block at a time.
 *
 * @throws RefusedError `SAMPLES_UNREADABLE`, naming the place; `BadDataError` when its schema is none.
 */
export async function* readContainerFile(file: string): AsyncGenerator<ContainerDatum> {
  const source = new ByteSource(file);
  try {
    yield* readBlocks(file, source);
  } finally {
    source.close();
  }
}

async function* readBlocks(file: string, source: ByteSource): AsyncGenerator<ContainerDatum> {
  await source.bytes(magic.length);
  const meta = await readMeta(source);
  const sync = await source.bytes(syncBytes);
  const codec = meta.get('avro.codec')?.toString('utf8') ?? 'null';
  const unfold = codecs.get(codec);
  if (unfold === undefined) {
    const known = [...codecs.keys()].join(', ');
    throw refused(file, `is compressed with ${codec.slice(0, 40)}: write it with one of ${known}`);
  }
  const writer = new AvroSchema(meta.get('avro.schema')?.toString('utf8') ?? '');
  let index = 0;
  while (!(await source.isAtEnd())) {
    const at = source.position;
    const count = await source.long();
    const size = await source.long();
    if (count < 0 || size < 0 || size > blockBytesMax)
      throw refused(file, `holds no block at byte ${at}: it is damaged`);
    const folded = await source.bytes(size);
    if (!sync.equals(await source.bytes(syncBytes)))
      throw refused(file, `is damaged: the block at byte ${at} does not end as blocks of this file do`);
    for (const bytes of dataOf(unfolded(unfold, folded, file, at), count, writer, file, at)) {
      yield { index, writer, bytes };
      index += 1;
    }
  }
}

function* dataOf(
  block: Buffer,
  count: number,
  writer: AvroSchema,
  file: string,
  at: number,
): Generator<Buffer> {
  let position = 0;
  for (let done = 0; done < count; done += 1) {
    let next = -1;
    try {
      next = writer.type.decode(block, position).offset;
    } catch {
      // Says the same as an offset of -1: these are no values of that schema.
    }
    if (next < position || next > block.length)
      throw refused(
        file,
        `is damaged: value ${done} of the block at byte ${at} does not fit the file's schema`,
      );
    yield block.subarray(position, next);
    position = next;
  }
}

async function readMeta(source: ByteSource): Promise<ReadonlyMap<string, Buffer>> {
  const meta = new Map<string, Buffer>();
  for (let count = await source.long(); count !== 0; count = await source.long()) {
    if (count < 0) {
      await source.long();
      count = -count;
    }
    if (count > entriesMax) throw source.damaged();
    for (; count > 0; count -= 1) {
      const key = await source.bytes(await source.long());
      meta.set(key.toString('utf8'), await source.bytes(await source.long()));
    }
  }
  return meta;
}

type Unfold = (folded: Buffer) => Buffer;

const codecs: ReadonlyMap<string, Unfold> = new Map<string, Unfold>([
  ['null', (folded) => folded],
  ['deflate', (folded) => inflateRawSync(folded, { maxOutputLength: blockBytesMax })],
  // A checksum of four bytes follows; a damaged block does not unfold to values of the schema either.
  ['snappy', (folded) => uncompress(folded.subarray(0, -4), blockBytesMax)],
  ['zstandard', (folded) => zstdDecompressSync(folded, { maxOutputLength: blockBytesMax })],
]);

function unfolded(unfold: Unfold, folded: Buffer, file: string, at: number): Buffer {
  try {
    return unfold(folded);
  } catch (cause) {
    throw refused(file, `is damaged: the block at byte ${at} cannot be decompressed`, cause);
  }
}

function refused(file: string, what: string, cause?: unknown): RefusedError {
  return new RefusedError('SAMPLES_UNREADABLE', `${file} ${what}.`, { cause });
}

/** A file's bytes in the order asked for, a chunk in memory at a time. */
class ByteSource {
  readonly #file: string;
  readonly #stream: ReturnType<typeof createReadStream>;
  readonly #chunks: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);
  #position = 0;

  constructor(file: string) {
    this.#file = file;
    this.#stream = createReadStream(file);
    this.#chunks = this.#stream[Symbol.asyncIterator]();
  }

  get position(): number {
    return this.#position;
  }

  async isAtEnd(): Promise<boolean> {
    return this.#rest.length === 0 && !(await this.#more());
  }

  async bytes(count: number): Promise<Buffer> {
    if (count < 0 || count > Math.max(blockBytesMax, headerBytesMax)) throw this.damaged();
    const parts: Buffer[] = [];
    let missing = count;
    while (missing > 0) {
      if (this.#rest.length === 0 && !(await this.#more()))
        throw refused(this.#file, 'ends in the middle of a block');
      const part = this.#rest.subarray(0, missing);
      this.#rest = this.#rest.subarray(part.length);
      missing -= part.length;
      parts.push(part);
    }
    this.#position += count;
    return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
  }

  /** Avro's zigzag varint; beyond 2^53 no file is so long. */
  async long(): Promise<number> {
    let value = 0;
    for (let shift = 0; shift < 8; shift += 1) {
      const byte = (await this.bytes(1))[0] ?? 0;
      value += (byte & 0x7f) * 2 ** (7 * shift);
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    }
    throw this.damaged();
  }

  damaged(): RefusedError {
    return refused(this.#file, `is damaged at byte ${this.#position}`);
  }

  close(): void {
    this.#stream.destroy();
  }

  async #more(): Promise<boolean> {
    try {
      const { done, value } = await this.#chunks.next();
      if (done === true) return false;
      this.#rest = value;
      return true;
    } catch (cause) {
      const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown reason';
      throw refused(this.#file, `cannot be read (${code})`, cause);
    }
  }
}
