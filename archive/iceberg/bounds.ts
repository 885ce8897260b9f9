/** Single values as manifests keep them: little-endian, texts in UTF-8. */
export function encodeInt(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}

export function encodeLong(value: bigint): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(value);
  return bytes;
}

/** Of an int as well as of a long: a column's bounds keep the width it had when they were written. Null: no such value. */
export function decodeInteger(bytes: Uint8Array): bigint | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length === 8) return view.getBigInt64(0, true);
  return bytes.length === 4 ? BigInt(view.getInt32(0, true)) : null;
}

const boundCharactersMax = 16;
const lastCharacter = 0x10ffff;

/** At most 16 characters: a lower bound may be shorter than the value it bounds. */
export function lowerTextBound(value: string): Uint8Array {
  return Buffer.from([...value].slice(0, boundCharactersMax).join(''));
}

/** Cut off it must grow: the last character that can is counted up. Null: there is no such bound. */
export function upperTextBound(value: string): Uint8Array | null {
  const characters = [...value];
  if (characters.length <= boundCharactersMax) return Buffer.from(value);
  const kept = characters.slice(0, boundCharactersMax).map((character) => character.codePointAt(0) ?? 0);
  for (let last = kept.length - 1; last >= 0; last -= 1) {
    const code = kept[last] ?? lastCharacter;
    if (code >= lastCharacter) continue;
    // Surrogates are no characters.
    const next = code + 1 >= 0xd800 && code + 1 <= 0xdfff ? 0xe000 : code + 1;
    return Buffer.from(String.fromCodePoint(...kept.slice(0, last), next));
  }
  return null;
}
