import { ClassicLevel } from 'classic-level';
import { RoaringBitmap32 } from 'roaring-wasm';
import { OutageError, RefusedError, StopError } from '../../foundation/index.ts';
import { type NodeRef, SideDatabase, type SideDatabaseFailures } from '../../graph-store/index.ts';
import {
  type AudienceRow,
  audienceFormat,
  audienceKey,
  audienceRange,
  bitmapKey,
  clientKey,
  metaKey,
} from './audience-rows.ts';
import { MemberNumbers } from './member-numbers.ts';

export interface AudienceStoreLimits {
  readonly countMax: number;
  /** Of all bitmaps. */
  readonly bytesMax: number;
}

/** Bitmaps that are kept ready in WebAssembly's memory; the one not used for longest goes first. */
const bitmapsMax = 4;
const writeBufferBytes = 8 * 2 ** 20;

/**
 * Frozen audiences in a database of their own, beside any graph store. What is frozen is there whole or not at all, also after a kill at any moment,
 * and its members never change.
 */
export class AudienceStore {
  readonly #side: SideDatabase<Buffer>;
  readonly #numbers: MemberNumbers;
  readonly #limits: AudienceStoreLimits;
  readonly #rows: Map<string, AudienceRow>;
  /** In the order in which they were used. */
  readonly #bitmaps = new Map<string, RoaringBitmap32>();

  private constructor(
    side: SideDatabase<Buffer>,
    numbers: MemberNumbers,
    limits: AudienceStoreLimits,
    rows: Map<string, AudienceRow>,
  ) {
    this.#side = side;
    this.#numbers = numbers;
    this.#limits = limits;
    this.#rows = rows;
  }

  /**
   * Throws StopError (AUDIENCES_LOCKED: another process has the folder open; AUDIENCES_FORMAT; AUDIENCES_CORRUPT) or OutageError AUDIENCES_OPEN_FAILED.
   */
  static async open(folder: string, limits: AudienceStoreLimits): Promise<AudienceStore> {
    const db = new ClassicLevel<Buffer, Buffer>(folder, {
      keyEncoding: 'buffer',
      valueEncoding: 'buffer',
      writeBufferSize: writeBufferBytes,
    });
    return await SideDatabase.open(db, failuresIn(folder), async (side) => {
      await side.claim(metaKey.format, audienceFormat);
      const rows = new Map<string, AudienceRow>();
      for (const value of await db.values(audienceRange).all()) {
        const row: AudienceRow = JSON.parse(value.toString());
        rows.set(row.id, row);
      }
      return new AudienceStore(side, await MemberNumbers.open(db), limits, rows);
    });
  }

  get(id: string): AudienceRow | null {
    return this.#rows.get(id) ?? null;
  }

