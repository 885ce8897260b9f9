import { crc32 } from 'node:zlib';
import type { ColumnMetaData } from 'hyparquet';
import { parquetHeader } from 'hyparquet/src/column.js';
import type { DataPageHeader, DataPageHeaderV2, PageHeader } from 'hyparquet/src/types.js';
import type { ColumnValue, ColumnValues } from '../columns.ts';
import { unfoldPage } from './codecs.ts';
import { joinedValues } from './column-values.ts';
import type { FileLeaf } from './file-schema.ts';
import { decodeHybrid } from './hybrid.ts';
import type { Convert } from './leaf-conversion.ts';
import { decodeValues } from './page-values.ts';
import { thriftEnd } from './thrift-check.ts';

/** Of a page as it unfolds. Writers close theirs after a mebibyte; some put a whole row group into one. */
export const pageBytesMax = 268_435_456;

/** One leaf of a row group: a level for each entry where not all are at the most, and the values that are there. */
export interface LeafEntries {
  readonly entries: number;
  readonly maxDef: number;
  /** Null: every entry has a value. */
  readonly defs: Uint8Array | null;
  /** Null: each entry is a row of its own. */
  readonly reps: Uint8Array | null;
  readonly values: ColumnValues;
}

export function readChunk(
  bytes: Uint8Array,
  chunk: ColumnMetaData,
  leaf: FileLeaf,
  convert: Convert,
): LeafEntries {
  const reader = new ChunkReader(bytes, chunk, leaf, convert);
  return reader.read();
}

interface Page {
  readonly entries: number;
  readonly defs: Uint8Array | null;
  readonly reps: Uint8Array | null;
  readonly values: ColumnValues;
}

class ChunkReader {
  readonly #bytes: Uint8Array;
  readonly #chunk: ColumnMetaData;
  readonly #leaf: FileLeaf;
  readonly #convert: Convert;
  readonly #pages: Page[] = [];
  #dictionary: ColumnValues | null = null;
  #entries = 0;
  #at = 0;

  constructor(bytes: Uint8Array, chunk: ColumnMetaData, leaf: FileLeaf, convert: Convert) {
    this.#bytes = bytes;
    this.#chunk = chunk;
    this.#leaf = leaf;
    this.#convert = convert;
  }

