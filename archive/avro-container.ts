import { crc32, inflateRawSync, zstdDecompressSync } from 'node:zlib';
import { BadDataError } from '../foundation/index.ts';
import { ByteSource, type ContainerFault } from './byte-source.ts';
import { snappyBytes } from './snappy-bytes.ts';

const magic = Buffer.from('Obj\x01');
const syncBytes = 16;
/** Of a block, as it is in the file and as it unfolds. Writers close theirs after some ten kilobytes. */
const blockBytesMax = 67_108_864;
const entriesMax = 1_000;

/** An Avro object container file, its header read. Blocks come in order, once. */
export interface Container {
  readonly metadata: ReadonlyMap<string, Buffer>;
  blocks(): AsyncGenerator<ContainerBlock>;
}

export interface ContainerBlock {
  /** Counts from 0. */
  readonly index: number;
  /** Where it begins in the file. */
  readonly at: number;
  /** Values in it, as it claims. */
  readonly count: number;
  /** Its values' bytes, one behind the other. */
  unfold(): Buffer;
}

export function isContainerFile(firstBytes: Uint8Array): boolean {
  return magic.equals(firstBytes.subarray(0, magic.length));
}

/**
 * Opens a container (codecs null, deflate, snappy and zstandard) from its bytes in order, however they are cut; one block is
 * in memory at a time. What `chunks` throws is thrown on.
 *
 * @throws BadDataError `CONTAINER_DAMAGED`, naming file and place, here and from `blocks`.
 */
export async function openContainer(file: string, chunks: AsyncIterable<Uint8Array>): Promise<Container> {
  const fault: ContainerFault = (what, cause) =>
    new BadDataError('CONTAINER_DAMAGED', `${file} ${what}.`, { cause });
  const source = new ByteSource(chunks, blockBytesMax, fault);
  if (!isContainerFile(await source.bytes(magic.length)))
    throw fault('is no Avro object container file: it does not begin as one');
  const metadata = await readMetadata(source);
  const sync = await source.bytes(syncBytes);
  const codec = metadata.get('avro.codec')?.toString('utf8') ?? 'null';
  const unfold = codecs.get(codec);
  if (unfold === undefined) {
    const known = [...codecs.keys()].join(', ');
    throw fault(`is compressed with ${codec.slice(0, 40)}: write it with one of ${known}`);
  }
  return { metadata, blocks: () => readBlocks(source, sync, unfold, fault) };
}

async function* readBlocks(
  source: ByteSource,
  sync: Buffer,
  unfold: Unfold,
  fault: ContainerFault,
): AsyncGenerator<ContainerBlock> {
  for (let index = 0; !(await source.isAtEnd()); index += 1) {
    const at = source.position;
    const count = await source.long();
    const size = await source.long();
    if (count < 0 || size < 0 || size > blockBytesMax)
      throw fault(`holds no block at byte ${at}: it is damaged`);
    const folded = await source.bytes(size);
    if (!sync.equals(await source.bytes(syncBytes)))
      throw fault(`is damaged: the block at byte ${at} does not end as blocks of this file do`);
    const unfolded = (): Buffer => {
      try {
        return unfold(folded);
      } catch (cause) {
        throw fault(`is damaged: the block at byte ${at} cannot be decompressed`, cause);
      }
    };
    yield { index, at, count, unfold: unfolded };
  }
}

async function readMetadata(source: ByteSource): Promise<ReadonlyMap<string, Buffer>> {
  const metadata = new Map<string, Buffer>();
  for (let count = await source.long(); count !== 0; count = await source.long()) {
    if (count < 0) {
      await source.long();
      count = -count;
    }
    if (count > entriesMax) throw source.damaged();
    for (; count > 0; count -= 1) {
      const key = await source.bytes(await source.long());
      metadata.set(key.toString('utf8'), await source.bytes(await source.long()));
    }
  }
  return metadata;
}

type Unfold = (folded: Buffer) => Buffer;

const codecs: ReadonlyMap<string, Unfold> = new Map<string, Unfold>([
  ['null', (folded) => folded],
  ['deflate', (folded) => inflateRawSync(folded, { maxOutputLength: blockBytesMax })],
  ['snappy', unfoldSnappy],
  ['zstandard', (folded) => zstdDecompressSync(folded, { maxOutputLength: blockBytesMax })],
]);

function unfoldSnappy(folded: Buffer): Buffer {
  const bytes = snappyBytes(folded.subarray(0, -4), blockBytesMax);
  if (crc32(bytes) !== folded.readUInt32BE(folded.length - 4)) throw new Error('another checksum');
  return bytes;
}
