import { must } from '../foundation/index.ts';
import type { PackedStep } from './graph-store.ts';
import { direction, nameLengthBytes, valueTag } from './packed-format.ts';

type PartKind = 'null' | 'false' | 'true' | 'number' | 'integer' | 'text';

const kinds: readonly (PartKind | undefined)[] = Object.assign([], {
  [valueTag.null]: 'null',
  [valueTag.false]: 'false',
  [valueTag.true]: 'true',
  [valueTag.number]: 'number',
  [valueTag.integer]: 'integer',
  [valueTag.text]: 'text',
});

/** From one byte of a text to behind its last one; UTF-8. */
export class Span {
  start = 0;
  end = 0;
}

/**
 * Where the parts of a step lie in its row: one of these goes from row to row, from link to link and from property to property, so that a page is gone through without
 * an object for each. Reads what `decodeStepValue` reads, in the same order; anything unexpected is a bug or a damaged file.
 */
export class StepParts {
  bytes: Buffer = Buffer.alloc(0);
  readonly domain = new Span();
  readonly action = new Span();
  /** All of them, with their count in front. */
  readonly links = new Span();
  /** The whole link that {@link nextLink} went to. It ends with its node's name `<type>\0<id>\0`. */
  readonly link = new Span();
  /** Of the link that {@link nextLink} went to. */
  readonly edge = new Span();
  isOut = false;
  readonly nodeType = new Span();
  readonly nodeId = new Span();
  /** Of the property that {@link nextProperty} went to. */
  readonly name = new Span();
  kind: PartKind = 'null';
  /** Its text, or the bytes of its number. */
  readonly value = new Span();
  #at = 0;
  #linksAt = 0;
  #links = 0;
  #linksLeft = 0;
  #propertiesLeft = 0;

  /** To a row, before its first link. */
  of({ value, at }: PackedStep): void {
    this.bytes = value;
    this.#at = at;
    this.#text(this.domain, this.#count());
    this.#text(this.action, this.#count());
    this.links.start = this.#at;
    this.#links = this.#count();
    this.#linksAt = this.#at;
    for (let left = this.#links; left > 0; left -= 1) {
      const edgeAt = this.#at + 1;
      const nameAt = edgeAt + 1 + this.#byte(edgeAt);
      this.#at = nameAt + nameLengthBytes + this.#byte(nameAt) * 256 + this.#byte(nameAt + 1);
    }
    this.links.end = this.#at;
    this.toLinks();
  }

  /** Before the first link. */
  toLinks(): void {
    this.#at = this.#linksAt;
    this.#linksLeft = this.#links;
  }

  nextLink(): boolean {
    if (this.#linksLeft === 0) return false;
    this.#linksLeft -= 1;
    this.link.start = this.#at;
    this.isOut = this.#next() === direction.out;
    this.#text(this.edge, this.#next());
    const end = this.#at + nameLengthBytes + this.#byte(this.#at) * 256 + this.#byte(this.#at + 1);
    const typeAt = this.#at + nameLengthBytes;
    let zero = typeAt;
    while (zero < end && this.bytes[zero] !== 0) zero += 1;
    this.nodeType.start = typeAt;
    this.nodeType.end = zero;
    this.nodeId.start = zero + 1;
    this.nodeId.end = end - 1;
    this.link.end = end;
    this.#at = end;
    return true;
  }

  /** Before the first property. */
  toProperties(): void {
    this.#at = this.links.end;
    this.#propertiesLeft = this.#count();
  }

  nextProperty(): boolean {
    if (this.#propertiesLeft === 0) return false;
    this.#propertiesLeft -= 1;
    this.#text(this.name, this.#next());
    const kind = must(kinds[this.#next()], 'a value has an unknown tag');
    this.kind = kind;
    const isNumber = kind === 'number' || kind === 'integer';
    this.#text(this.value, kind === 'text' ? this.#count() : isNumber ? 8 : 0);
    return true;
  }

  number(): number {
    return this.bytes.readDoubleBE(this.value.start);
  }

  /** A number while it is certainly exact: a bigint takes several times as long. */
  integer(): number | bigint {
    const { bytes, value } = this;
    const number = bytes.readInt32BE(value.start) * 2 ** 32 + bytes.readUInt32BE(value.start + 4);
    return Number.isSafeInteger(number) ? number : bytes.readBigInt64BE(value.start);
  }

  #text(span: Span, length: number): void {
    span.start = this.#at;
    span.end = this.#at + length;
    this.#at = span.end;
  }

  #byte(at: number): number {
    return must(this.bytes[at], 'a row ends too early');
  }

  #next(): number {
    return this.#byte(this.#at++);
  }

  #count(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.#next();
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  }
}