  /** Newest first. As many as may be kept, so all of them are in memory. */
  list(): readonly AudienceRow[] {
    return [...this.#rows.values()].sort((a, b) => b.frozenAtMs - a.frozenAtMs || (a.id < b.id ? 1 : -1));
  }

  ofKey(key: string): AudienceRow | null {
    return this.list().find((row) => row.key === key) ?? null;
  }

  /** Throws RefusedError AUDIENCES_FULL. */
  checkRoom(moreBytes: number): void {
    const { countMax, bytesMax } = this.#limits;
    const bytes = [...this.#rows.values()].reduce((sum, row) => sum + row.bytes, moreBytes);
    if (this.#rows.size < countMax && bytes <= bytesMax) return;
    const full = this.#rows.size < countMax ? `${bytesMax} bytes` : `${countMax} audiences`;
    throw new RefusedError(
      'AUDIENCES_FULL',
      `There is no room for another audience beyond ${full}; delete one, or raise \`audience.${this.#rows.size < countMax ? 'bytes' : 'count'}.max\`.`,
    );
  }

  /** Numbers for members that are being frozen; of what then is not frozen they are kept for the next. */
  async numbersOf(memberType: string, ids: readonly string[], expected: number): Promise<Uint32Array> {
    return await this.#side.write(() => this.#numbers.give(memberType, ids, expected));
  }

  /** Durable when it resolves. Takes the bitmap over. Throws RefusedError AUDIENCES_FULL. */
  async put(row: Omit<AudienceRow, 'size' | 'bytes'>, bitmap: RoaringBitmap32): Promise<AudienceRow> {
    try {
      bitmap.runOptimize();
      const bytes = bitmap.serialize('portable');
      this.checkRoom(bytes.length);
      const whole = { ...row, size: bitmap.size, bytes: bytes.length };
      await this.#side.write(async (db) => {
        // Any range will do: LevelDB first writes what it has in memory into a table and syncs that. The numbers have to be there before the bitmap.
        await db.compactRange(metaKey.next, metaKey.next);
        const batch = db.batch();
        batch.put(audienceKey(row.id), Buffer.from(JSON.stringify(whole)));
        batch.put(bitmapKey(row.id), Buffer.from(bytes));
        batch.put(clientKey(row.key), Buffer.from(row.id));
        await batch.write({ sync: true });
      });
      this.#rows.set(row.id, whole);
      return whole;
    } finally {
      bitmap.dispose();
    }
  }

  /** False when there was none. Members keep their numbers. */
  async delete(id: string): Promise<boolean> {
    const row = this.#rows.get(id);
    if (row === undefined) return false;
    await this.#side.write(async (db) => {
      const batch = db.batch();
      batch.del(audienceKey(id)).del(bitmapKey(id)).del(clientKey(row.key));
      await batch.write({ sync: true });
    });
    this.#rows.delete(id);
    this.#bitmaps.get(id)?.dispose();
    this.#bitmaps.delete(id);
    return true;
  }

  /** Those after a number, in the order of numbers; `next` is null at the end. */
  async page(
    id: string,
    after: number | null,
    limit: number,
  ): Promise<{
    readonly members: readonly NodeRef[];
    readonly numbers: readonly number[];
    readonly more: boolean;
  }> {
    // Read and let go of at once: another reader may push it out of memory while this one waits.
    const numbers = await this.#withBitmap(id, (bitmap) => {
      const from = after === null ? 0 : bitmap.rank(after);
      return bitmap.sliceArray(from, from + limit + 1);
    });
    const page = numbers.slice(0, limit);
    const members = await this.#side.read(() => this.#numbers.members(page));
    return { members, numbers: page, more: numbers.length > limit };
  }

  /** Which of these are in it. */
  async contains(id: string, memberType: string, ids: readonly string[]): Promise<readonly string[]> {
    const numbers = await this.#side.read(() => this.#numbers.known(memberType, ids));
    return await this.#withBitmap(id, (bitmap) =>
      ids.filter((_id, i) => {
        const number = numbers[i] ?? null;
        return number !== null && bitmap.has(number);
      }),
    );
  }

  /** A member's place among all of an audience, from 0; null of whoever is none. */
  async positionsOf(
    id: string,
    memberType: string,
    ids: readonly string[],
  ): Promise<readonly (number | null)[]> {
    const numbers = await this.#side.read(() => this.#numbers.known(memberType, ids));
    return await this.#withBitmap(id, (bitmap) =>
      numbers.map((number) => (number !== null && bitmap.has(number) ? bitmap.rank(number) - 1 : null)),
    );
  }

  /** The other way round, of positions below the audience's size. */
  async membersAt(id: string, positions: readonly number[]): Promise<readonly NodeRef[]> {
    const numbers = await this.#withBitmap(id, (bitmap) => positions.map((at) => bitmap.select(at)));
    return await this.#side.read(() => this.#numbers.members(numbers));
  }

  async close(): Promise<void> {
    for (const bitmap of this.#bitmaps.values()) bitmap.dispose();
    this.#bitmaps.clear();
    await this.#side.close();
  }

  /** `use` answers before anybody else has a turn: what it is given may be let go of afterwards. */
  async #withBitmap<T>(id: string, use: (bitmap: RoaringBitmap32) => T): Promise<T> {
    const ready = this.#bitmaps.get(id);
    if (ready !== undefined) {
      this.#bitmaps.delete(id);
      this.#bitmaps.set(id, ready);
      return use(ready);
    }
    const bytes = await this.#side.read((db) => db.get(bitmapKey(id)));
    if (bytes === undefined) throw notThere(id);
    const raced = this.#bitmaps.get(id);
    if (raced !== undefined) return use(raced);
    const bitmap = RoaringBitmap32.deserialize('portable', bytes);
    // Deleted while it was read: nobody would let go of it.
    if (!this.#rows.has(id)) {
      bitmap.dispose();
      throw notThere(id);
    }
    this.#bitmaps.set(id, bitmap);
    const [oldest] = this.#bitmaps.keys();
    if (this.#bitmaps.size > bitmapsMax && oldest !== undefined) {
      this.#bitmaps.get(oldest)?.dispose();
      this.#bitmaps.delete(oldest);
    }
    return use(bitmap);
  }
}

export function notThere(id: string): RefusedError {
  return new RefusedError(
    'AUDIENCE_UNKNOWN',
    `There is no audience ${id}; \`audiences\` lists those there are.`,
  );
}

function failuresIn(folder: string): SideDatabaseFailures {
  return {
    locked: (cause) =>
      new StopError(
        'AUDIENCES_LOCKED',
        `The audiences in ${folder} are in use by another process; stop that one, or start with another data folder.`,
        { cause },
      ),
    corrupt: (cause) =>
      new StopError(
        'AUDIENCES_CORRUPT',
        `The audiences in ${folder} are damaged (${cause.message}); move the folder away, start again and freeze them anew.`,
        { cause },
      ),
    failed: (cause) =>
      new OutageError(
        'AUDIENCES_OPEN_FAILED',
        `The audiences in ${folder} could not be opened (${cause.message}); check the folder's permissions and free space.`,
        { cause },
      ),
    otherFormat: (found) =>
      new StopError(
        'AUDIENCES_FORMAT',
        `The audiences in ${folder} have format ${found} and this version reads format ${audienceFormat}; ` +
          'move the folder away and freeze them again, or start with the version that wrote it.',
      ),
    unread: (cause) =>
      new OutageError(
        'AUDIENCES_READ_FAILED',
        `The audiences in ${folder} could not be read (${cause.message}); check the disk, then ask again.`,
        { cause },
      ),
    unwritten: (cause) =>
      new OutageError(
        'AUDIENCES_WRITE_FAILED',
        `The audiences in ${folder} could not be written (${cause.message}); free space or repair the disk, restart, then freeze it again.`,
        { cause },
      ),
  };
}
