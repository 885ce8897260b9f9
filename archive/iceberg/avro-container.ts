import { deflateRawSync, inflateRawSync, zstdDecompressSync } from 'node:zlib';
import { snappyBytes } from '../snappy-bytes.ts';
import { AvroBytes, AvroFault, AvroParts, type AvroRecord, type AvroValue } from './avro-datum.ts';
import { compileRead, compileWrite, type FieldName, isAvroRecord } from './avro-schema.ts';
import { type Json, parseJson, printJson } from './iceberg-json.ts';

const magic = Buffer.from('Obj\x01');
const syncBytes = 16;
const metaEntriesMax = 1_000;
/** Unfolded. Writers close a block after some ten kilobytes; ours has one for each thousand entries. */
const blockBytesMax = 67_108_864;
/** Of all blocks: a file that unfolds to more than this is no list of files. */
const fileBytesMax = 1_073_741_824;
const blockEntries = 1_000;

export interface ContainerFile {
  readonly meta: ReadonlyMap<string, string>;
  /** Once through, block by block. Throws AvroFault. */
  readonly records: Iterable<AvroRecord>;
}

/**
 * An object container file whose header keeps the schema as it is given, with the `field-id`s that make it Iceberg's; avsc
 * would leave them out. `sync` is any 16 bytes.
 */
export function writeContainer(
  schema: Json,
  meta: Readonly<Record<string, string>>,
  records: readonly AvroValue[],
  sync: Uint8Array,
): Buffer {
  const parts = new AvroParts();
  const entries = Object.entries({ 'avro.schema': printJson(schema), 'avro.codec': 'deflate', ...meta });
  parts.bytes(magic);
  parts.long(BigInt(entries.length));
  for (const [key, value] of entries) {
    parts.text(key);
    parts.text(value);
  }
  parts.long(0n);
  parts.bytes(sync);
  const write = compileWrite(schema);
  for (let start = 0; start < records.length; start += blockEntries) {
    const some = records.slice(start, start + blockEntries);
    const block = new AvroParts();
    for (const record of some) write(block, record);
    parts.long(BigInt(some.length));
    parts.sized(deflateRawSync(block.done()));
    parts.bytes(sync);
  }
  return parts.done();
}

/** @throws AvroFault, also while its records are read. */
export function readContainer(bytes: Uint8Array, fieldName: FieldName): ContainerFile {
  const source = new AvroBytes(bytes);
  if (source.left < magic.length || !magic.equals(source.bytes(magic.length)))
    throw new AvroFault('is no Avro object container file');
  const meta = readMeta(source);
  const sync = Buffer.from(source.bytes(syncBytes));
  const read = compileRead(schemaOf(meta), fieldName);
  const codec = meta.get('avro.codec') ?? 'null';
  const unfold = codecs.get(codec);
  if (unfold === undefined)
    throw new AvroFault(
      `is compressed with ${codec.slice(0, 40)}, not with one of ${[...codecs.keys()].join(', ')}`,
    );
  return { meta, records: recordsOf(source, sync, unfold, read) };
}

function schemaOf(meta: ReadonlyMap<string, string>): Json {
  try {
    return parseJson(meta.get('avro.schema') ?? '');
  } catch {
    throw new AvroFault('has a schema that is no JSON');
  }
}

function readMeta(source: AvroBytes): ReadonlyMap<string, string> {
  const meta = new Map<string, string>();
  for (let count = source.blockCount(); count > 0; count = source.blockCount()) {
    if (meta.size + count > metaEntriesMax) throw new AvroFault('has too many entries in its header');
    for (; count > 0; count -= 1) meta.set(source.text(), source.text());
  }
  return meta;
}

function* recordsOf(
  source: AvroBytes,
  sync: Buffer,
  unfold: Unfold,
  read: (bytes: AvroBytes) => AvroValue,
): Generator<AvroRecord> {
  let unfoldedBytes = 0;
  while (source.left > 0) {
    const at = source.at;
    const count = source.long();
    const block = new AvroBytes(unfolded(unfold, source.sized(), at));
    unfoldedBytes += block.left;
    if (unfoldedBytes > fileBytesMax) throw new AvroFault(`unfolds to more than ${fileBytesMax} bytes`);
    if (!sync.equals(source.bytes(syncBytes)))
      throw new AvroFault(`has a block at byte ${at} that does not end as blocks of this file do`);
    if (count < 0n || count > BigInt(block.left))
      throw new AvroFault(`has a block at byte ${at} with ${count} entries in ${block.left} bytes`);
    for (let left = Number(count); left > 0; left -= 1) {
      const record = read(block);
      if (!isAvroRecord(record)) throw new AvroFault('holds values that are no records');
      yield record;
    }
    if (block.left > 0) throw new AvroFault(`has a block at byte ${at} with more than its ${count} entries`);
  }
}

type Unfold = (folded: Uint8Array) => Uint8Array;

const codecs: ReadonlyMap<string, Unfold> = new Map<string, Unfold>([
  ['null', (folded) => folded],
  ['deflate', (folded) => inflateRawSync(folded, { maxOutputLength: blockBytesMax })],
  ['zstandard', (folded) => zstdDecompressSync(folded, { maxOutputLength: blockBytesMax })],
  // A checksum of four bytes follows.
  ['snappy', (folded) => snappyBytes(Buffer.from(folded.subarray(0, -4)), blockBytesMax)],
]);

function unfolded(unfold: Unfold, folded: Uint8Array, at: number): Uint8Array {
  try {
    return unfold(folded);
  } catch {
    throw new AvroFault(`has a block at byte ${at} that cannot be decompressed`);
  }
}
