import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ancestorsOf, bucketAt, levelOf } from './cassandra-buckets.ts';
import { type Order, type ScanConnection, scanSide } from './cassandra-side-scan.ts';
import { sideTables } from './cassandra-tables.ts';
import { bytesOf } from './cassandra-values.ts';
import { eventKeyBytes } from './packed-format.ts';

const keyOf = (place: bigint): Buffer => {
  const key = Buffer.alloc(eventKeyBytes);
  key.writeBigUInt64BE(place);
  return key;
};

/** A row and the level of the bucket that it was written to. */
type Placed = readonly [place: bigint, level: number];

/** A side whose rows lie as writers left them: all buckets around a row's own are full. */
class FakeSide implements ScanConnection {
  readonly #buckets = new Map<string, Buffer[]>();
  readonly #listed: Buffer[];

  constructor(rows: readonly Placed[]) {
    for (const [place, level] of rows) {
      const bucket = bucketAt(keyOf(place), level);
      for (const wider of ancestorsOf(bucket)) this.#keysOf(wider);
      this.#keysOf(bucket).push(keyOf(place));
    }
    this.#listed = Array.from(this.#buckets.keys(), (name) => Buffer.from(name, 'latin1'))
      .filter((bucket) => levelOf(bucket) > 0)
      .sort(Buffer.compare);
  }

  table(name: string): string {
    return name;
  }

  async rows(...[, parameters = []]: Parameters<ScanConnection['rows']>): ReturnType<ScanConnection['rows']> {
    const names = parameters[1];
    const asked = Array.isArray(names) ? names.map(bytesOf) : [];
    return this.#listed.filter((bucket) => asked.some((name) => name.equals(bucket))).map((one) => [one]);
  }

  async page(
    ...[query, parameters, size, state]: Parameters<ScanConnection['page']>
  ): ReturnType<ScanConnection['page']> {
    const isSplit = this.#listed.length > 0;
    if (query.includes('LIMIT 1')) return { rows: [[isSplit]], next: null };
    const isListing = query.includes('FROM buckets');
    const [gte, lt] = (isListing ? parameters.slice(1) : parameters.slice(2)).map(bytesOf);
    if (gte === undefined || lt === undefined) throw new TypeError('a range has two ends');
    const all = isListing ? this.#listed : this.#keysOf(bytesOf(parameters[1]));
    const found = all.filter((one) => one.compare(gte) >= 0 && one.compare(lt) < 0).sort(Buffer.compare);
    if (query.includes('DESC')) found.reverse();
    const at = Number(state ?? 0);
    return {
      rows: found.slice(at, at + size).map((one) => (isListing ? [one] : [one, isSplit, one])),
      next: at + size < found.length ? String(at + size) : null,
    };
  }

  #keysOf(bucket: Buffer): Buffer[] {
    const name = bucket.toString('latin1');
    const keys = this.#buckets.get(name) ?? [];
    this.#buckets.set(name, keys);
    return keys;
  }
}

const scanned = async (
  rows: readonly Placed[],
  order: Order,
  [from, to]: readonly [bigint, bigint],
): Promise<bigint[]> => {
  const range = { gte: keyOf(from), lt: keyOf(to) };
  const query = { table: sideTables.steps, side: Buffer.of(1), order, withValues: true, rowsWanted: 3 };
  const found: bigint[] = [];
  for await (const { key } of scanSide(new FakeSide(rows), { ...query, ...range }))
    found.push(key.readBigUInt64BE());
  return found;
};

/** As wide as a bucket of the first level, and of the second. */
const [year, days] = [2n ** 35n, 2n ** 30n] as const;

describe('scanning a side', () => {
  it('begins at the far end with rows of a wide bucket whose narrower ones are all at the near end', async () => {
    const rows: readonly Placed[] = [
      [20n * days, 0],
      [5n * days, 0],
      [25n * days, 1],
      [10n * days, 1],
      [2n * days, 2],
    ];
    const times = [25n, 20n, 10n, 5n, 2n].map((one) => one * days);
    await expect(scanned(rows, 'descending', [0n, 100n * year])).resolves.toEqual(times);
    await expect(scanned(rows, 'ascending', [0n, 100n * year])).resolves.toEqual(times.toReversed());
  });

  it('reads in order and nothing twice, wherever rows lie and the range ends', async () => {
    const places = fc
      .tuple(fc.bigInt(0n, 3n), fc.bigInt(0n, 40n), fc.constantFrom(0n, 1n, 2n ** 20n, 2n ** 26n))
      .map(([a, b, c]) => a * year + b * days + c);
    const placed = fc.uniqueArray(fc.tuple(places, fc.nat({ max: 5 })), {
      selector: ([place]) => place,
      minLength: 1,
      maxLength: 40,
    });
    await fc.assert(
      fc.asyncProperty(
        placed,
        places,
        places,
        fc.constantFrom<Order>('ascending', 'descending'),
        async (rows, a, b, order) => {
          const [from, to] = a < b ? [a, b] : [b, a];
          const within = rows.map(([place]) => place).filter((place) => place >= from && place < to);
          within.sort((x, y) => (x < y ? -1 : 1));
          if (order === 'descending') within.reverse();
          expect(await scanned(rows, order, [from, to])).toEqual(within);
        },
      ),
      { numRuns: 300 },
    );
  });
});
