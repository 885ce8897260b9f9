import { ByteReader, encodeContent, encodeName, encodeRank, encodeValue } from './codec.ts';
import type { NodeMutation } from './model.ts';
import { mergeRegisters, type Register, registersOf } from './register.ts';

/**
 * A register as a cell of a map: the key says which one it is, the value is (rank, content) in the order of bytes in which greater ones win, and the cell's
 * write timestamp is the event time. So Cassandra itself keeps the greatest (event time, rank, content) of each, in any order of
 * writes and however often they come, and nobody reads before writing.
 */
export interface Cell {
  readonly timeMs: number;
  readonly value: Buffer;
}

/** By key as latin1 text. */
export type Cells = Map<string, Cell>;

const kindByte = { value: 0, cleared: 1, element: 2 } as const;
const timeBytesLength = 8;
const noRank = encodeRank(0);

/** Of properties that are values: their names are few. Full, it is begun anew. */
const valueKeys = new Map<string, string>();
const valueKeysMax = 4_096;

export function cellKey(register: Pick<Register, 'name' | 'content'>): string {
  const { name, content } = register;
  if (content.kind !== 'value') return newCellKey(register);
  const known = valueKeys.get(name);
  if (known !== undefined) return known;
  if (valueKeys.size >= valueKeysMax) valueKeys.clear();
  const key = newCellKey(register);
  valueKeys.set(name, key);
  return key;
}

function newCellKey({ name, content }: Pick<Register, 'name' | 'content'>): string {
  const kind = Buffer.of(kindByte[content.kind]);
  const element = content.kind === 'element' ? [encodeValue(content.value)] : [];
  return Buffer.concat([encodeName(name), kind, ...element]).toString('latin1');
}

/** The event time is repeated in front: a column has no place for it where two lives of a row are read together. */
export function cellOf({ timeMs, rank, content }: Omit<Register, 'name'>): Cell {
  const behind = rank === 0 ? noRank : encodeRank(rank);
  const said = encodeContent(content);
  const value = Buffer.allocUnsafe(timeBytesLength + behind.length + said.length);
  value.writeUInt32BE(Math.floor(timeMs / 2 ** 32));
  value.writeUInt32BE(timeMs % 2 ** 32, 4);
  value.set(behind, timeBytesLength);
  value.set(said, timeBytesLength + behind.length);
  return { timeMs, value };
}

export function registerOf(key: Buffer, value: Buffer): Register {
  const name = new ByteReader(key).name();
  const reader = new ByteReader(value);
  const timeMs = reader.time();
  return { name, timeMs, rank: reader.rank(), content: reader.content() };
}

/** What of a map's cells counts: elements of sets that are older than their clearing, or beyond the newest, are there for nothing. */
export function registersIn(cells: Iterable<readonly [key: Buffer, value: Buffer]>): Register[] {
  return mergeRegisters(
    [],
    Array.from(cells, ([key, value]) => registerOf(key, value)),
  );
}

/** Which of two writes of one register is kept, here as in Cassandra. */
export function isGreater(a: Cell, b: Cell): boolean {
  return a.value.compare(b.value) > 0;
}

/**
 * Puts a mutation's registers in; answers the keys of those that changed something. `cells` may know less than the database, and more only by what is on its way in a
 * group whose failure fails all behind it and empties the cache that they are of: what changes nothing here changes nothing there.
 */
export function putRegisters(
  cells: Cells,
  { properties }: NodeMutation,
  event: Pick<Register, 'timeMs' | 'rank'>,
): string[] {
  const changed: string[] = [];
  for (const register of registersOf(properties, event)) {
    const key = cellKey(register);
    const cell = cellOf(register);
    const known = cells.get(key);
    if (known !== undefined && !isGreater(cell, known)) continue;
    if (register.content.kind === 'element' && isCleared(cells, register)) continue;
    cells.set(key, cell);
    changed.push(key);
  }
  return changed;
}

function isCleared(cells: Cells, { name, timeMs, rank }: Register): boolean {
  const clearing = cells.get(cellKey({ name, content: { kind: 'cleared' } }));
  if (clearing === undefined) return false;
  const reader = new ByteReader(clearing.value, timeBytesLength);
  return timeMs < clearing.timeMs || (timeMs === clearing.timeMs && rank < reader.rank());
}
