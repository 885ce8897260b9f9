import { describe, expect, it } from 'vitest';
import { OutageError, systemClock } from '../../foundation/index.ts';
import { createMemoryStore } from '../../graph-store/index.ts';
import { backfillOf, drawFiles, fatesOf, plan, rowOf, rowsBetween } from './backfill-testing.ts';
import { MemoryArchive, type MemoryFile } from './memory-archive.fake.ts';

const file = (key: string, from: number, until: number, own: Partial<MemoryFile> = {}): MemoryFile => ({
  key,
  partition: 0,
  rows: rowsBetween(from, until),
  ...own,
});

async function apply(archive: MemoryArchive, own: Parameters<typeof plan>[1] = {}) {
  const store = createMemoryStore(systemClock);
  const frozen = await plan(archive, own);
  const { run, letters } = backfillOf(store, frozen, archive);
  const error: unknown = await run.run(new AbortController().signal).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  const sources = await store.sources();
  return { store, frozen, run, letters, error, sources, fates: fatesOf(sources, `backfill:${frozen.id}`) };
}

describe('An archive as a source', () => {
  it('applies all rows of all partitions as a life of their own, and says what became of each', async () => {
    const archive = new MemoryArchive(drawFiles(3, 300, 6));
    const { frozen, run, error, fates, sources, letters } = await apply(archive);
    expect(error).toBeNull();
    expect(sources.map(({ source }) => source)).toEqual(frozen.life);
    const progress = run.progress();
    expect(fates.consumed).toBe(1_800);
    expect(fates.deadLettered).toBe(letters.length);
    expect(fates.deadLettered).toBeGreaterThan(0);
    expect(progress).toMatchObject({ state: 'done', rowsDone: frozen.rows, rowsTotal: frozen.rows, fates });
    expect(progress.duplicates).toBe(frozen.rows - 1_800);
    expect(progress.duplicates).toBeGreaterThan(0);
    expect(progress.outside).toBe(0);
    expect(progress.at.length).toBe(6);
    expect(archive.open).toBe(0);
  });

  it('opens a file when its offsets come, and reads so many partitions at a time', async () => {
    const files = Array.from({ length: 8 }, (_, partition) =>
      [0, 100, 200].map((from) => file(`${partition}/${from}`, from, from + 100, { partition })),
    ).flat();
    const archive = new MemoryArchive(files);
    const { error } = await apply(archive);
    expect(error).toBeNull();
    expect(archive.openMost).toBe(4);
  });

  it('collapses rows that several files have, wherever one ends', async () => {
    const archive = new MemoryArchive(
      [file('a', 0, 90), file('b', 40, 130), file('c', 0, 130), file('d', 60, 61), file('e', 129, 200)],
      7,
    );
    const { error, fates, run, sources } = await apply(archive);
    expect(error).toBeNull();
    expect(fates.consumed).toBe(200);
    expect(run.progress().duplicates).toBe(90 + 90 + 130 + 1 + 71 - 200);
    expect(sources[0]?.next).toBe(200n);
  });

  it('leaves out what the filter does not let through, and counts it', async () => {
    const rows = rowsBetween(0, 300);
    const archive = new MemoryArchive([file('a', 0, 150), { ...file('b', 150, 300), rows: rows.slice(150) }]);
    const { error, fates, run, sources } = await apply(archive, {
      filter: { fromMs: 1_100, untilMs: 1_200, partitions: null },
    });
    expect(error).toBeNull();
    expect(fates.consumed).toBe(100);
    expect(run.progress()).toMatchObject({ outside: 200, rowsDone: 300 });
    expect(sources[0]?.next).toBe(300n);
  });

  it('waits out an archive that does not answer, and loses and repeats nothing', async () => {
    const archive = new MemoryArchive([file('a', 0, 500)]);
    let faults = 0;
    archive.fault = (_, row) => {
      if (row < 250 || faults >= 3) return;
      faults += 1;
      throw new OutageError('OBJECT_STORE_FAILED', 'no answer');
    };
    const { error, fates, run } = await apply(archive);
    expect(error).toBeNull();
    expect(faults).toBe(3);
    expect(fates.consumed).toBe(500);
    expect(run.progress()).toMatchObject({ duplicates: 0, outside: 0 });
  });

  it('goes on where the store is after a failed write, also behind the last batch', async () => {
    const archive = new MemoryArchive([file('a', 0, 200)]);
    const store = createMemoryStore(systemClock);
    const frozen = await plan(archive);
    let applies = 0;
    let endsFailed = 0;
    const writes = {
      claim: (source: Parameters<typeof store.claim>[0]) => store.claim(source),
      apply: async (...[advance, mutations]: Parameters<typeof store.apply>) => {
        applies += 1;
        const isEnd = advance.next === 200n && endsFailed < 2;
        if (isEnd) endsFailed += 1;
        // The batch itself has been answered by then.
        if (isEnd) for (let turn = 0; turn < 5; turn += 1) await systemClock.sleep(0);
        if (isEnd || applies === 2) throw new OutageError('DOWN', 'the store is down');
        return await store.apply(advance, mutations);
      },
    };
    const { run } = backfillOf(store, frozen, archive, { writes });
    await run.run(new AbortController().signal);
    const [status] = await store.sources();
    expect(status).toMatchObject({ next: 200n, fates: { consumed: 200 } });
    expect(endsFailed).toBe(2);
    expect(status?.epoch).toBeGreaterThan(2);
    expect(run.progress()).toMatchObject({ state: 'done', duplicates: 0 });
  });
});

