import type { ColumnType, ColumnValue } from '../columns.ts';

const cutTo = 16;

/** Iceberg's single-value form of a bound; null where a type or a value has none. */
export function lowerBound(type: ColumnType, value: ColumnValue): Uint8Array | null {
  if (typeof value === 'string') return Buffer.from(cutText(value).join(''));
  if (value instanceof Uint8Array && type.kind !== 'uuid') return new Uint8Array(value.subarray(0, cutTo));
  return singleValue(type, value);
}

/** As {@link lowerBound}; what is cut is raised, so that it still lies above. */
export function upperBound(type: ColumnType, value: ColumnValue): Uint8Array | null {
  if (typeof value === 'string') return upperText(value);
  if (value instanceof Uint8Array && type.kind !== 'uuid') return upperBytes(value);
  return singleValue(type, value);
}

function singleValue(type: ColumnType, value: ColumnValue): Uint8Array | null {
  if (value instanceof Uint8Array) return new Uint8Array(value);
  if (typeof value === 'boolean') return Uint8Array.of(value ? 1 : 0);
  if (typeof value === 'bigint') return type.kind === 'decimal' ? twosComplement(value) : long(value);
  if (typeof value !== 'number') return null;
  const bytes = Buffer.alloc(type.kind === 'double' ? 8 : 4);
  if (type.kind === 'double') bytes.writeDoubleLE(value);
  else if (type.kind === 'float') bytes.writeFloatLE(value);
  else bytes.writeInt32LE(value);
  return bytes;
}

function long(value: bigint): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(value);
  return bytes;
}

/** Big-endian, in as few bytes as hold it with its sign. */
function twosComplement(value: bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  do {
    bytes.unshift(Number(BigInt.asUintN(8, rest)));
    rest >>= 8n;
  } while (!(rest === 0n && (bytes[0] ?? 0) < 0x80) && !(rest === -1n && (bytes[0] ?? 0) >= 0x80));
  return Uint8Array.from(bytes);
}

function cutText(text: string): string[] {
  // A character takes two units at most, and a whole title need not be taken apart.
  return Array.from(text.slice(0, 2 * cutTo + 1)).slice(0, cutTo);
}

function upperText(text: string): Uint8Array | null {
  const cut = cutText(text);
  if (cut.join('').length === text.length) return Buffer.from(text);
  for (let end = cut.length; end > 0; end -= 1) {
    const code = cut[end - 1]?.codePointAt(0) ?? 0;
    if (code >= 0x10ffff) continue;
    const raised = code === 0xd7ff ? 0xe000 : code + 1;
    return Buffer.from(cut.slice(0, end - 1).join('') + String.fromCodePoint(raised));
  }
  return null;
}

function upperBytes(bytes: Uint8Array): Uint8Array | null {
  if (bytes.length <= cutTo) return new Uint8Array(bytes);
  for (let end = cutTo; end > 0; end -= 1) {
    const byte = bytes[end - 1] ?? 0;
    if (byte === 0xff) continue;
    const raised = new Uint8Array(bytes.subarray(0, end));
    raised[end - 1] = byte + 1;
    return raised;
  }
  return null;
}
