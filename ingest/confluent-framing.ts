import { BadDataError } from '../foundation/index.ts';
import type { SourceHeader } from './event-source.ts';

/** Which schema wrote a value, and where its Avro bytes begin in it. */
export type Framing =
  | { readonly kind: 'id'; readonly schemaId: number; readonly start: number }
  | { readonly kind: 'guid'; readonly guid: string; readonly start: number };

const headerOf = { key: '__key_schema_id', value: '__value_schema_id' } as const;
export const idBytes = 5;
const guidBytes = 17;

/**
 * Reads Confluent's framing in both forms.
 *
 * In the value: magic byte 0, the schema id as four bytes big-endian, then the Avro bytes.
 *
 * In the header `__value_schema_id` (Confluent's serializers since platform 8.1, when told to): magic byte 1 and the schema's GUID,
 * 16 bytes in the order of its text; the value is then bare Avro. Their deserializers look at the header first, take the
 * first one of that name, and also take magic byte 0 with a four-byte id there; so does this.
 *
 * Throws `BadDataError`: `FRAMING_HEADER_INVALID`, `FRAMING_TOO_SHORT`, `FRAMING_MAGIC_BYTE`, `FRAMING_SCHEMA_ID`.
 */
export function readFraming(value: Uint8Array, headers: readonly SourceHeader[] | null): Framing {
  const inHeader = readHeaderFraming(headers, 'value');
  if (inHeader !== null) return inHeader;
  if (value.length < idBytes) {
    throw new BadDataError(
      'FRAMING_TOO_SHORT',
      `The value has ${value.length} bytes; its framing alone takes ${idBytes}.`,
    );
  }
  if (value[0] !== 0) {
    throw new BadDataError(
      'FRAMING_MAGIC_BYTE',
      `The value begins with byte ${value[0]} instead of the magic byte 0.`,
    );
  }
  return { kind: 'id', schemaId: readId(value, 'value'), start: idBytes };
}

/** The schema's id where the value has the usual form and no header that could say otherwise; -1 for all else, be it right or wrong. */
export function plainSchemaId(value: Uint8Array, headers: readonly SourceHeader[] | null): number {
  if (headers?.some(({ key }) => key === headerOf.value) === true) return -1;
  if (value.length < idBytes || value[0] !== 0 || (value[1] ?? 0) > 127) return -1;
  return readId(value, 'value');
}

/**
 * What the headers say of a record's value, or in `__key_schema_id` of its key, which then is bare Avro; null when they say nothing.
 *
 * Throws `BadDataError`: `FRAMING_HEADER_INVALID`, `FRAMING_SCHEMA_ID`.
 */
export function readHeaderFraming(
  headers: readonly SourceHeader[] | null,
  of: 'key' | 'value',
): Framing | null {
  if (headers === null) return null;
  const name = headerOf[of];
  for (const { key, value } of headers) if (key === name && value !== null) return readHeader(value, of);
  return null;
}

function readHeader(header: Uint8Array, of: 'key' | 'value'): Framing {
  if (header[0] === 0 && header.length === idBytes)
    return { kind: 'id', schemaId: readId(header, of), start: 0 };
  if (header[0] === 1 && header.length === guidBytes)
    return { kind: 'guid', guid: guidText(header), start: 0 };
  throw new BadDataError(
    'FRAMING_HEADER_INVALID',
    `The header ${headerOf[of]} has ${header.length} bytes and begins with ${header[0] ?? 'nothing'}: expected 0 and an id, or 1 and a GUID.`,
  );
}

function readId(bytes: Uint8Array, of: 'key' | 'value'): number {
  const id = ((bytes[1] ?? 0) << 24) | ((bytes[2] ?? 0) << 16) | ((bytes[3] ?? 0) << 8) | (bytes[4] ?? 0);
  if (id < 0)
    throw new BadDataError('FRAMING_SCHEMA_ID', `The ${of} names the schema id ${id}; ids are not negative.`);
  return id;
}

function guidText(header: Uint8Array): string {
  const hex = Buffer.from(header.buffer, header.byteOffset + 1, guidBytes - 1).toString('hex');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
