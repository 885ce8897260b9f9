import { AssertionError } from 'node:assert';
import { assert, must } from '../foundation/index.ts';
import { ByteReader, decodeStepValue } from './codec.ts';
import { decodeGraphKey, type GraphKey } from './graph-key.ts';
import { KeyOwner } from './key-owner.ts';
import { type OriginRow, readLineage } from './lineage.ts';
import { decodeNodeRow, encodeNodeRow } from './node-row.ts';
import { decodeTime } from './rows.ts';

/** What a graph row says, or why it says nothing. */
export type CheckedRow =
  | { readonly kind: 'row'; readonly key: GraphKey }
  | { readonly kind: 'fault'; readonly what: string };

/** Decodes all of a graph row: what the product wrote comes back; anything else is named. */
export class RowChecker {
  readonly #origins: ReadonlyMap<number, OriginRow>;
  readonly #owner = new KeyOwner();

  constructor(origins: ReadonlyMap<number, OriginRow>) {
    this.#origins = origins;
  }

  check(key: Buffer, value: Buffer): CheckedRow {
    try {
      const decoded = decodeGraphKey(key);
      this.#owner.check(key, decoded.node);
      this.#checkValue(decoded, value);
      return { kind: 'row', key: decoded };
    } catch (error) {
      // A reader that runs into bytes that are none of ours: by an assertion of ours, or by Node's about places and sizes.
      if (!(error instanceof AssertionError || error instanceof RangeError)) throw error;
      return { kind: 'fault', what: error.message };
    }
  }

  #checkValue(key: GraphKey, value: Buffer): void {
    const reader = new ByteReader(value);
    switch (key.kind) {
      case 'node': {
        const row = decodeNodeRow(value);
        const { lineage } = row;
        // A text that is cut off reads like a shorter one.
        assert(encodeNodeRow(row).equals(value), 'the value does not end where it says');
        this.#checkLineage(new ByteReader(Buffer.concat([Buffer.of(lineage.length), lineage])));
        return;
      }
      case 'tombstone':
      case 'edge-tombstone':
        decodeTime(value);
        return;
      case 'step':
        this.#checkLineage(reader);
        decodeStepValue(reader);
        break;
      default:
        this.#checkLineage(reader);
        reader.properties();
    }
    assert(reader.at === value.length, 'the value does not end where it says');
  }

  #checkLineage(reader: ByteReader): void {
    readLineage(reader, (id) =>
      must(this.#origins.get(id), `its lineage names origin ${id}, which is not there`),
    );
  }
}

const keyCharactersMax = 160;

/** For people: printable ASCII as it is, other bytes as `\xNN`, cut when it is long. */
export function printableKey(key: Buffer): string {
  let text = '';
  for (const byte of key) {
    if (text.length >= keyCharactersMax) return `${text}…`;
    const isPlain = byte >= 0x20 && byte < 0x7f && byte !== 0x5c;
    text += isPlain ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`;
  }
  return text;
}
