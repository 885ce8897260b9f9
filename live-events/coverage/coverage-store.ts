import { ClassicLevel } from 'classic-level';
import { must, OutageError, StopError } from '../../foundation/index.ts';
import { SideDatabase, type SideDatabaseFailures } from '../../graph-store/index.ts';

/** What is kept of past broadcasts; beyond it the oldest go. */
export interface CoverageStoreLimits {
  readonly broadcastsMax: number;
  readonly broadcastsOfEventMax: number;
  readonly bytesMax: number;
}

export const coverageStoreLimitsDefault: CoverageStoreLimits = {
  broadcastsMax: 10_000,
  broadcastsOfEventMax: 64,
  bytesMax: 2 ** 30,
};

export interface CoverageKey {
  readonly event: string;
  readonly epoch: number;
  readonly sequence: number;
}

interface Row extends CoverageKey {
  readonly beganMs: number;
  /** Of what is kept of it. */
  readonly bytes: number;
}

type Level = ClassicLevel<string, Buffer>;

const format = '1';
const formatKey = 'format';
/** A small one for each, so that opening does not read what all of them hold. Ids of events have no `!`. */
const rowPrefix = 'row!';
const rowRange = { gt: rowPrefix, lt: 'row"' };
const valuePrefix = 'value!';
const digits = 16;

/** Coverage of broadcasts in a database of its own. All that it has is listed in memory; it takes one caller at a time. */
export class CoverageStore {
  readonly #side: SideDatabase<string>;
  readonly #limits: CoverageStoreLimits;
  /** In the order in which they were begun. */
  readonly #rows: Map<string, Row>;
  #bytes: number;

