import { promisify } from 'node:util';
import { brotliDecompress } from 'node:zlib';
import { ClassicLevel } from 'classic-level';
import { must, OutageError, StopError } from '../../foundation/index.ts';
import {
  begunKey,
  begunRange,
  bitmapKey,
  coverageKey,
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
  readonly #folder: string;
  readonly #db: MapsLevel;
  /** By event, newest first. */
  readonly #versions: Map<string, readonly MapsVersion[]>;
  readonly #begun: Set<string>;

  private constructor(
    folder: string,
    db: MapsLevel,
    versions: Map<string, readonly MapsVersion[]>,
    begun: Set<string>,
  ) {
    this.#folder = folder;
    this.#db = db;
    this.#versions = versions;
    this.#begun = begun;
  }

  /** Throws StopError (LIVE_MAPS_LOCKED, LIVE_MAPS_FORMAT, LIVE_MAPS_CORRUPT) or OutageError LIVE_MAPS_OPEN_FAILED. */
  static async open(folder: string): Promise<LevelStageMaps> {
    const db: MapsLevel = new ClassicLevel(folder, {
      keyEncoding: 'buffer',
      valueEncoding: 'buffer',
      writeBufferSize: writeBufferBytes,
    });
    try {
      await db.open();
      await checkFormat(db, folder);
      const versions = new Map<string, readonly MapsVersion[]>();
      for (const value of await db.values(versionRange).all()) {
        const version: MapsVersion = JSON.parse(value.toString());
        versions.set(version.event, [version, ...(versions.get(version.event) ?? [])]);
      }
      const begun = (await db.keys(begunRange).all()).map((key) => key.toString().slice(1));
      return new LevelStageMaps(folder, db, versions, new Set(begun));
    } catch (error) {
      await db.close();
      throw openFailure(folder, error);
    }
  }

  events(): readonly string[] {
    return [...this.#versions.keys()];
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
    await this.#written(() => this.#db.put(begunKey(event), Buffer.alloc(0), { sync: true }));
    this.#begun.add(event);
  }

  /** Durable when it resolves; then it is the newest, and what nothing names any more is gone. */
  async put(version: MapsVersion, parts: VersionParts): Promise<void> {
    const { event } = version;
    const before = this.#versions.get(event) ?? [];
    const kept = [version, ...before].slice(0, versionsKept);
    const batch = this.#db.batch();
    batch.put(versionKey(version), Buffer.from(JSON.stringify(version)));
    for (const [number, bytes] of parts.bitmaps) batch.put(bitmapKey(event, number), Buffer.from(bytes));
    for (const [hash, bytes] of parts.payloads) batch.put(payloadKey(hash), Buffer.from(bytes));
    this.#forget(batch, event, before, kept);
    batch.del(begunKey(event));
    await this.#written(() => batch.write({ sync: true }));
    this.#versions.set(event, kept);
    this.#begun.delete(event);
  }

  /** All of an event, also that one began. */
  async drop(event: string): Promise<void> {
    const before = this.#versions.get(event) ?? [];
    const batch = this.#db.batch();
    this.#forget(batch, event, before, []);
    batch.del(begunKey(event)).del(coverageKey(event));
    await this.#written(() => batch.write({ sync: true }));
    this.#versions.delete(event);
    this.#begun.delete(event);
  }

  async bitmap(event: string, number: number): Promise<Uint8Array> {
    const bytes = await this.#read(() => this.#db.get(bitmapKey(event, number)));
    return must(bytes, 'a version has its bitmaps');
  }

  /** The text of a stage map that the newest version of an event names; null when another version has taken its place meanwhile. */
  async payload(hash: string): Promise<string | null> {
    const bytes = await this.#read(() => this.#db.get(payloadKey(hash)));
    return bytes === undefined ? null : (await decompress(bytes)).toString();
  }

  async coverage(event: string): Promise<Uint8Array | null> {
    return (await this.#read(() => this.#db.get(coverageKey(event)))) ?? null;
  }

  /** Not synced: what is lost with the machine is counted again as devices come back. */
  async putCoverage(event: string, bytes: Uint8Array): Promise<void> {
    await this.#written(() => this.#db.put(coverageKey(event), Buffer.from(bytes)));
  }

  async close(): Promise<void> {
    await this.#db.close();
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

  async #read<T>(read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (cause) {
      if (!isLevelError(cause)) throw cause;
      throw new OutageError(
        'LIVE_MAPS_READ_FAILED',
        `The stage maps in ${this.#folder} could not be read (${cause.message}); check the disk, then ask again.`,
        { cause },
      );
    }
  }

  async #written<T>(write: () => Promise<T>): Promise<T> {
    try {
      return await write();
    } catch (cause) {
      if (!isLevelError(cause)) throw cause;
      throw new OutageError(
        'LIVE_MAPS_WRITE_FAILED',
        `The stage maps in ${this.#folder} could not be written (${cause.message}); free space or repair the disk, then materialize the event again.`,
        { cause },
      );
    }
  }
}

function bitmapsOf(versions: readonly MapsVersion[]): ReadonlySet<number> {
  return new Set(versions.flatMap(({ segments }) => segments.map(({ bitmap }) => bitmap)));
}

async function checkFormat(db: MapsLevel, folder: string): Promise<void> {
  const found = (await db.get(formatKey))?.toString();
  if (found === mapsFormat) return;
  const [first] = await db.keys({ limit: 1 }).all();
  if (found !== undefined || first !== undefined) {
    throw new StopError(
      'LIVE_MAPS_FORMAT',
      `The stage maps in ${folder} have format ${found ?? 'unknown'} and this version reads format ${mapsFormat}; ` +
        'move the folder away and materialize the events again, or start with the version that wrote it.',
    );
  }
  await db.put(formatKey, Buffer.from(mapsFormat), { sync: true });
}

function isLevelError(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('LEVEL_');
}

function openFailure(folder: string, error: unknown): unknown {
  if (!isLevelError(error)) return error;
  const cause = error.cause instanceof Error ? error.cause : error;
  const code = 'code' in cause ? cause.code : '';
  if (code === 'LEVEL_LOCKED') {
    return new StopError(
      'LIVE_MAPS_LOCKED',
      `The stage maps in ${folder} are in use by another process; stop that one, or start with another data folder.`,
      { cause },
    );
  }
  if (code === 'LEVEL_CORRUPTION') {
    return new StopError(
      'LIVE_MAPS_CORRUPT',
      `The stage maps in ${folder} are damaged (${cause.message}); move the folder away, start again and materialize the events anew.`,
      { cause },
    );
  }
  return new OutageError(
    'LIVE_MAPS_OPEN_FAILED',
    `The stage maps in ${folder} could not be opened (${cause.message}); check the folder's permissions and free space.`,
    { cause },
  );
}
