import { must } from '../foundation/index.ts';
import { eventKeyBytes } from './packed-format.ts';
import { uint32At } from './read-bytes.ts';
import { eventTimeAt, graphRange, kindAt, nameAt, rowKind, timeLength } from './rows.ts';

/** First bytes of keys from the second stretch on, in order. What is beyond is nobody's. */
const firstByteMin = 0x80;
const firstByteMax = 0xfe;
const firstByteOfFirst = 0x67;
/** So many stretches there can be; the last one then takes all that comes. */
export const stretchesMax = 1 + firstByteMax - firstByteMin + 1;
/**
 * One is no smaller than such a part of all, so that their number grows with the logarithm of the store: of two GiB each at first, there are 8 at 16 GiB, some twenty at 100 and some forty at
 * 1,000.
 */
const partMin = 1 / 8;

export interface KeyRange {
  readonly gte: Buffer;
  readonly lt: Buffer;
}

/** What of a store is remembered of its stretches, as JSON in one row. */
interface StretchesRow {
  /** Event times, milliseconds, at which the second and each further one begins; ascending. */
  readonly fromMs: readonly number[];
  /** Of all steps and occurrences that were ever put; -1 of none. */
  readonly newestMs: number;
  /** Put into the newest one, and into all: keys and values, a row that was put twice counted twice. */
  readonly bytes: number;
  readonly bytesOfAll: number;
}

/**
 * Steps and occurrences lie in stretches of event time, each in a range of keys of its own, so that LevelDB's merging costs what one stretch costs and not what all that
 * was ever written does. The first stretch has keys as `rows.ts` writes them, and with them everything else; a later one has the same keys with another
 * first byte.
 *
 * Invariant: which stretch a row lies in depends on its event time and on where stretches begin, and a new one begins behind all event times there are. So a row never has to
 * move, and one that is put again lands on itself.
 */
export class Stretches {
  #fromMs: readonly number[] = [];
  #newestMs = -1;
  #bytes = 0;
  #bytesOfAll = 0;

  /** Of which there is always one. */
  get count(): number {
    return this.#fromMs.length + 1;
  }

  get newestMs(): number {
    return this.#newestMs;
  }

  /** Of the newest one. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Throws AssertionError or SyntaxError of what the product did not write. */
  static decode(row: Buffer): Stretches {
    const found: unknown = JSON.parse(row.toString());
    const { fromMs, newestMs, bytes, bytesOfAll } = must(
      isStretchesRow(found) ? found : null,
      'the row of the stretches says where they begin',
    );
    const stretches = new Stretches();
    stretches.#fromMs = fromMs;
    stretches.#newestMs = newestMs;
    stretches.#bytes = bytes;
    stretches.#bytesOfAll = bytesOfAll;
    return stretches;
  }

  encode(): Buffer {
    const row: StretchesRow = {
      fromMs: this.#fromMs,
      newestMs: this.#newestMs,
      bytes: this.#bytes,
      bytesOfAll: this.#bytesOfAll,
    };
    return Buffer.from(JSON.stringify(row));
  }

