import { type FileMetaData, parquetMetadata } from 'hyparquet';
import type { ObjectStore } from '../object-store.ts';
import type { FileLeaf } from './file-schema.ts';
import { isSealIntact } from './footer-seal.ts';
import { thriftEnd } from './thrift-check.ts';

const magic = 'PAR1';
const tailBytes = 8;
const firstReadBytes = 65_536;
/** Ten thousand row groups of some dozen columns. */
const footerBytesMax = 67_108_864;
/** Of a group as it is in the file: what reading one takes in memory. */
const chunkBytesMax = 1_073_741_824;
const groupRowsMax = 16_777_216;

export async function readFooter(
  store: ObjectStore,
  key: string,
  fileBytes: number,
  signal: AbortSignal | undefined,
): Promise<FileMetaData> {
  if (fileBytes < magic.length + tailBytes) throw new Error(`${fileBytes} bytes are no Parquet file`);
  const start = Math.max(0, fileBytes - firstReadBytes);
  const tail = await exactly(store, key, start, fileBytes, signal);
  const mark = Buffer.from(tail.subarray(-4)).toString('latin1');
  if (mark === 'PARE') throw new Error('it is encrypted, which is not read here');
  if (mark !== magic) throw new Error('it does not end as Parquet files do: it is cut, or no Parquet file');
  const length = new DataView(tail.buffer, tail.byteOffset).getUint32(tail.length - tailBytes, true);
  const footerBytes = length + tailBytes;
  if (footerBytes + magic.length > fileBytes) throw new Error('its footer claims to be longer than the file');
  if (footerBytes > footerBytesMax)
    throw new Error(`its footer has ${footerBytes} bytes; at most ${footerBytesMax} are read`);
  const footer =
    footerBytes <= tail.length
      ? tail.subarray(tail.length - footerBytes)
      : await exactly(store, key, fileBytes - footerBytes, fileBytes, signal);
  if (!isSealIntact(footer)) throw new Error('the checksum of its footer is not that of its bytes');
  if (thriftEnd(footer, 0) !== length) throw new Error('its footer does not end where it says');
  return parquetMetadata(footer, { geoparquet: false, parsers });
}

/** As many bytes as asked for, or an error that says the file ends early. */
export async function exactly(
  store: ObjectStore,
  key: string,
  start: number,
  end: number,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const bytes = await store.read(key, start, end, signal);
  if (bytes.length !== end - start) throw new Error(`it ends before byte ${end}`);
  return bytes;
}

/** Bounds stay what they are in the file. */
const parsers = {
  timestampFromMilliseconds: (value: bigint) => value,
  timestampFromMicroseconds: (value: bigint) => value,
  timestampFromNanoseconds: (value: bigint) => value,
  dateFromDays: (value: number) => value,
  stringFromBytes: (value: Uint8Array) => value,
  uuidFromBytes: (value: Uint8Array) => value,
};

/** Throws where row groups contradict the schema, each other or the file's size. */
export function checkGroups(metadata: FileMetaData, leaves: readonly FileLeaf[], fileBytes: number): void {
  let rows = 0n;
  for (const [index, group] of metadata.row_groups.entries()) {
    const say = (what: string): Error => new Error(`row group ${index} ${what}`);
    rows += group.num_rows;
    if (group.num_rows < 0n || group.num_rows > groupRowsMax)
      throw say(`claims ${group.num_rows} rows; at most ${groupRowsMax} are read`);
    if (group.columns.length !== leaves.length)
      throw say(`has ${group.columns.length} columns where the schema has ${leaves.length}`);
    for (const [at, { meta_data: chunk, file_path: elsewhere, ...more }] of group.columns.entries()) {
      const leaf = leaves[at];
      if (more.crypto_metadata !== undefined) throw say('is encrypted, which is not read here');
      if (elsewhere !== undefined && elsewhere !== '') throw say('has columns in another file');
      if (chunk === undefined || leaf === undefined) throw say('lacks what is said of a column');
      const name = leaf.path.join('.');
      if (chunk.type !== leaf.element.type || chunk.path_in_schema.join('.') !== name)
        throw say(`has another column where the schema has ${name}`);
      if (chunk.num_values < 0n || chunk.num_values > 2n ** 31n)
        throw say(`claims ${chunk.num_values} values of ${name}`);
      if (leaf.maxRep === 0 && chunk.num_values !== group.num_rows)
        throw say(`has ${chunk.num_values} values of ${name} in ${group.num_rows} rows`);
      const { start, end } = chunkRange(chunk);
      if (start < magic.length || end < start || end > fileBytes - tailBytes || end - start > chunkBytesMax)
        throw say(`claims bytes ${start} to ${end} of the file for ${name}`);
    }
  }
  if (rows !== metadata.num_rows)
    throw new Error(`its row groups have ${rows} rows together, not ${metadata.num_rows}`);
}

interface ChunkPlace {
  readonly dictionary_page_offset?: bigint;
  readonly data_page_offset: bigint;
  readonly total_compressed_size: bigint;
}

export function chunkRange(chunk: ChunkPlace): { readonly start: number; readonly end: number } {
  const { dictionary_page_offset: words, data_page_offset: data } = chunk;
  // Some writers say 0 for no dictionary.
  const start = Number(words !== undefined && words > 0n && words < data ? words : data);
  return { start, end: start + Number(chunk.total_compressed_size) };
}
