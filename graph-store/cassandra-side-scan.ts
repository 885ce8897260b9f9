import {
  ancestorsOf,
  bucketAt,
  deepestLevel,
  levelOf,
  rangeOfBucket,
  rootBucket,
} from './cassandra-buckets.ts';
import type { CassandraConnection, CassandraRow } from './cassandra-connection.ts';
import type { SideTable } from './cassandra-tables.ts';
import { bytesOf, optionalBytes } from './cassandra-values.ts';
import { eventKeyBytes } from './packed-format.ts';

export type Order = 'ascending' | 'descending';

/** Keys of a side: `gte` inclusive, `lt` exclusive. */
export interface KeyRange {
  readonly gte: Buffer;
  readonly lt: Buffer;
}

export interface SideQuery extends KeyRange {
  readonly table: SideTable;
  readonly side: Buffer;
  readonly order: Order;
  /** False: values come empty. */
  readonly withValues: boolean;
  /** Rows that the caller expects to look at: the size of the first page. */
  readonly rowsWanted: number;
}

export interface ScannedRow {
  readonly key: Buffer;
  readonly value: Buffer;
}

/** What of a connection a scan needs. */
export type ScanConnection = Pick<CassandraConnection, 'page' | 'rows' | 'table'>;

const pageRowsMax = 1_000;
/** Buckets listed in one go. */
const listedAtOnce = 64;
const noBytes = Buffer.alloc(0);
const behindAll = Buffer.of(0xff);

/**
 * The rows of a side in order, from all of its buckets, as far as the caller reads. Most sides have the root alone, which is one request; of others a bucket is opened when the
 * order has come to where its range begins, with the wider ones around it.
 */
export async function* scanSide(connection: ScanConnection, query: SideQuery): AsyncGenerator<ScannedRow> {
  if (query.gte.compare(query.lt) >= 0) return;
  const root = new BucketCursor(connection, query, rootBucket);
  await root.load();
  const isSplit = root.isSplit ?? (await isRootSplit(connection, query));
  if (!isSplit) {
    for (let row = root.head; row !== null; row = root.head) {
      yield row;
      await root.advance();
    }
    return;
  }
  yield* new Merge(connection, query, root).rows();
}

/** Rows of one bucket, page by page. */
class BucketCursor {
  readonly #connection: ScanConnection;
  readonly #query: SideQuery;
  readonly #bucket: Buffer;
  #rows: readonly ScannedRow[] = [];
  #at = 0;
  #next: string | null = null;
  /** Null while no row has told. */
  isSplit: boolean | null = null;

  constructor(connection: ScanConnection, query: SideQuery, bucket: Buffer) {
    this.#connection = connection;
    this.#query = query;
    this.#bucket = bucket;
  }

  get head(): ScannedRow | null {
    return this.#rows[this.#at] ?? null;
  }

  async load(): Promise<void> {
    await this.#page(Math.max(1, Math.min(this.#query.rowsWanted, pageRowsMax)));
  }

  async advance(): Promise<void> {
    this.#at += 1;
    while (this.#at >= this.#rows.length && this.#next !== null) await this.#page(pageRowsMax);
  }

  async #page(size: number): Promise<void> {
    const { table, side, gte, lt, order, withValues } = this.#query;
    const page = await this.#connection.page(
      `SELECT key, split${withValues ? ', value' : ''} FROM ${this.#connection.table(table)}
       WHERE side = ? AND bucket = ? AND key >= ? AND key < ? ORDER BY key ${order === 'ascending' ? 'ASC' : 'DESC'}`,
      [side, this.#bucket, gte, lt],
      size,
      this.#next,
    );
    this.#rows = page.rows.map(rowOf);
    this.#at = 0;
    this.#next = page.next;
    const [first] = page.rows;
    if (first !== undefined) this.isSplit = first[1] === true;
  }
}

function rowOf([key, , value]: CassandraRow): ScannedRow {
  return { key: bytesOf(key), value: optionalBytes(value) ?? noBytes };
}

/** Asked where the range has no row that tells. */
async function isRootSplit(connection: ScanConnection, { table, side }: SideQuery): Promise<boolean> {
  const { rows } = await connection.page(
    `SELECT split FROM ${connection.table(table)} WHERE side = ? AND bucket = ? LIMIT 1`,
    [side, rootBucket],
    1,
    null,
  );
  return rows[0]?.[0] === true;
}

class Merge {
  readonly #connection: ScanConnection;
  readonly #query: SideQuery;
  readonly #ascending: boolean;
  readonly #cursors: BucketCursor[];
  readonly #opened = new Set<string>();
  /** Listed and not opened yet, in order; empty and no `#next` when all are. */
  #listed: Buffer[] = [];
  #listing: string | null | undefined = undefined;
  /** Those around the far end of the range, which begin before it. */
  #behind: Buffer[] = [];

