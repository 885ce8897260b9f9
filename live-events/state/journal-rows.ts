import type { ClassicLevel } from 'classic-level';
import type { Cursor } from '../../device/index.ts';
import type { JournalEntry, LiveEvent, Removal } from '../live-event.ts';
import type { PastEntry } from './live-journal.ts';

/**
 * The rows of the journal's own database:
 *
 *     mformat               version of this layout
 *     mepoch                the epoch, digits
 *     s<id>                 the newest state of an event, and the line of its newest entry, as JSON
 *     e<id>\0<line (6)>     an entry, as JSON. Lines count the entries of an event through all epochs, so what is to be trimmed is known without looking
 *     p<id>                 the cursor that was published last
 *     d<id>                 an event that was removed in this epoch
 *     x<line (6)>           who removed an event, as JSON. Lines count removals through all epochs
 */
export type LiveLevel = ClassicLevel<Buffer, Buffer>;

export const liveFormat = '1';
const lineBytes = 6;
export const metaKey = { format: Buffer.from('mformat'), epoch: Buffer.from('mepoch') } as const;

/** An event's state in its row. */
export interface StateRow {
  readonly line: number;
  readonly event: LiveEvent;
}

export const stateKey = (id: string): Buffer => Buffer.from(`s${id}`);
export const publishedKey = (id: string): Buffer => Buffer.from(`p${id}`);
export const removedKey = (id: string): Buffer => Buffer.from(`d${id}`);

export function entryKey(id: string, line: number): Buffer {
  return lineKey(`e${id}\0`, line);
}

export function removalKey(line: number): Buffer {
  return lineKey('x', line);
}

function lineKey(before: string, line: number): Buffer {
  const key = Buffer.from(`${before}......`);
  key.writeUIntBE(line, key.length - lineBytes, lineBytes);
  return key;
}

export function lineOf(key: Buffer): number {
  return key.readUIntBE(key.length - lineBytes, lineBytes);
}

/** All rows whose keys begin with this letter. */
export function rangeOf(letter: 's' | 'p' | 'd' | 'x'): { readonly gte: Buffer; readonly lt: Buffer } {
  return { gte: Buffer.from(letter), lt: Buffer.from([letter.charCodeAt(0) + 1]) };
}

export function encodeState(row: StateRow): Buffer {
  return Buffer.from(JSON.stringify(row));
}

export function decodeState(value: Buffer): StateRow {
  const row: StateRow = JSON.parse(value.toString());
  return row;
}

export function encodeEntry({ after, ...entry }: JournalEntry): Buffer {
  const { plan: _kept, ...state } = after;
  return Buffer.from(JSON.stringify({ ...entry, after: state }));
}

export function decodeEntry(value: Buffer): PastEntry {
  const entry: PastEntry = JSON.parse(value.toString());
  return entry;
}

export function encodeRemoval(removal: Removal): Buffer {
  return Buffer.from(JSON.stringify(removal));
}

export function decodeRemoval(value: Buffer): Removal {
  const removal: Removal = JSON.parse(value.toString());
  return removal;
}

export function encodePublished(cursor: Cursor): Buffer {
  return Buffer.from(JSON.stringify([cursor.epoch, cursor.sequence]));
}

export function decodePublished(value: Buffer): Cursor {
  const [epoch = 0, sequence = 0]: readonly number[] = JSON.parse(value.toString());
  return { epoch, sequence };
}
