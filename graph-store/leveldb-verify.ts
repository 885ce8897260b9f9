import type { Snapshot } from 'classic-level';
import { RowDigest } from './digest.ts';
import { reverseKey } from './graph-key.ts';
import type { Level } from './level.ts';
import { isLevelError } from './level-folder.ts';
import { indexKeyOf } from './leveldb-node-index.ts';
import { levelRowChunks, levelSources, storedRowChunks } from './leveldb-snapshot.ts';
import { decodeOrigin, type OriginRow, originKey, originRange, originsMax } from './lineage.ts';
import { logicalValue } from './logical-rows.ts';
import { jsonOf, MetaChecker } from './meta-checker.ts';
import { decodePosition, positionKey } from './position.ts';
import { printableKey, RowChecker } from './row-checker.ts';
import { noRows, rowNameOf } from './row-counts.ts';
import { expiredAt, graphRange, kindAt, metaKey, positionRange, rowKind, rowKindOf } from './rows.ts';
import { encodeSource } from './source-json.ts';
import type { StoreFault, StoreVerdict, VerifyEvent } from './store-inspection.ts';
import { eventTimeOf } from './stretches.ts';
import type { Expiry } from './time-to-live.ts';

type Row = readonly [key: Buffer, value: Buffer];

/** All keys: none of ours begins with a byte beyond. */
const everything = { gte: Buffer.alloc(0), lt: Buffer.of(0xff) } as const;

/**
 * Reads a database as it is at one moment, as its rows lie on the disk and once. That each occurrence has its reverse row is shown by two sums over
 * both sets, which costs no look-up; only when they differ are the rows looked up one by one, to name those at fault. What time to live hides is
 * left out there: no answer shows it, and what hides one row of an occurrence hides the other.
 */
export class LevelVerifier {
  readonly #db: Level;
  readonly #snapshot: Snapshot;
  readonly #expiry: Expiry;
  readonly #faultsMax: number;
  readonly #meta = new MetaChecker();
  readonly #rows = noRows();
  readonly #firstFaults: StoreFault[] = [];
  #faults = 0;
  #otherRows = 0;
  #bytes = 0;
  #seen = 0;
  /** Of all events. */
  #newestMs = -1;

  constructor(db: Level, snapshot: Snapshot, expiry: Expiry, faultsMax: number) {
    this.#db = db;
    this.#snapshot = snapshot;
    this.#expiry = expiry;
    this.#faultsMax = faultsMax;
  }

