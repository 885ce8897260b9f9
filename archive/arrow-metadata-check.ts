/** Columns of a schema with those inside them; also ends what points at itself. */
const tablesMax = 20_000;
const depthMax = 32;

const headerSchema = 1;
const headerDictionary = 2;
const headerBatch = 3;

/**
 * Walks over the flatbuffer of an Arrow message, and throws where a count or a place in it is not one of its own bytes. The
 * library believes them: twenty changed bytes make it build lists until the process has no memory left.
 */
export function checkArrowMetadata(bytes: Uint8Array): void {
  const walk = new FlatWalk(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  const message = walk.root();
  const kind = message.byte(1);
  const header = message.table(2);
  message.tables(4, checkText);
  if (header === null) throw new Error('a message says nothing');
  if (kind === headerBatch) checkBatch(header);
  else if (kind === headerDictionary) {
    const data = header.table(1);
    if (data === null) throw new Error('a dictionary has no values');
    checkBatch(data);
  } else if (kind === headerSchema) {
    header.tables(1, (field) => checkField(field, 0));
    header.tables(2, checkText);
  } else throw new Error(`a message is of the unknown kind ${kind}`);
}

function checkBatch(batch: FlatTable): void {
  batch.vector(1, 16);
  batch.vector(2, 16);
  batch.table(3);
  batch.vector(4, 8);
}

function checkField(field: FlatTable, depth: number): void {
  if (depth > depthMax) throw new Error('its schema is nested too deep');
  field.vector(0, 1);
  // A type of its own, such as a union's, may hold a list of numbers or a text at its second place.
  field.table(3);
  const dictionary = field.table(4);
  dictionary?.table(1);
  field.tables(5, (child) => checkField(child, depth + 1));
  field.tables(6, checkText);
}

function checkText(pair: FlatTable): void {
  pair.vector(0, 1);
  pair.vector(1, 1);
}

class FlatWalk {
  readonly view: DataView;
  #tables = 0;

  constructor(view: DataView) {
    this.view = view;
  }

  root(): FlatTable {
    return this.table(this.view.getUint32(0, true));
  }

  table(at: number): FlatTable {
    this.#tables += 1;
    if (this.#tables > tablesMax) throw new Error(`its metadata has more than ${tablesMax} parts`);
    return new FlatTable(this, at);
  }
}

class FlatTable {
  readonly #walk: FlatWalk;
  readonly #at: number;
  readonly #slots: number;
  readonly #slotBytes: number;

  constructor(walk: FlatWalk, at: number) {
    this.#walk = walk;
    this.#at = at;
    this.#slots = at - walk.view.getInt32(at, true);
    this.#slotBytes = walk.view.getUint16(this.#slots, true);
  }

  byte(slot: number): number {
    const at = this.#place(slot);
    return at === null ? 0 : this.#walk.view.getUint8(at);
  }

  table(slot: number): FlatTable | null {
    const at = this.#place(slot);
    return at === null ? null : this.#walk.table(at + this.#walk.view.getUint32(at, true));
  }

  /** Where its items begin and how many there are, all of them within the bytes. */
  vector(slot: number, itemBytes: number): { readonly start: number; readonly count: number } {
    const at = this.#place(slot);
    if (at === null) return { start: 0, count: 0 };
    const { view } = this.#walk;
    const start = at + view.getUint32(at, true) + 4;
    const count = view.getUint32(start - 4, true);
    if (count * itemBytes > view.byteLength - start)
      throw new Error('its metadata holds a list longer than itself');
    return { start, count };
  }

  tables(slot: number, check: (table: FlatTable) => void): void {
    const { start, count } = this.vector(slot, 4);
    for (let at = start; at < start + count * 4; at += 4)
      check(this.#walk.table(at + this.#walk.view.getUint32(at, true)));
  }

  #place(slot: number): number | null {
    const entry = 4 + 2 * slot;
    if (entry + 2 > this.#slotBytes) return null;
    const offset = this.#walk.view.getUint16(this.#slots + entry, true);
    return offset === 0 ? null : this.#at + offset;
  }
}
