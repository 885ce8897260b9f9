import { describe, expect, it } from 'vitest';
import { must, OutageError } from '../../foundation/index.ts';
import type { Catalog } from './catalog.ts';
import type { DataFile } from './data-file.ts';
import {
  createTestTable,
  folderOfTest,
  openTestTable,
  readRows,
  someRows,
  type TestTable,
  topicId,
  writeRows,
} from './iceberg-testing.ts';
import { positionsSnapshot } from './snapshot-summary.ts';
import type { TableMetadata } from './table-metadata.ts';

const dayMs = 86_400_000;
const firstMs = Date.UTC(2026, 8, 21);

function positions(next: number): Record<string, string> {
  return { 'jg.positions': JSON.stringify({ [`c/${topicId}/0`]: String(next) }) };
}

/** Where the archive ends: 0 before anything was added. */
function archivedUntil(metadata: TableMetadata): number {
  const said = positionsSnapshot(metadata)?.summary['jg.positions'];
  const next: unknown = said === undefined ? {} : JSON.parse(said);
  return Number(Object.values(typeof next === 'object' && next !== null ? next : {})[0] ?? 0);
}

async function append(test: TestTable, file: DataFile, next: number): Promise<bigint> {
  return await test.table.append([file], positions(next), () => true);
}

async function offsets(test: TestTable): Promise<readonly number[]> {
  return (await readRows(test)).map((row) => Number(row.offset));
}

function upTo(count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => index);
}