  private constructor(side: SideDatabase<string>, limits: CoverageStoreLimits, rows: Map<string, Row>) {
    this.#side = side;
    this.#limits = limits;
    this.#rows = rows;
    this.#bytes = [...rows.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /**
   * Throws StopError (COVERAGE_LOCKED: another process has the folder open; COVERAGE_FORMAT; COVERAGE_CORRUPT) or OutageError COVERAGE_OPEN_FAILED.
   */
  static async open(
    folder: string,
    limits: CoverageStoreLimits = coverageStoreLimitsDefault,
  ): Promise<CoverageStore> {
    const db: Level = new ClassicLevel(folder, { keyEncoding: 'utf8', valueEncoding: 'buffer' });
    return await SideDatabase.open(db, failuresIn(folder), async (side) => {
      await side.claim(formatKey, format);
      const values = await db.values(rowRange).all();
      const rows = values.map((value): Row => JSON.parse(value.toString()));
      rows.sort((a, b) => a.beganMs - b.beganMs || a.sequence - b.sequence);
      return new CoverageStore(side, limits, new Map(rows.map((row) => [writeKey(row), row])));
    });
  }

  get count(): number {
    return this.#rows.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  has(key: CoverageKey): boolean {
    return this.#rows.has(writeKey(key));
  }

  /** Of one event, newest first: a later epoch is newer. */
  list(event: string): readonly CoverageKey[] {
    const found = [...this.#rows.values()].filter((row) => row.event === event);
    return found.sort((a, b) => b.epoch - a.epoch || b.sequence - a.sequence);
  }

  events(): ReadonlySet<string> {
    return new Set([...this.#rows.values()].map(({ event }) => event));
  }

  /** Null when it is not there. Throws OutageError COVERAGE_READ_FAILED. */
  async get(key: CoverageKey): Promise<Buffer | null> {
    const text = writeKey(key);
    if (!this.#rows.has(text)) return null;
    const value = await this.#side.read((db) => db.get(valuePrefix + text));
    return must(value, 'what is listed is there');
  }

  /**
   * Takes the place of what it had of this broadcast. Answers what had to go to make room, oldest first; never this one. Throws OutageError COVERAGE_WRITE_FAILED.
   */
  async put(key: CoverageKey, beganMs: number, value: Buffer): Promise<readonly CoverageKey[]> {
    const text = writeKey(key);
    const { event, epoch, sequence } = key;
    const row = { event, epoch, sequence, beganMs, bytes: value.length };
    const gone = this.#tooMany(text, row);
    await this.#write(gone, (batch) => {
      batch.put(rowPrefix + text, Buffer.from(JSON.stringify(row))).put(valuePrefix + text, value);
    });
    this.#bytes += row.bytes - (this.#rows.get(text)?.bytes ?? 0);
    this.#rows.set(text, row);
    return gone;
  }

  /** All of an event; no more than `broadcastsOfEventMax`. Throws OutageError COVERAGE_WRITE_FAILED. */
  async drop(event: string): Promise<void> {
    const gone = [...this.#rows.values()].filter((row) => row.event === event);
    if (gone.length > 0) await this.#write(gone, () => undefined);
  }

  async close(): Promise<void> {
    await this.#side.close();
  }

  async #write(
    gone: readonly Row[],
    put: (batch: ReturnType<ClassicLevel<string, Buffer>['batch']>) => void,
  ): Promise<void> {
    await this.#side.write(async (db) => {
      const batch = db.batch();
      put(batch);
      for (const one of gone) batch.del(rowPrefix + writeKey(one)).del(valuePrefix + writeKey(one));
      await batch.write();
    });
    for (const one of gone) {
      this.#rows.delete(writeKey(one));
      this.#bytes -= one.bytes;
    }
  }

  #tooMany(text: string, row: Row): readonly Row[] {
    const others = [...this.#rows].filter(([key]) => key !== text).map(([, one]) => one);
    const { broadcastsMax, broadcastsOfEventMax, bytesMax } = this.#limits;
    let count = others.length + 1;
    let ofEvent = others.filter(({ event }) => event === row.event).length + 1;
    let bytes = others.reduce((sum, one) => sum + one.bytes, row.bytes);
    const gone: Row[] = [];
    for (const one of others) {
      const isOfEvent = one.event === row.event;
      const isTooMany = count > broadcastsMax || bytes > bytesMax;
      if (!isTooMany && !(isOfEvent && ofEvent > broadcastsOfEventMax)) continue;
      gone.push(one);
      count -= 1;
      bytes -= one.bytes;
      if (isOfEvent) ofEvent -= 1;
    }
    return gone;
  }
}

export function writeKey({ event, epoch, sequence }: CoverageKey): string {
  const number = (value: number): string => String(value).padStart(digits, '0');
  return `${event}!${number(epoch)}!${number(sequence)}`;
}

function failuresIn(folder: string): SideDatabaseFailures {
  return {
    locked: (cause) =>
      new StopError(
        'COVERAGE_LOCKED',
        `The coverage in ${folder} is in use by another process; stop that one, or start with another data folder.`,
        { cause },
      ),
    corrupt: (cause) =>
      new StopError(
        'COVERAGE_CORRUPT',
        `The coverage in ${folder} is damaged (${cause.message}); move the folder away, which loses the figures of past events only.`,
        { cause },
      ),
    failed: (cause) =>
      new OutageError(
        'COVERAGE_OPEN_FAILED',
        `The coverage in ${folder} could not be opened (${cause.message}); check the folder's permissions and free space.`,
        { cause },
      ),
    otherFormat: (found) =>
      new StopError(
        'COVERAGE_FORMAT',
        `The coverage in ${folder} has format ${found} and this version reads format ${format}; ` +
          'move the folder away, which loses the figures of past events only, or start with the version that wrote it.',
      ),
    unread: (cause) =>
      new OutageError(
        'COVERAGE_READ_FAILED',
        `The coverage in ${folder} could not be read (${cause.message}); check the disk, then ask again.`,
        { cause },
      ),
    unwritten: (cause) =>
      new OutageError(
        'COVERAGE_WRITE_FAILED',
        `The coverage in ${folder} could not be written (${cause.message}); free space or repair the disk. Until then it is in memory only.`,
        { cause },
      ),
  };
}