  async *run(): AsyncGenerator<VerifyEvent> {
    const sums = {
      logical: await RowDigest.create(),
      out: await RowDigest.create(),
      in: await RowDigest.create(),
    };
    const checker = new RowChecker(await this.#origins());
    const last: { key: Buffer | null } = { key: null };
    try {
      for await (const chunk of storedRowChunks(this.#db, everything, this.#snapshot)) {
        for (const [key, value] of chunk) {
          last.key = key;
          this.#checkStretch(key);
          this.#bytes += key.length + value.length;
          if (key[0] === graphRange.gte[0]) this.#graphRow(checker, sums, key, value);
          else this.#otherRow(key, value);
        }
        await this.#checkIndex(chunk);
        this.#seen += chunk.length;
        yield { kind: 'progress', rows: this.#seen, bytes: this.#bytes };
      }
      if (this.#db.saysStretches && this.#newestMs > this.#db.stretches.newestMs)
        this.#fault(
          metaKey.stretches,
          'there are events newer than it says: they may lie where nobody looks',
        );
      for (const what of this.#meta.lacking()) this.#fault(metaKey.deletedTypes, what);
      if (sums.out.hex !== sums.in.hex) yield* this.#findLonely();
    } catch (error) {
      if (!isLevelError(error)) throw error;
      this.#fault(last.key, `what follows this row cannot be read: ${error.message}`);
    }
    yield { kind: 'verdict', verdict: await this.#verdict(sums.logical.hex) };
  }

  /** Makes the key what all rows above are called by, and looks whether it lies where its time says. */
  #checkStretch(key: Buffer): void {
    const { stretches } = this.#db;
    const firstByte = key[0] ?? 0;
    if (firstByte !== graphRange.gte[0] && !stretches.isLater(firstByte)) return;
    key[0] = graphRange.gte[0] ?? 0;
    const timeMs = eventTimeOf(key);
    if (timeMs !== null) this.#newestMs = Math.max(this.#newestMs, timeMs);
    if (stretches.storedKey(key)[0] !== firstByte)
      this.#fault(key, 'it lies in another stretch than its time says, where no page looks for it');
  }

  async #origins(): Promise<ReadonlyMap<number, OriginRow>> {
    const origins = new Map<number, OriginRow>();
    for await (const chunk of levelRowChunks(this.#db, originRange, this.#snapshot)) {
      for (const [key, value] of chunk) {
        if (origins.size > originsMax) return origins;
        if (key.length === 5 && isJson(value)) origins.set(key.readUInt32BE(1), decodeOrigin(value));
      }
    }
    return origins;
  }

  #graphRow(
    checker: RowChecker,
    sums: { readonly logical: RowDigest; readonly out: RowDigest; readonly in: RowDigest },
    key: Buffer,
    value: Buffer,
  ): void {
    const checked = checker.check(key, value);
    if (checked.kind === 'fault') {
      this.#fault(key, checked.what);
      return;
    }
    this.#meta.graphRow(checked.key);
    const name = rowNameOf(rowKindOf(key));
    if (name !== null) this.#rows[name] += 1;
    const logical = logicalValue(key, value, this.#expiry);
    // Sweeps of versions before removed the two rows of an occurrence one after the other: one of what is hidden may be alone.
    if (logical === null) return;
    if (checked.key.kind === 'in') {
      sums.in.add(key, value);
      return;
    }
    if (checked.key.kind === 'out') sums.out.add(reverseKey(checked.key), value);
    sums.logical.add(key, logical);
  }

  /** By the index a scan goes: a node that it lacks would be in no audience. It may have more, of what older versions swept. */
  async #checkIndex(chunk: readonly Row[]): Promise<void> {
    const keys = chunk.flatMap(([key]) => (isNodeKey(key) ? [key] : []));
    if (keys.length === 0) return;
    const found = await this.#db.getMany(keys.map(indexKeyOf), {
      snapshot: this.#snapshot,
      fillCache: false,
    });
    for (const [i, key] of keys.entries())
      if (found[i] === undefined) this.#fault(key, 'the index of nodes by type does not have this node');
  }

  #otherRow(key: Buffer, value: Buffer): void {
    if (key[0] === originRange.gte[0]) {
      this.#rows.origins += 1;
      const isNext = key.equals(originKey(this.#rows.origins));
      if (!isNext) this.#fault(key, 'origins are not numbered from 1 without a gap');
      else if (!isJson(value)) this.#fault(key, 'the origin is no JSON');
      return;
    }
    this.#otherRows += 1;
    if (key[0] === positionRange.gte[0] && !isPositionRow(key, value)) {
      this.#fault(key, 'the position cannot be read, or is another partition’s');
    }
    const wrong = this.#meta.row(key, value);
    if (wrong !== null) this.#fault(key, wrong);
    if (!knownFirstBytes.has(key[0] ?? 0)) this.#fault(key, 'no row of ours begins so');
  }

  /** The second round: looks each occurrence's other row up, a chunk at a time. */
  async *#findLonely(): AsyncGenerator<VerifyEvent> {
    let looked = 0;
    const checker = new RowChecker(await this.#origins());
    for await (const chunk of levelRowChunks(this.#db, graphRange, this.#snapshot)) {
      const occurrences: { readonly row: Row; readonly other: Buffer; readonly kind: 'out' | 'in' }[] = [];
      for (const row of chunk) {
        const checked = checker.check(row[0], row[1]);
        if (checked.kind === 'fault' || !('occurrence' in checked.key) || checked.key.kind === 'step')
          continue;
        if (expiredAt(row[0], row[1], this.#expiry) !== null) continue;
        occurrences.push({ row, other: reverseKey(checked.key), kind: checked.key.kind });
      }
      const found = await this.#db.getOccurrences(
        occurrences.map(({ other }) => other),
        { snapshot: this.#snapshot, fillCache: false },
      );
      for (const [i, { row, kind }] of occurrences.entries()) {
        const value = found[i];
        if (value === undefined) {
          this.#fault(
            row[0],
            `the same occurrence seen from its ${kind === 'out' ? 'end' : 'start'} is not there`,
          );
        } else if (kind === 'out' && !value.equals(row[1])) {
          this.#fault(row[0], 'the same occurrence seen from its end says something else');
        }
      }
      looked += chunk.length;
      yield { kind: 'progress', rows: this.#seen + looked, bytes: this.#bytes };
    }
  }

  #fault(key: Buffer | null, what: string): void {
    this.#faults += 1;
    if (this.#firstFaults.length >= this.#faultsMax) return;
    this.#firstFaults.push({ key: key === null ? '' : printableKey(key), what });
  }

  async #verdict(digest: string): Promise<StoreVerdict> {
    return {
      rows: { ...this.#rows },
      otherRows: this.#otherRows,
      bytes: this.#bytes,
      sources: await this.#sources(),
      digest,
      faults: this.#faults,
      firstFaults: this.#firstFaults,
    };
  }

  /** Those that can be read; the others are faults. */
  async #sources(): Promise<StoreVerdict['sources']> {
    try {
      return (await levelSources(this.#db, this.#snapshot)).map(encodeSource);
    } catch (error) {
      if (!(isLevelError(error) || error instanceof SyntaxError || error instanceof TypeError)) throw error;
      return [];
    }
  }
}

const knownFirstBytes = new Set([...'gilmp'].map((letter) => letter.charCodeAt(0)));

function isNodeKey(key: Buffer): boolean {
  return key[0] === graphRange.gte[0] && key[kindAt(key)] === rowKind.node;
}

function isJson(value: Buffer): boolean {
  return jsonOf(value) !== undefined;
}

function isPositionRow(key: Buffer, value: Buffer): boolean {
  try {
    return key.equals(Buffer.from(positionKey(decodePosition(value).source)));
  } catch {
    return false;
  }
}