describe('Appending to a table', () => {
  it('gives back all rows in the order of offsets, and counts them in the summary', async () => {
    const test = await createTestTable();
    await append(test, await writeRows(test, someRows(0, 2_500, firstMs)), 2_500);
    await append(test, await writeRows(test, someRows(2_500, 500, firstMs + dayMs)), 3_000);
    expect(await offsets(test)).toEqual(upTo(3_000));
    const { metadata } = await test.table.load();
    expect(metadata.snapshots.at(-1)?.summary).toMatchObject({
      'added-records': '500',
      'total-records': '3000',
      'total-data-files': '2',
      ...positions(3_000),
    });
    expect(metadata.snapshots.map((snapshot) => Number(snapshot.sequence))).toEqual([1, 2]);
  });

  it('adds nothing when the table is not where the archiver left it', async () => {
    const test = await createTestTable();
    const zombie = openTestTable(test.root);
    await append(test, await writeRows(test, someRows(0, 10, firstMs)), 10);
    const file = await writeRows(zombie, someRows(0, 10, firstMs));
    const adding = zombie.table.append([file], positions(10), (base) => archivedUntil(base) === 0);
    await expect(adding).rejects.toMatchObject({ code: 'FENCED', reaction: 'fenced' });
    expect(await offsets(test)).toEqual(upTo(10));
  });

  it('looks at what it expects again on each base it is tried on', async () => {
    const test = await createTestTable();
    const files = [
      await writeRows(test, someRows(0, 5, firstMs)),
      await writeRows(test, someRows(0, 5, firstMs)),
    ];
    const racers = files.map(async (file) => {
      const other = openTestTable(test.root);
      return await other.table.append([file], positions(5), (base) => archivedUntil(base) === 0);
    });
    const ends = await Promise.allSettled(racers);
    expect(ends.map((end) => end.status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(ends.find((end) => end.status === 'rejected')).toMatchObject({ reason: { code: 'FENCED' } });
    expect(await offsets(test)).toEqual(upTo(5));
  });

  it('loses nothing of four committers on one folder', async () => {
    const test = await createTestTable();
    const commit = async (committer: number): Promise<void> => {
      const own = openTestTable(test.root);
      for (let turn = 0; turn < 6; turn += 1) {
        const offset = committer * 6 + turn;
        await append(own, await writeRows(own, someRows(offset, 1, firstMs)), 0);
      }
    };
    await Promise.all([0, 1, 2, 3].map(commit));
    expect(await offsets(test)).toEqual(upTo(24));
    const { metadata } = await test.table.load();
    expect(metadata.snapshots.map((snapshot) => Number(snapshot.sequence))).toEqual(upTo(25).slice(1));
    // The lists of tries that were lost are not left lying about.
    const lists: string[] = [];
    for await (const { key } of test.store.list(`${test.name}/metadata/snap-`)) lists.push(key);
    expect(lists.length).toBe(24);
  });

  it('gives up by name when others are always first', async () => {
    const made = await createTestTable();
    const never: Catalog = { ...passing(made.catalog), swap: async () => false };
    const limits = { attemptsMax: 3, backoff: { baseMs: 1, maxMs: 2 } };
    const test = openTestTable(made.root, { catalog: never, limits });
    const file = await writeRows(test, someRows(0, 1, firstMs));
    await expect(append(test, file, 1)).rejects.toMatchObject({ code: 'COMMIT_CONTENDED', retryable: true });
  });

  for (const happened of [true, false]) {
    it(`adds once when an answer never came and the commit ${happened ? 'had' : 'had not'} happened`, async () => {
      const made = await createTestTable();
      let lost = 1;
      const flaky: Catalog = {
        ...passing(made.catalog),
        swap: async (table, base, next) => {
          if (lost === 0) return await made.catalog.swap(table, base, next);
          lost -= 1;
          if (happened) await made.catalog.swap(table, base, next);
          throw new OutageError('OBJECT_STORE_FAILED', 'No answer.');
        },
      };
      const test = openTestTable(made.root, { catalog: flaky });
      const id = await append(test, await writeRows(test, someRows(0, 3, firstMs)), 3);
      expect(await offsets(made)).toEqual(upTo(3));
      const { metadata } = await made.table.load();
      expect(metadata.snapshots.map((snapshot) => snapshot.id)).toEqual([id]);
    });
  }

  it('does not go back in time where a clock does', async () => {
    const test = await createTestTable();
    await append(test, await writeRows(test, someRows(0, 1, firstMs)), 1);
    test.clock.nowMs = 0;
    await append(test, await writeRows(test, someRows(1, 1, firstMs)), 2);
    const times = (await test.table.load()).metadata.snapshots.map((snapshot) => snapshot.timestampMs);
    expect(times[1]).toBeGreaterThanOrEqual(times[0] ?? Number.NaN);
  });

  it('stops by name where there is no table', async () => {
    const test = openTestTable(folderOfTest());
    await expect(test.table.load()).rejects.toMatchObject({ code: 'TABLE_MISSING' });
  });

  it('refuses files of another partitioning than the table has', async () => {
    const test = await createTestTable();
    const file = await writeRows(test, someRows(0, 1, firstMs));
    const adding = append(test, { ...file, partition: new Map() }, 1);
    await expect(adding).rejects.toMatchObject({ code: 'TABLE_UNSUPPORTED' });
  });
});

describe('Replacing files', () => {
  async function twoSmallFiles(): Promise<{ test: TestTable; small: readonly DataFile[]; at: bigint }> {
    const test = await createTestTable();
    const small = [
      await writeRows(test, someRows(0, 10, firstMs)),
      await writeRows(test, someRows(10, 10, firstMs + 60_000)),
    ];
    await append(test, must(small[0], 'the first'), 10);
    const at = await append(test, must(small[1], 'the second'), 20);
    return { test, small, at };
  }

  it('has the same rows in one file, as old as the newest before, and carries positions on', async () => {
    const { test, small, at } = await twoSmallFiles();
    const merged = await writeRows(test, someRows(0, 20, firstMs));
    await append(test, await writeRows(test, someRows(20, 5, firstMs + dayMs)), 25);
    await test.table.replace(small, [merged], at, test.clock.now());
    expect(await offsets(test)).toEqual(upTo(25));
    const planned = await test.table.plan({ fromMs: null, untilMs: null, partitions: null });
    expect(planned.map((file) => Number(file.sequence))).toEqual([2, 3]);
    const { metadata } = await test.table.load();
    expect(archivedUntil(metadata)).toBe(25);
    expect(metadata.snapshots.at(-1)).toMatchObject({
      operation: 'replace',
      summary: { ...positions(25), 'total-data-files': '2', 'total-records': '25' },
    });
    const { files } = await test.table.files();
    expect(files.map((file) => file.path)).not.toContain(small[0]?.path);
    // Rows of before are there by their snapshot.
    expect((await readRows(test, at)).length).toBe(20);
  });

  it('goes on from manifests without live files no further', async () => {
    const { test, small, at } = await twoSmallFiles();
    await test.table.replace(small, [await writeRows(test, someRows(0, 20, firstMs))], at, test.clock.now());
    await append(test, await writeRows(test, someRows(20, 1, firstMs)), 21);
    expect(await offsets(test)).toEqual(upTo(21));
  });

  it('fails when an input is gone', async () => {
    const { test, small, at } = await twoSmallFiles();
    const merged = await writeRows(test, someRows(0, 20, firstMs));
    await test.table.replace(small, [merged], at, test.clock.now());
    await expect(test.table.replace(small, [merged], at, test.clock.now())).rejects.toMatchObject({
      code: 'REPLACE_CONFLICT',
    });
    expect(await offsets(test)).toEqual(upTo(20));
  });

  it('fails when the new files have another number of rows', async () => {
    const { test, small, at } = await twoSmallFiles();
    const fewer = await writeRows(test, someRows(0, 19, firstMs));
    await expect(test.table.replace(small, [fewer], at, test.clock.now())).rejects.toThrow(
      /19 rows, the old ones 20/,
    );
  });

  it('lets two compactions of the same files through once', async () => {
    const { test, small, at } = await twoSmallFiles();
    const racers = [0, 1].map(async () => {
      const own = openTestTable(test.root);
      const merged = await writeRows(own, someRows(0, 20, firstMs));
      return await own.table.replace(small, [merged], at, test.clock.now());
    });
    const ends = await Promise.allSettled(racers);
    expect(ends.map((end) => end.status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(await offsets(test)).toEqual(upTo(20));
  });
});

describe('Evolving a table', () => {
  it('does nothing when all of it is so already', async () => {
    const test = await createTestTable();
    const add = { id: 0, name: 'device', required: false, type: { kind: 'string' } as const };
    const changes = [{ kind: 'add', parent: null, column: add } as const];
    const schema = await test.table.evolve(changes, { 'jg.columns': '{"device":1002}' });
    expect(schema.columns.at(-1)).toEqual({ ...add, id: 1_002 });
    const { token } = await test.table.load();
    expect(await test.table.evolve(changes, { 'jg.columns': '{"device":1002}' })).toEqual(schema);
    expect((await test.table.load()).token).toBe(token);
  });

  it('gives two that add columns at once ids of their own', async () => {
    const test = await createTestTable();
    const added = ['a', 'b', 'c'].map(async (name) => {
      const column = { id: 0, name, required: false, type: { kind: 'long' } as const };
      await openTestTable(test.root).table.evolve([{ kind: 'add', parent: null, column }]);
    });
    await Promise.all(added);
    const columns = must((await test.table.load()).metadata.schemas.at(-1), 'a schema').columns.slice(-3);
    expect(columns.map((column) => column.id)).toEqual([1_002, 1_003, 1_004]);
    expect(columns.map((column) => column.name).sort()).toEqual(['a', 'b', 'c']);
  });
});

function passing(catalog: Catalog): Catalog {
  return {
    load: (table) => catalog.load(table),
    swap: (table, base, next) => catalog.swap(table, base, next),
    forget: (table, base, olderThanMs) => catalog.forget(table, base, olderThanMs),
  };
}