  read(): LeafEntries {
    const total = Number(this.#chunk.num_values);
    while (this.#entries < total) {
      const header = this.#header();
      const folded = this.#bytes.subarray(this.#at, this.#at + header.compressed_page_size);
      this.#at += header.compressed_page_size;
      if (header.crc !== undefined && crc32(folded) !== header.crc >>> 0)
        throw new Error('the checksum of a page is not that of its bytes');
      this.#page(header, folded);
    }
    const { maxDef } = this.#leaf;
    return {
      entries: total,
      maxDef,
      defs: joinedLevels(this.#pages, (page) => page.defs, maxDef, total),
      reps: this.#leaf.maxRep === 0 ? null : joinedLevels(this.#pages, (page) => page.reps, 0, total),
      values: joinedValues(this.#pages.map((page) => page.values)),
    };
  }

  #header(): PageHeader {
    const start = this.#at;
    this.#at = thriftEnd(this.#bytes, start);
    const part = this.#bytes.subarray(start, this.#at);
    const view = new DataView(part.buffer, part.byteOffset, part.byteLength);
    const header = parquetHeader({ view, offset: 0 });
    const { compressed_page_size: folded, uncompressed_page_size: unfolded } = header;
    if (!(folded >= 0) || folded > this.#bytes.length - this.#at) throw new Error('a page ends early');
    if (!(unfolded >= 0) || unfolded > pageBytesMax)
      throw new Error(`a page claims ${unfolded} bytes; at most ${pageBytesMax} are read`);
    return header;
  }

  #page(header: PageHeader, folded: Uint8Array): void {
    const { data_page_header: first, data_page_header_v2: second, dictionary_page_header: words } = header;
    if (header.type === 'DATA_PAGE' && first !== undefined)
      this.#add(this.#firstVersion(header, first, folded));
    else if (header.type === 'DATA_PAGE_V2' && second !== undefined)
      this.#add(this.#secondVersion(header, second, folded));
    else if (header.type === 'DICTIONARY_PAGE' && words !== undefined) {
      const page = unfoldPage(this.#chunk.codec, folded, header.uncompressed_page_size);
      const count = countOf(words.num_values, page.length * 8 + 1);
      this.#dictionary = this.#convert(decodeValues(page, 'PLAIN', this.#leaf.element, count));
    } else if (header.type !== 'INDEX_PAGE') throw new Error('a page is of no known kind');
  }

  #add(page: Page): void {
    if (page.entries === 0) return;
    this.#pages.push(page);
    this.#entries += page.entries;
  }

  #firstVersion(header: PageHeader, said: DataPageHeader, folded: Uint8Array): Page {
    const page = unfoldPage(this.#chunk.codec, folded, header.uncompressed_page_size);
    const entries = countOf(said.num_values, Number(this.#chunk.num_values) - this.#entries);
    let at = 0;
    const levels = (max: number, encoding: string): Uint8Array | null => {
      if (max === 0) return null;
      if (encoding !== 'RLE')
        throw new Error(`its levels are encoded as ${encoding}, which is not read here`);
      const end = at + 4 + new DataView(page.buffer, page.byteOffset, page.byteLength).getUint32(at, true);
      if (end > page.length) throw new Error('its levels end early');
      const output = decodeHybrid(page, at + 4, end, levelWidth(max), entries);
      at = end;
      return checkedLevels(output, max);
    };
    const reps = levels(this.#leaf.maxRep, said.repetition_level_encoding);
    const defs = levels(this.#leaf.maxDef, said.definition_level_encoding);
    const present = defs === null ? entries : countLevel(defs, this.#leaf.maxDef);
    return { entries, reps, defs, values: this.#values(page.subarray(at), said.encoding, present) };
  }

  #secondVersion(header: PageHeader, said: DataPageHeaderV2, folded: Uint8Array): Page {
    const { repetition_levels_byte_length: repBytes, definition_levels_byte_length: defBytes } = said;
    const levelBytes = repBytes + defBytes;
    if (!(repBytes >= 0) || !(defBytes >= 0) || levelBytes > folded.length)
      throw new Error('its levels end early');
    const entries = countOf(said.num_values, Number(this.#chunk.num_values) - this.#entries);
    const { maxRep, maxDef } = this.#leaf;
    const levels = (max: number, start: number, end: number): Uint8Array | null =>
      max === 0 ? null : checkedLevels(decodeHybrid(folded, start, end, levelWidth(max), entries), max);
    const reps = levels(maxRep, 0, repBytes);
    const defs = levels(maxDef, repBytes, levelBytes);
    const present = defs === null ? entries : countLevel(defs, maxDef);
    if (present !== entries - said.num_nulls)
      throw new Error(`a page has ${entries - present} nulls, not ${said.num_nulls}`);
    const rest = folded.subarray(levelBytes);
    const length = header.uncompressed_page_size - levelBytes;
    if (length < 0) throw new Error('a page ends early');
    const codec = said.is_compressed === false ? 'UNCOMPRESSED' : this.#chunk.codec;
    const values = present === 0 ? [] : this.#values(unfoldPage(codec, rest, length), said.encoding, present);
    return { entries, reps, defs, values };
  }

  #values(page: Uint8Array, encoding: DataPageHeader['encoding'], count: number): ColumnValues {
    if (encoding !== 'RLE_DICTIONARY' && encoding !== 'PLAIN_DICTIONARY')
      return this.#convert(decodeValues(page, encoding, this.#leaf.element, count));
    if (count === 0) return [];
    const words = this.#dictionary;
    const width = page[0];
    if (words === null || width === undefined) throw new Error('its dictionary is not there');
    const indexes = decodeHybrid(page, 1, page.length, width, count);
    for (const index of indexes)
      if (index < 0 || index >= words.length) throw new Error('a value is not in its dictionary');
    return chosen(words, indexes);
  }
}

function chosen(words: ColumnValues, indexes: Uint8Array | Int32Array): ColumnValues {
  if (words instanceof BigInt64Array) return BigInt64Array.from(indexes, (index) => words[index] ?? 0n);
  if (words instanceof Int32Array) return Int32Array.from(indexes, (index) => words[index] ?? 0);
  const output = new Array<ColumnValue>(indexes.length);
  for (let at = 0; at < indexes.length; at += 1) output[at] = words[indexes[at] ?? 0] ?? null;
  return output;
}

function countOf(said: number, max: number): number {
  if (!Number.isSafeInteger(said) || said < 0 || said > max)
    throw new Error(`a page claims ${said} values where there can be ${max}`);
  return said;
}

function levelWidth(max: number): number {
  return 32 - Math.clz32(max);
}

function checkedLevels(levels: Uint8Array | Int32Array, max: number): Uint8Array {
  if (!(levels instanceof Uint8Array)) throw new Error('its schema is nested too deep');
  for (const level of levels)
    if (level > max) throw new Error(`a level is ${level} where ${max} is the most`);
  return levels;
}

function countLevel(levels: Uint8Array, wanted: number): number {
  let count = 0;
  for (const level of levels) if (level === wanted) count += 1;
  return count;
}

function joinedLevels(
  pages: readonly Page[],
  levelsOf: (page: Page) => Uint8Array | null,
  otherwise: number,
  total: number,
): Uint8Array | null {
  if (pages.every((page) => levelsOf(page) === null)) return null;
  const all = new Uint8Array(total).fill(otherwise);
  let at = 0;
  for (const page of pages) {
    const levels = levelsOf(page);
    if (levels !== null) all.set(levels, at);
    at += page.entries;
  }
  return all;
}
