import { seededRandom } from '../../foundation/index.ts';

/** What a row is called and holds: a layout says which of these an event has, and in which form. */
export interface EventShape {
  /** `Account` and `WATCHED` spelled out, or two bytes each. */
  readonly names: 'whole' | 'short';
  /** Whether the row at an edge's end repeats the edge's properties. */
  readonly reverse: 'values' | 'links';
  /** A step and the edges that leave its owner as rows of their own, or all of them as one. */
  readonly owner: 'apart' | 'together';
}

export type Row = readonly [key: Buffer, value: Buffer];

const accounts = 200_000;
const titles = 10_000;
const lineage = Buffer.from([5, 1, 2, 0xb0, 0xc1, 0x02]);

/** The rows of playback events as the store lays them out (one step, two edges, seen from both ends), in the given shape. */
export class EventRows {
  readonly #shape: EventShape;
  readonly #random: () => number;
  #sent = 0;

  constructor(shape: EventShape, seed: number) {
    this.#shape = shape;
    this.#random = seededRandom(seed);
  }

  next(startMs: number): Row[] {
    this.#sent += 1;
    const account = this.#below(accounts);
    const owner = this.#node('Account', 1, `acc-${String(account).padStart(7, '0')}`);
    const title = this.#node('Title', 2, `ti-${this.#below(titles)}`);
    const device = this.#node('Device', 3, `dev-${account}-${this.#below(3)}`);
    const event = this.#eventKey(startMs + this.#sent);
    const step = Buffer.concat([lineage, this.#step(title, device)]);
    const watched = Buffer.concat([lineage, this.#watched()]);
    const back = this.#shape.reverse === 'values' ? watched : Buffer.alloc(0);
    const bare = this.#shape.reverse === 'values' ? lineage : Buffer.alloc(0);
    const rows: Row[] = [
      [Buffer.concat([prefix(owner), Buffer.from('s'), event]), step],
      [Buffer.concat([prefix(title), this.#edge('<', 'WATCHED', 4), event, owner]), back],
      [Buffer.concat([prefix(device), this.#edge('<', 'USED', 5), event, owner]), bare],
    ];
    if (this.#shape.owner === 'together') return rows;
    return [
      ...rows,
      [Buffer.concat([prefix(owner), this.#edge('>', 'WATCHED', 4), event, title]), watched],
      [Buffer.concat([prefix(owner), this.#edge('>', 'USED', 5), event, device]), lineage],
    ];
  }

  #node(type: string, number: number, id: string): Buffer {
    return Buffer.from(
      this.#shape.names === 'whole' ? `${type}\0${id}\0` : `\u0001${String.fromCharCode(number)}${id}\0`,
    );
  }

  #edge(way: string, type: string, number: number): Buffer {
    return Buffer.from(
      this.#shape.names === 'whole' ? `${way}${type}\0` : `${way}\u0001${String.fromCharCode(number)}`,
    );
  }

  #step(title: Buffer, device: Buffer): Buffer {
    const names =
      this.#shape.names === 'whole'
        ? 'streamingwatchedWATCHEDUSEDcompletionreasonsecondstitle'
        : '\u0001\u0001\u0001\u0001\u0001\u0001\u0001\u0001';
    return Buffer.concat([
      Buffer.from(names),
      title,
      device,
      this.#watched(),
      Buffer.from('LEFT Title number 4711'),
    ]);
  }

  #watched(): Buffer {
    const values = Buffer.alloc(18);
    values.writeDoubleBE(this.#below(100) / 100, 1);
    values.writeBigInt64BE(BigInt(60 + this.#below(3000)), 10);
    return this.#shape.names === 'whole' ? Buffer.concat([Buffer.from('completionseconds'), values]) : values;
  }

  /** Inverted time, then sixteen hex digits' worth of an occurrence. */
  #eventKey(timeMs: number): Buffer {
    const bytes = Buffer.alloc(16);
    bytes.writeBigUInt64BE(BigInt(Number.MAX_SAFE_INTEGER - timeMs));
    bytes.writeUInt32BE(Math.floor(this.#random() * 2 ** 32), 8);
    bytes.writeUInt32BE(Math.floor(this.#random() * 2 ** 32), 12);
    return bytes;
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }
}

/** As the store does it: nodes are spread by four bytes of a hash (FNV-1a). */
function prefix(name: Buffer): Buffer {
  let hash = 0x811c9dc5;
  for (const byte of name) hash = Math.imul(hash ^ byte, 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  const bytes = Buffer.alloc(5, 'g');
  bytes.writeUInt32BE((hash ^ (hash >>> 13)) >>> 0, 1);
  return Buffer.concat([bytes, name]);
}
