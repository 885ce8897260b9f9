import { must, unreachable } from '../foundation/index.ts';
import type {
  EdgeDelete,
  EventLineage,
  EventMutations,
  EventOrigin,
  Mutation,
  NodeProperty,
  NodeRef,
  Property,
  PropertyValue,
  StepLink,
} from './model.ts';
import type { PackedMutations } from './packed-format.ts';
import { direction, nameLengthBytes, nodeHashBytes, tag, valueTag } from './packed-format.ts';
import type { RegisterContent } from './register.ts';
import { cachedBytesMax, TextCache } from './text-cache.ts';

/** Names of properties, types and what else is one of a few; and short values, which must not push these out. */
const names = new TextCache();
const texts = new TextCache();
/** Bigints are made from words: Node's own way makes several of them on the way to one. */
const words = new DataView(new ArrayBuffer(8));

/** Reads bytes that this product wrote. Anything unexpected is a bug or a damaged file, hence an AssertionError. */
export class ByteReader {
  readonly bytes: Buffer;
  at: number;

  constructor(bytes: Buffer, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  get done(): boolean {
    return this.at >= this.bytes.length;
  }

  byte(): number {
    return must(this.bytes[this.at++], 'a row ends too early');
  }

  count(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.byte();
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  }

  uint32(): number {
    this.at += 4;
    return this.bytes.readUInt32BE(this.at - 4);
  }

  time(): number {
    return this.uint32() * 2 ** 32 + this.uint32();
  }

  /** In as few bytes as it takes: see {@link encodeRank}. */
  rank(): number {
    let rank = 0;
    for (let left = this.byte(); left > 0; left -= 1) rank = rank * 256 + this.byte();
    return rank;
  }

  take(length: number): Buffer {
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  /** One byte of length, then ASCII. */
  name(): string {
    return this.#known(names, this.byte());
  }

  text(): string {
    return this.#known(texts, this.count());
  }

  #known(cache: TextCache, length: number): string {
    const start = this.at;
    this.at += length;
    if (length === 0) return '';
    if (length > cachedBytesMax) return this.bytes.toString('utf8', start, this.at);
    return cache.get(this.bytes, start, this.at);
  }

  value(): PropertyValue {
    const kind = this.byte();
    switch (kind) {
      case valueTag.null:
        return null;
      case valueTag.false:
        return false;
      case valueTag.true:
        return true;
      case valueTag.number:
        this.at += 8;
        return this.bytes.readDoubleBE(this.at - 8);
      case valueTag.integer:
        words.setUint32(0, this.uint32());
        words.setUint32(4, this.uint32());
        return words.getBigInt64(0);
      default:
        must(kind === valueTag.text ? kind : null, 'a value has an unknown tag');
        return this.text();
    }
  }

  /** A register's: a value, or what belongs to a set. */
  content(): RegisterContent {
    const kind = this.bytes[this.at];
    if (kind === valueTag.cleared) {
      this.at += 1;
      return { kind: 'cleared' };
    }
    if (kind !== valueTag.element) return { kind: 'value', value: this.value() };
    this.at += 1;
    const present = this.byte() === 1;
    return { kind: 'element', present, value: this.value() };
  }

  contents(): (readonly [name: string, content: RegisterContent])[] {
    const contents: (readonly [name: string, content: RegisterContent])[] = [];
    for (let left = this.count(); left > 0; left -= 1) contents.push([this.name(), this.content()]);
    return contents;
  }

  properties(): Property[] {
    const properties: Property[] = [];
    for (let left = this.count(); left > 0; left -= 1) properties.push([this.name(), this.value()]);
    return properties;
  }

  eventKey(): { timeMs: number; occurrence: bigint } {
    const timeMs = Number.MAX_SAFE_INTEGER - this.time();
    words.setUint32(0, ~this.uint32());
    words.setUint32(4, ~this.uint32());
    return { timeMs, occurrence: words.getBigUint64(0) };
  }

  /** A node's name `<type>\0<id>\0`. */
  nodeName(): NodeRef {
    const { bytes, at } = this;
    let typeEnd = at;
    while (bytes[typeEnd] !== 0 && typeEnd < bytes.length) typeEnd += 1;
    let idEnd = typeEnd + 1;
    while (bytes[idEnd] !== 0 && idEnd < bytes.length) idEnd += 1;
    must(idEnd < bytes.length ? idEnd : null, 'a node name is not closed');
    this.at = idEnd + 1;
    const typeLength = typeEnd - at;
    const type =
      typeLength > 0 && typeLength <= cachedBytesMax
        ? names.get(bytes, at, typeEnd)
        : bytes.toString('latin1', at, typeEnd);
    return { type, id: bytes.toString('utf8', typeEnd + 1, idEnd) };
  }
}

export interface StepValue {
  readonly domain: string;
  readonly action: string;
  readonly links: readonly StepLink[];
  readonly properties: readonly Property[];
}

export function decodeStepValue(reader: ByteReader): StepValue {
  const domain = reader.text();
  const action = reader.text();
  const links: StepLink[] = [];
  for (let left = reader.count(); left > 0; left -= 1) {
    const way = reader.byte() === direction.out ? 'out' : 'in';
    const edge = reader.name();
    reader.at += nameLengthBytes;
    links.push({ edge, direction: way, node: reader.nodeName() });
  }
  return { domain, action, links, properties: reader.properties() };
}

/** For adapters that want objects: the events of a packed batch, one at a time. */
export function* decodeEvents(packed: PackedMutations): Generator<EventMutations> {
  const reader = new ByteReader(Buffer.from(packed.buffer, 0, packed.lengthBytes));
  while (!reader.done) {
    must(reader.byte() === tag.event ? tag.event : null, 'a packed batch must begin with an event');
    const rank = reader.time();
    const { timeMs, occurrence } = reader.eventKey();
    const lineage = decodeEventLineage(reader, packed.origins);
    const mutations: Mutation[] = [];
    while (!reader.done && reader.bytes[reader.at] !== tag.event) {
      const mutation = decodeMutation(reader);
      if (mutation !== null) mutations.push(mutation);
    }
    yield { timeMs, rank, occurrence, mutations, ...(lineage === null ? {} : { lineage }) };
  }
}

function decodeEventLineage(reader: ByteReader, origins: readonly EventOrigin[]): EventLineage | null {
  const place = reader.byte() * 256 + reader.byte();
  reader.at += 8;
  if (place === 0) return null;
  const origin = must(origins[place - 1], 'a batch lists the origins that its events name');
  return { origin, offset: reader.bytes.readBigUInt64BE(reader.at - 8) };
}

/** What {@link registersOf} made of the changes, made changes again. */
function changesOf(contents: readonly (readonly [string, RegisterContent])[]): NodeProperty[] {
  return [...Map.groupBy(contents, ([name]) => name)].map(([name, group]) => {
    const first = must(group[0], 'a group has a member')[1];
    if (first.kind === 'value') return [name, first.value];
    const elements = group.flatMap(([, content]) => (content.kind === 'element' ? [content.value] : []));
    if (first.kind === 'cleared') return [name, { set: 'replace', elements }];
    return [name, { set: first.present ? 'add' : 'remove', elements }];
  });
}

function nodeAt(reader: ByteReader, offset: number): NodeRef {
  return new ByteReader(reader.bytes, offset + nameLengthBytes + nodeHashBytes).nodeName();
}

/** At a mutation's tag; null of a definition. */
export function decodeMutation(reader: ByteReader): Mutation | null {
  const kind = reader.byte();
  switch (kind) {
    case tag.define:
      reader.at += nameLengthBytes + nodeHashBytes + reader.bytes.readUInt16BE(reader.at);
      return null;
    case tag.node: {
      const node = nodeAt(reader, reader.uint32());
      reader.uint32();
      return { kind: 'node', node, properties: reader.properties() };
    }
    case tag.nodeSets: {
      const node = nodeAt(reader, reader.uint32());
      reader.uint32();
      return { kind: 'node', node, properties: changesOf(reader.contents()) };
    }
    case tag.edge: {
      const ends = decodeEnds(reader);
      reader.uint32();
      return { kind: 'edge', ...ends, properties: reader.properties() };
    }
    case tag.step: {
      const owner = nodeAt(reader, reader.uint32());
      return { kind: 'step', owner, ...decodeStepValue(new ByteReader(reader.take(reader.uint32()))) };
    }
    case tag.nodeDelete:
      return { kind: 'node-delete', node: nodeAt(reader, reader.uint32()) };
    default: {
      must(kind === tag.edgeDelete ? kind : null, 'a packed batch has an unknown tag');
      return { kind: 'edge-delete', ...decodeEnds(reader) };
    }
  }
}

function decodeEnds(reader: ByteReader): Omit<EdgeDelete, 'kind'> {
  const from = nodeAt(reader, reader.uint32());
  const to = nodeAt(reader, reader.uint32());
  const type = reader.name();
  const key = reader.take(reader.byte()).toString();
  return { type, from, to, ...(key === '' ? {} : { key }) };
}

/** The encoding of one value, as packed; for the reference adapter, which keeps objects. */
export function encodeValue(value: PropertyValue): Buffer {
  if (value === null) return Buffer.of(valueTag.null);
  switch (typeof value) {
    case 'boolean':
      return Buffer.of(value ? valueTag.true : valueTag.false);
    case 'number': {
      const bytes = Buffer.alloc(9, valueTag.number);
      bytes.writeDoubleBE(value, 1);
      return bytes;
    }
    case 'bigint': {
      const bytes = Buffer.alloc(9, valueTag.integer);
      bytes.writeBigInt64BE(value, 1);
      return bytes;
    }
    default:
      return Buffer.concat([Buffer.of(valueTag.text), encodeText(value)]);
  }
}

export function encodeContent(content: RegisterContent): Buffer {
  switch (content.kind) {
    case 'value':
      return encodeValue(content.value);
    case 'cleared':
      return Buffer.of(valueTag.cleared);
    case 'element':
      return Buffer.concat([
        Buffer.of(valueTag.element, content.present ? 1 : 0),
        encodeValue(content.value),
      ]);
    default:
      return unreachable(content);
  }
}

export function encodeProperties(properties: readonly Property[]): Buffer {
  const encoded = properties.map(([name, value]) => Buffer.concat([encodeName(name), encodeValue(value)]));
  return Buffer.concat([encodeCount(properties.length), ...encoded]);
}

export function encodeStepValue(step: StepValue): Buffer {
  const links = step.links.map(({ edge, direction: way, node }) => {
    const name = Buffer.from(`${node.type}\0${node.id}\0`);
    const length = Buffer.alloc(nameLengthBytes);
    length.writeUInt16BE(name.length);
    return Buffer.concat([Buffer.of(direction[way]), encodeName(edge), length, name]);
  });
  return Buffer.concat([
    encodeText(step.domain),
    encodeText(step.action),
    encodeCount(links.length),
    ...links,
    encodeProperties(step.properties),
  ]);
}

/** Its length (1), then its bytes without leading zeros: longer is greater, and of one length the order of bytes is that of ranks. */
export function encodeRank(rank: number): Buffer {
  const bytes: number[] = [];
  for (let rest = rank; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Buffer.from([bytes.length, ...bytes]);
}

export function encodeName(name: string): Buffer {
  return Buffer.concat([Buffer.of(name.length), Buffer.from(name)]);
}

function encodeText(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([encodeCount(bytes.length), bytes]);
}

export function encodeCount(count: number): Buffer {
  const bytes: number[] = [];
  let rest = count;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return Buffer.from([...bytes, rest]);
}