const changed = (at: number) =>
  rowsBetween(100, 300).map((row) => (row.offset === BigInt(at) ? { ...row, value: Buffer.from('1') } : row));

describe('A damaged archive', () => {
  const cases: readonly {
    readonly name: string;
    readonly archive: () => MemoryArchive;
    readonly code: string;
    readonly says: readonly string[];
    readonly nextMax: bigint;
  }[] = [
    {
      name: 'with two contents of one offset in two files',
      archive: () => new MemoryArchive([file('a', 0, 200), { ...file('b', 100, 300), rows: changed(150) }]),
      code: 'ARCHIVE_CONFLICT',
      says: ['offset 150 of partition 0', 'a (row group 3)', 'b (row group 1)'],
      nextMax: 150n,
    },
    {
      name: 'with two contents of one offset in one file',
      archive: () =>
        new MemoryArchive([
          { ...file('a', 0, 1), rows: [...rowsBetween(0, 60), rowOf(3, 59)], said: { lastOffset: 60n } },
        ]),
      code: 'ARCHIVE_CONFLICT',
      says: ['offset 59', 'a (row group 1)'],
      nextMax: 59n,
    },
    {
      name: 'with offsets out of order',
      archive: () =>
        new MemoryArchive([
          { ...file('a', 0, 1), rows: [...rowsBetween(0, 60), rowOf(3, 30)], said: { lastOffset: 70n } },
        ]),
      code: 'ARCHIVE_UNORDERED',
      says: ['a (row group 1)', 'offset 30'],
      nextMax: 60n,
    },
    {
      name: 'with rows beyond what its manifest says',
      archive: () => new MemoryArchive([{ ...file('a', 0, 100), said: { lastOffset: 80n, rows: 81 } }]),
      code: 'ARCHIVE_BOUNDS',
      says: ['a (row group 1)', '0 to 80'],
      nextMax: 81n,
    },
    {
      name: 'with fewer rows than its manifest says',
      archive: () => new MemoryArchive([{ ...file('a', 0, 90), said: { rows: 100, lastOffset: 99n } }]),
      code: 'ARCHIVE_ROWS_DIFFER',
      says: ['planned with 100 rows', 'a (row group 1)', 'after 90'],
      nextMax: 90n,
    },
    {
      name: 'whose reader fails in a way nobody foresaw',
      archive: () => {
        const archive = new MemoryArchive([file('a', 0, 200)]);
        archive.fault = (_, row) => {
          if (row === 150) throw new RangeError('Offset is outside the bounds');
        };
        return archive;
      },
      code: 'ARCHIVE_UNREADABLE',
      says: ['a (row group 2)', 'outside the bounds'],
      nextMax: 150n,
    },
  ];

  it.each(cases)('$name is named with file and row group, and nothing behind it is applied', async (one) => {
    const { error, fates, sources, run } = await apply(one.archive());
    expect(error).toMatchObject({ code: one.code });
    for (const words of one.says) expect(String(error)).toContain(words);
    const next = sources[0]?.next ?? 0n;
    expect(next).toBeLessThanOrEqual(one.nextMax);
    expect(fates.consumed).toBe(Number(next));
    expect(run.progress()).toMatchObject({ state: 'failed', failure: { code: one.code } });
  });

  it('that lost a file is refused before anything is applied', async () => {
    const archive = new MemoryArchive([file('a', 0, 100), file('b', 100, 200)]);
    const store = createMemoryStore(systemClock);
    const frozen = await plan(archive);
    archive.files_.pop();
    const { run } = backfillOf(store, frozen, archive);
    await expect(run.run(new AbortController().signal)).rejects.toMatchObject({
      code: 'ARCHIVE_FILE_MISSING',
      message: expect.stringContaining('The file b of partition 0, offsets 100 to 199'),
    });
    expect(await store.sources()).toEqual([]);
  });

  it('that loses a file while it is read stops at its first offset', async () => {
    const archive = new MemoryArchive([file('a', 0, 100), file('b', 100, 200)]);
    const store = createMemoryStore(systemClock);
    const frozen = await plan(archive);
    archive.fault = (key) => {
      if (key === 'a') archive.files_.splice(1, 1);
    };
    const { run } = backfillOf(store, frozen, archive);
    await expect(run.run(new AbortController().signal)).rejects.toMatchObject({
      code: 'ARCHIVE_FILE_MISSING',
    });
    expect((await store.sources())[0]?.next).toBeLessThanOrEqual(100n);
  });

  it('of which a file was replaced is refused by its name', async () => {
    const archive = new MemoryArchive([file('a', 0, 100)]);
    const frozen = await plan(archive);
    archive.files_[0] = file('a', 0, 99);
    const { run } = backfillOf(createMemoryStore(systemClock), frozen, archive);
    await expect(run.run(new AbortController().signal)).rejects.toMatchObject({
      code: 'ARCHIVE_FILE_CHANGED',
      message: expect.stringContaining('The file a is another one'),
    });
  });
});
