import { LRUCache } from 'lru-cache';
import type { Log } from '../foundation/index.ts';
import { bucketAt, deepestLevel, markOf, marksToFill, rootBucket } from './cassandra-buckets.ts';
import type { CassandraConnection, Statement } from './cassandra-connection.ts';
import type { SideTable } from './cassandra-tables.ts';
import { bytesOf, integerOf } from './cassandra-values.ts';

/** A row of a side table on its way. */
export interface SideRow {
  readonly table: SideTable;
  readonly side: Buffer;
  /** As latin1. */
  readonly sideText: string;
  readonly key: Buffer;
  readonly value: Buffer;
  readonly stamp: bigint;
}

/** A bucket that a row left a mark in. */
interface Marked {
  readonly table: SideTable;
  readonly side: Buffer;
  readonly bucket: Buffer;
}

/** Full buckets that a process remembers. Beyond, buckets are not divided any further, which is said. */
const fullBucketsMax = 1_000_000;
/** Buckets that are known to be listed; a forgotten one is listed again, which changes nothing. */
const listedMax = 50_000;
/** All that says this once is enough: it is never changed. */
const once = 1n;

/**
 * Into which bucket each row goes, from what this process knows to be full: all of it at the start, and later what its own marks tell. So nothing is read
 * before a row is written, but once for every so many rows of a bucket.
 */
export class CassandraPlacement {
  readonly #connection: CassandraConnection;
  readonly #log: Log;
  readonly #hash: (bytes: Uint8Array) => number;
  /** By side, as latin1 text. */
  readonly #full = new Map<string, Set<string>>();
  #fullCount = 0;
  readonly #scratch = Buffer.allocUnsafeSlow(1024);
  readonly #listed = new LRUCache<string, true>({ max: listedMax });

  constructor(connection: CassandraConnection, hash: (bytes: Uint8Array) => number, log: Log) {
    this.#log = log;
    this.#connection = connection;
    this.#hash = hash;
  }

  async load(): Promise<void> {
    const query = `SELECT side, bucket, split FROM ${this.#connection.table('buckets')}`;
    for (let next: string | null = null, first = true; first || next !== null; first = false) {
      const page = await this.#connection.page(query, [], 5_000, next);
      for (const [side, bucket, split] of page.rows) {
        if (split === true) this.#remember(bytesOf(side), bytesOf(bucket));
      }
      next = page.next;
    }
  }

  get #isExhausted(): boolean {
    return this.#fullCount >= fullBucketsMax;
  }

  bucketOf({ sideText, key }: Pick<SideRow, 'sideText' | 'key'>): Buffer {
    const full = this.#full.get(sideText);
    if (full === undefined) return rootBucket;
    let bucket = rootBucket;
    for (let level = 1; level <= deepestLevel && full.has(bucket.toString('latin1')); level += 1) {
      bucket = bucketAt(key, level);
    }
    return bucket;
  }

  /** What goes with a row: its bucket's place in the list of its side, and perhaps a mark, which is also noted in `marked`. */
  beside(
    { table, side, sideText, key, value }: SideRow,
    bucket: Buffer,
    marked: Map<string, Marked>,
  ): Statement[] {
    const statements: Statement[] = [];
    const name = bucket === rootBucket ? sideText : `${sideText}\0${bucket.toString('latin1')}`;
    if (bucket !== rootBucket && !this.#listed.has(name)) {
      this.#listed.set(name, true);
      statements.push({
        query: `INSERT INTO ${this.#connection.table('buckets')} (side, bucket) VALUES (?, ?) USING TIMESTAMP ?`,
        parameters: [side, bucket, once],
      });
    }
    const hash = this.#hash(this.#together(side, key));
    const mark = markOf(
      hash,
      side.length + key.length + value.length,
      this.#connection.settings.bucketRowsMax,
    );
    if (mark === null) return statements;
    marked.set(name, { table, side, bucket });
    statements.push({
      query: `INSERT INTO ${this.#connection.table('marks')} (side, bucket, mark, rows) VALUES (?, ?, ?, ?) USING TIMESTAMP ?`,
      parameters: [side, bucket, hash | 0, mark.rows, once],
    });
    return statements;
  }

  /** Holds until the next call. */
  #together(side: Buffer, key: Buffer): Uint8Array {
    const length = side.length + key.length;
    if (length > this.#scratch.length) return Buffer.concat([side, key]);
    side.copy(this.#scratch);
    key.copy(this.#scratch, side.length);
    return this.#scratch.subarray(0, length);
  }

  /** Nothing that failed to be written may count as listed. */
  forgetListed(): void {
    this.#listed.clear();
  }

  /** Looks whether the buckets that got marks are full now, and says so of those that are before anybody goes by it. */
  async look(marked: Iterable<Marked>): Promise<void> {
    await Promise.all(Array.from(marked, (one) => this.#look(one)));
  }

  async #look({ table, side, bucket }: Marked): Promise<void> {
    const fill = marksToFill(this.#connection.settings.bucketRowsMax);
    const { rows } = await this.#connection.page(
      `SELECT rows FROM ${this.#connection.table('marks')} WHERE side = ? AND bucket = ? LIMIT ?`,
      [side, bucket, fill],
      fill,
      null,
    );
    const estimate = rows.reduce((sum, [one]) => sum + integerOf(one), 0);
    const buckets = this.#connection.table('buckets');
    // By its own size: the greatest that anybody found is kept.
    await this.#connection.write([
      {
        query: `UPDATE ${buckets} USING TIMESTAMP ? SET rows = ? WHERE side = ? AND bucket = ?`,
        parameters: [BigInt(estimate), BigInt(estimate), side, bucket],
      },
    ]);
    if (rows.length < fill || this.#isExhausted || bucket[bucket.length - 1] === deepestLevel) return;
    if (this.#full.get(side.toString('latin1'))?.has(bucket.toString('latin1')) === true) return;
    // What readers go by first; then what writers load. It outlives the table's own time to live: nobody says it twice.
    await this.#connection.write([
      {
        query: `UPDATE ${this.#connection.table(table)} USING TIMESTAMP ? AND TTL 0 SET split = true WHERE side = ? AND bucket = ?`,
        parameters: [once, side, bucket],
      },
    ]);
    await this.#connection.write([
      {
        query: `UPDATE ${buckets} USING TIMESTAMP ? SET split = true WHERE side = ? AND bucket = ?`,
        parameters: [once, side, bucket],
      },
    ]);
    this.#remember(side, bucket);
  }

  #remember(side: Buffer, bucket: Buffer): void {
    if (this.#isExhausted) return;
    const key = side.toString('latin1');
    const known = this.#full.get(key) ?? new Set<string>();
    this.#full.set(key, known);
    const name = bucket.toString('latin1');
    if (known.has(name)) return;
    known.add(name);
    this.#fullCount += 1;
    if (!this.#isExhausted) return;
    this.#log.warn(
      { keyspace: this.#connection.settings.keyspace },
      `There are ${fullBucketsMax} full partitions, as many as are remembered: those that fill from now on grow. Raise \`cassandra.bucket.rows.max\`.`,
    );
  }
}
