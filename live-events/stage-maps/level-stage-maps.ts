import { promisify } from 'node:util';
import { brotliDecompress } from 'node:zlib';
import { ClassicLevel } from 'classic-level';
import { must, OutageError, StopError } from '../../foundation/index.ts';
import { SideDatabase, type SideDatabaseFailures } from '../../graph-store/index.ts';
import {
  begunKey,
  begunRange,
  bitmapKey,
  coverageKey,
  coverageRange,
  eventOf,
  formatKey,
  type MapsVersion,
  mapsFormat,
  payloadKey,
  versionKey,
  versionRange,
} from './stage-map-rows.ts';

type MapsLevel = ClassicLevel<Buffer, Buffer>;

const decompress = promisify(brotliDecompress);
/** The one that serves, and the one before it. */
const versionsKept = 2;
const writeBufferBytes = 4 * 2 ** 20;

/** What a version brings that the one before it had not. */
export interface VersionParts {
  /** By the number that its segments name them by. */
  readonly bitmaps: ReadonlyMap<number, Uint8Array>;
  /** Compressed, by hash. */
  readonly payloads: ReadonlyMap<string, Uint8Array>;
}

/** Versions of stage maps in a database of their own. A version is there whole or not at all, also after a kill at any moment. */
export class LevelStageMaps {
  readonly #side: SideDatabase<Buffer>;
  /** By event, newest first. */
  readonly #versions: Map<string, readonly MapsVersion[]>;
  readonly #begun: Set<string>;
  /** Events of which who has fetched is kept. */
  readonly #covered: Set<string>;

  private constructor(
    side: SideDatabase<Buffer>,
    versions: Map<string, readonly MapsVersion[]>,
    begun: Set<string>,
    covered: Set<string>,
  ) {
    this.#side = side;
    this.#versions = versions;
    this.#begun = begun;
    this.#covered = covered;
  }

  /** Throws StopError (LIVE_MAPS_LOCKED, LIVE_MAPS_FORMAT, LIVE_MAPS_CORRUPT) or OutageError LIVE_MAPS_OPEN_FAILED. */
  static async open(folder: string): Promise<LevelStageMaps> {
    const db: MapsLevel = new ClassicLevel(folder, {
      keyEncoding: 'buffer',
      valueEncoding: 'buffer',
      writeBufferSize: writeBufferBytes,
    });
    return await SideDatabase.open(db, failuresIn(folder), async (side) => {
      await side.claim(formatKey, mapsFormat);
      const versions = new Map<string, readonly MapsVersion[]>();
      for (const value of await db.values(versionRange).all()) {
        const version: MapsVersion = JSON.parse(value.toString());
        versions.set(version.event, [version, ...(versions.get(version.event) ?? [])]);
      }
      const [begun, covered] = await Promise.all(
        [begunRange, coverageRange].map(async (range) => new Set((await db.keys(range).all()).map(eventOf))),
      );
      return new LevelStageMaps(side, versions, must(begun, 'asked'), must(covered, 'asked'));
    });
  }

  /** That have stage maps. */
  events(): readonly string[] {
    return [...this.#versions.keys()];
  }

  /** That have anything here: also a materialization that began only, or who fetched something that is gone. */
  known(): ReadonlySet<string> {
    return new Set([...this.#versions.keys(), ...this.#begun, ...this.#covered]);
  }

  /** Those of which a materialization began and came to nothing. */
  begun(): readonly string[] {
    return [...this.#begun];
  }

  newest(event: string): MapsVersion | null {
    return this.#versions.get(event)?.[0] ?? null;
  }

  /** The greatest number that a bitmap of this event has. */
  bitmapMax(event: string): number {
    const numbers = (this.#versions.get(event) ?? []).flatMap(({ segments }) =>
      segments.map(({ bitmap }) => bitmap),
    );
    return Math.max(0, ...numbers);
  }

  hasPayload(hash: string): boolean {
    return this.#payloadsOf([...this.#versions.values()].flat()).has(hash);
  }

  async begin(event: string): Promise<void> {
    await this.#side.write((db) => db.put(begunKey(event), Buffer.alloc(0), { sync: true }));
    this.#begun.add(event);
  }

  /** It is not begun anew. */
  async forgetBegun(event: string): Promise<void> {
    await this.#side.write((db) => db.del(begunKey(event), { sync: true }));
    this.#begun.delete(event);
  }

  /** Durable when it resolves; then it is the newest, and what nothing names any more is gone. */
  async put(version: MapsVersion, parts: VersionParts): Promise<void> {
    const { event } = version;
    const before = this.#versions.get(event) ?? [];
    const kept = [version, ...before].slice(0, versionsKept);
    await this.#side.write(async (db) => {
      const batch = db.batch();
      batch.put(versionKey(version), Buffer.from(JSON.stringify(version)));
      for (const [number, bytes] of parts.bitmaps) batch.put(bitmapKey(event, number), Buffer.from(bytes));
      for (const [hash, bytes] of parts.payloads) batch.put(payloadKey(hash), Buffer.from(bytes));
      this.#forget(batch, event, before, kept);
      batch.del(begunKey(event));
      await batch.write({ sync: true });
    });
    this.#versions.set(event, kept);
    this.#begun.delete(event);
  }

  /** All that there is of an event. */
  async drop(event: string): Promise<void> {
    const before = this.#versions.get(event) ?? [];
    await this.#side.write(async (db) => {
      const batch = db.batch();
      this.#forget(batch, event, before, []);
      batch.del(begunKey(event)).del(coverageKey(event));
      await batch.write({ sync: true });
    });
    this.#versions.delete(event);
    this.#begun.delete(event);
    this.#covered.delete(event);
  }