  /** A row of that time is, or is about to be, put. */
  note(timeMs: number): void {
    if (timeMs > this.#newestMs) this.#newestMs = timeMs;
  }

  /** Of a row that is put into the stretch whose keys begin so. */
  noteBytes(firstByte: number, bytes: number): void {
    this.#bytesOfAll += bytes;
    if (firstByte === this.firstByteOf(this.count - 1)) this.#bytes += bytes;
  }

  /** Whether the newest one holds so much, and another one may follow. */
  isFull(bytesMax: number): boolean {
    if (this.#bytes < Math.max(bytesMax, this.#bytesOfAll * partMin)) return false;
    return this.#newestMs >= (this.#fromMs.at(-1) ?? -1) && this.count < stretchesMax;
  }

  /** From here on what is newer than all there is goes into another one. */
  begin(): void {
    must(this.count < stretchesMax ? this : null, 'there is a first byte left');
    this.#fromMs = [...this.#fromMs, this.#newestMs + 1];
    this.#bytes = 0;
  }

  firstByteOf(stretch: number): number {
    return stretch === 0 ? firstByteOfFirst : firstByteMin + stretch - 1;
  }

  /** Where rows of the event whose key is at `eventAt` go. Called for each row: nothing is looked at while there is one stretch. */
  firstByteAt(bytes: Buffer, eventAt: number): number {
    const from = this.#fromMs;
    if (from.length === 0) return firstByteOfFirst;
    const timeMs =
      Number.MAX_SAFE_INTEGER - (uint32At(bytes, eventAt) * 2 ** 32 + uint32At(bytes, eventAt + 4));
    return this.firstByteOf(this.#stretchAt(timeMs));
  }

  /** Where the row of that key, as `rows.ts` writes it, really lies: a copy where that is elsewhere. */
  storedKey(key: Buffer): Buffer {
    if (this.#fromMs.length === 0 || key[0] !== firstByteOfFirst) return key;
    const timeMs = eventTimeOf(key);
    if (timeMs === null) return key;
    const stretch = this.#stretchAt(timeMs);
    return stretch === 0 ? key : this.inStretch(key, stretch);
  }

  /** Whether a key that begins so is one of a stretch behind the first. */
  isLater(firstByte: number): boolean {
    return firstByte >= firstByteMin && firstByte < firstByteMin + this.#fromMs.length;
  }

  inStretch(key: Buffer, stretch: number): Buffer {
    const copy = Buffer.from(key);
    copy[0] = this.firstByteOf(stretch);
    return copy;
  }

  /**
   * Which stretches hold rows of a range of one kind (and one edge type) at one node, newest event times first as the rows are, so that one stretch's rows go in front of all of
   * the next one's. Null where the range is none of these: then any stretch may hold any of it.
   */
  ofRun({ gte, lt }: KeyRange): readonly number[] | null {
    const end = runEnd(gte);
    if (end < 0 || !isWithinRun(lt, gte, end)) return null;
    const newestMs = gte.length < end + timeLength ? Number.POSITIVE_INFINITY : eventTimeAt(gte, end);
    const isBounded = lt.length >= end + timeLength && lt.compare(gte, 0, end, 0, end) === 0;
    // The bound itself may have rows of its own time in front of it: an event key is longer than its time.
    const oldestMs = isBounded ? eventTimeAt(lt, end) : Number.NEGATIVE_INFINITY;
    const found: number[] = [];
    for (let stretch = this.count - 1; stretch >= 0; stretch -= 1) {
      const fromMs = stretch === 0 ? Number.NEGATIVE_INFINITY : (this.#fromMs[stretch - 1] ?? 0);
      const toMs = this.#fromMs[stretch] ?? Number.POSITIVE_INFINITY;
      if (fromMs <= newestMs && toMs > oldestMs) found.push(stretch);
    }
    return found;
  }

  #stretchAt(timeMs: number): number {
    const from = this.#fromMs;
    let stretch = from.length;
    // Nearly always the newest one, or close to it.
    while (stretch > 0 && timeMs < (from[stretch - 1] ?? 0)) stretch -= 1;
    return stretch;
  }
}

export function isStretchesRow(found: unknown): found is StretchesRow {
  return (
    typeof found === 'object' &&
    found !== null &&
    'fromMs' in found &&
    Array.isArray(found.fromMs) &&
    found.fromMs.length < stretchesMax &&
    found.fromMs.every(
      (ms: unknown, i, all) => Number.isSafeInteger(ms) && (i === 0 || all[i - 1] < Number(ms)),
    ) &&
    'newestMs' in found &&
    Number.isSafeInteger(found.newestMs) &&
    'bytes' in found &&
    Number.isSafeInteger(found.bytes) &&
    'bytesOfAll' in found &&
    Number.isSafeInteger(found.bytesOfAll)
  );
}

/** Behind the kind of a step, or the edge type of an occurrence: where event keys begin. -1 where the key ends before, or is of another kind. */
function runEnd(key: Buffer): number {
  const typeEnd = key.indexOf(0, nameAt);
  const nameEnd = typeEnd < 0 ? -1 : key.indexOf(0, typeEnd + 1);
  if (nameEnd < 0) return -1;
  const at = kindAt(key);
  const kind = key[at];
  if (kind === rowKind.step) return at + 1;
  if (kind !== rowKind.out && kind !== rowKind.in) return -1;
  return key.indexOf(0, at + 1) + 1 || -1;
}

/** Whether a range that begins at `gte` ends before, or with, the keys that share its first `end` bytes. */
function isWithinRun(lt: Buffer, gte: Buffer, end: number): boolean {
  if (lt.length < end) return false;
  if (lt.compare(gte, 0, end - 1, 0, end - 1) !== 0) return false;
  const last = gte[end - 1] ?? 0;
  if (lt[end - 1] === last) return true;
  return lt.length === end && lt[end - 1] === last + 1;
}

/** The event time of a step's or an occurrence's key; null of any other, and of what is no key. */
export function eventTimeOf(key: Buffer): number | null {
  const at = runEnd(key);
  return at < 0 || key.length < at + eventKeyBytes ? null : eventTimeAt(key, at);
}

/** Whether all of a range lies among the keys of the graph. */
export function isOfGraph({ gte, lt }: KeyRange): boolean {
  return gte.compare(graphRange.gte) >= 0 && lt.compare(graphRange.lt) <= 0;
}