  constructor(connection: ScanConnection, query: SideQuery, root: BucketCursor) {
    this.#connection = connection;
    this.#query = query;
    this.#ascending = query.order === 'ascending';
    this.#cursors = [root];
  }

  async *rows(): AsyncGenerator<ScannedRow> {
    await this.#openFirst();
    let last: Buffer | null = null;
    for (;;) {
      let least = this.#least();
      for (let next = await this.#peek(); next !== null; next = await this.#peek()) {
        const key = least?.head?.key;
        // Downwards a wider one begins to count before those in it, which are listed in front of it.
        const reached = [...ancestorsOf(next), next].filter(
          (one) => key === undefined || this.#reaches(one, key),
        );
        await this.#open(reached);
        least = this.#least();
        if (!reached.includes(next)) break;
      }
      const row = least?.head ?? null;
      if (least === null || row === null) return;
      // Delivered again after its bucket was full, a row lies in a narrower one as well.
      if (last === null || !last.equals(row.key)) yield row;
      last = row.key;
      await least.advance();
    }
  }

  /** Must the bucket be open before this key is told? */
  #reaches(bucket: Buffer, key: Buffer): boolean {
    const { from, to } = rangeOfBucket(bucket);
    if (this.#ascending) return from.compare(key) <= 0;
    return to === null || to.compare(key) > 0;
  }

  #least(): BucketCursor | null {
    let least: BucketCursor | null = null;
    for (const cursor of this.#cursors) {
      const { head } = cursor;
      if (head === null) continue;
      const other = least?.head ?? null;
      if (other === null || head.key.compare(other.key) < 0 === this.#ascending) least = cursor;
    }
    return least;
  }

  /** Buckets around both ends of the range begin outside of it: they are looked up by name. */
  async #openFirst(): Promise<void> {
    const { gte, lt, side } = this.#query;
    const start = eventKeyOf(gte);
    const end = before(eventKeyOf(lt));
    const around = [...chainOf(start), ...chainOf(end)];
    const names = [...new Map(around.map((bucket) => [bucket.toString('latin1'), bucket])).values()];
    const found = await this.#connection.rows(
      `SELECT bucket FROM ${this.#connection.table('buckets')} WHERE side = ? AND bucket IN ?`,
      [side, names],
    );
    const present = found.map((row) => bytesOf(row[0])).sort(Buffer.compare);
    const near = this.#ascending ? start : end;
    const holds = (bucket: Buffer): boolean => bucketAt(near, levelOf(bucket)).equals(bucket);
    await this.#open(present.filter(holds));
    // The rest around the end is in the listing; around the start, which comes last when it goes down, it is not.
    this.#behind = this.#ascending ? [] : present.filter((bucket) => !holds(bucket)).reverse();
  }

  async #open(buckets: readonly Buffer[]): Promise<void> {
    const cursors = buckets.flatMap((bucket) => {
      const name = bucket.toString('latin1');
      if (levelOf(bucket) === 0 || this.#opened.has(name)) return [];
      this.#opened.add(name);
      return [new BucketCursor(this.#connection, this.#query, bucket)];
    });
    await Promise.all(cursors.map((cursor) => cursor.load()));
    this.#cursors.push(...cursors);
  }

  async #peek(): Promise<Buffer | null> {
    for (;;) {
      const [next] = this.#listed;
      if (next !== undefined && this.#opened.has(next.toString('latin1'))) this.#listed.shift();
      else if (next !== undefined) return next;
      else if (this.#listing === null) return null;
      else await this.#list();
    }
  }

  /** Buckets that begin within the range. */
  async #list(): Promise<void> {
    const { gte, lt, side } = this.#query;
    const page = await this.#connection.page(
      `SELECT bucket FROM ${this.#connection.table('buckets')} WHERE side = ? AND bucket >= ? AND bucket < ?
       ORDER BY bucket ${this.#ascending ? 'ASC' : 'DESC'}`,
      [side, Buffer.concat([eventKeyOf(gte), behindAll]), eventKeyOf(lt)],
      listedAtOnce,
      this.#listing ?? null,
    );
    this.#listed = page.rows.map((row) => bytesOf(row[0]));
    this.#listing = page.next;
    if (page.next === null) this.#listed.push(...this.#behind.splice(0));
  }
}

function eventKeyOf(key: Buffer): Buffer {
  const whole = Buffer.alloc(eventKeyBytes);
  key.copy(whole, 0, 0, eventKeyBytes);
  return whole;
}

/** The greatest event key below this one. */
function before(key: Buffer): Buffer {
  const less = Buffer.from(key);
  for (let i = less.length - 1; i >= 0; i -= 1) {
    const byte = less[i] ?? 0;
    less[i] = byte === 0 ? 0xff : byte - 1;
    if (byte !== 0) break;
  }
  return less;
}

function chainOf(key: Buffer): Buffer[] {
  return Array.from({ length: deepestLevel }, (_, i) => bucketAt(key, i + 1));
}