  async bitmap(event: string, number: number): Promise<Uint8Array> {
    const bytes = await this.#side.read((db) => db.get(bitmapKey(event, number)));
    return must(bytes, 'a version has its bitmaps');
  }

  /** The text of a stage map that the newest version of an event names; null when another version has taken its place meanwhile. */
  async payload(hash: string): Promise<string | null> {
    const bytes = await this.#side.read((db) => db.get(payloadKey(hash)));
    return bytes === undefined ? null : (await decompress(bytes)).toString();
  }

  async coverage(event: string): Promise<Uint8Array | null> {
    return (await this.#side.read((db) => db.get(coverageKey(event)))) ?? null;
  }

  /** Not synced: what is lost with the machine is counted again as devices come back. */
  async putCoverage(event: string, bytes: Uint8Array): Promise<void> {
    this.#covered.add(event);
    await this.#side.write((db) => db.put(coverageKey(event), Buffer.from(bytes)));
  }

  async close(): Promise<void> {
    await this.#side.close();
  }

  #forget(
    batch: ReturnType<MapsLevel['batch']>,
    event: string,
    before: readonly MapsVersion[],
    kept: readonly MapsVersion[],
  ): void {
    for (const one of before) if (!kept.includes(one)) batch.del(versionKey(one));
    const bitmaps = bitmapsOf(kept);
    for (const number of bitmapsOf(before)) if (!bitmaps.has(number)) batch.del(bitmapKey(event, number));
    const others = [...this.#versions].flatMap(([id, versions]) => (id === event ? [] : versions));
    const payloads = this.#payloadsOf([...others, ...kept]);
    for (const hash of this.#payloadsOf(before)) if (!payloads.has(hash)) batch.del(payloadKey(hash));
  }

  #payloadsOf(versions: readonly MapsVersion[]): ReadonlySet<string> {
    return new Set(versions.flatMap(({ payloads }) => payloads.map(({ hash }) => hash)));
  }
}

function bitmapsOf(versions: readonly MapsVersion[]): ReadonlySet<number> {
  return new Set(versions.flatMap(({ segments }) => segments.map(({ bitmap }) => bitmap)));
}

function failuresIn(folder: string): SideDatabaseFailures {
  return {
    locked: (cause) =>
      new StopError(
        'LIVE_MAPS_LOCKED',
        `The stage maps in ${folder} are in use by another process; stop that one, or start with another data folder.`,
        { cause },
      ),
    corrupt: (cause) =>
      new StopError(
        'LIVE_MAPS_CORRUPT',
        `The stage maps in ${folder} are damaged (${cause.message}); move the folder away, start again and materialize the events anew.`,
        { cause },
      ),
    failed: (cause) =>
      new OutageError(
        'LIVE_MAPS_OPEN_FAILED',
        `The stage maps in ${folder} could not be opened (${cause.message}); check the folder's permissions and free space.`,
        { cause },
      ),
    otherFormat: (found) =>
      new StopError(
        'LIVE_MAPS_FORMAT',
        `The stage maps in ${folder} have format ${found} and this version reads format ${mapsFormat}; ` +
          'move the folder away and materialize the events again, or start with the version that wrote it.',
      ),
    unread: (cause) =>
      new OutageError(
        'LIVE_MAPS_READ_FAILED',
        `The stage maps in ${folder} could not be read (${cause.message}); check the disk, then ask again.`,
        { cause },
      ),
    unwritten: (cause) =>
      new OutageError(
        'LIVE_MAPS_WRITE_FAILED',
        `The stage maps in ${folder} could not be written (${cause.message}); free space or repair the disk, then materialize the event again.`,
        { cause },
      ),
  };
}
