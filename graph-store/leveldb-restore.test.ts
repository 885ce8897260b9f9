import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../foundation/index.ts';
import { pack } from './conformance-graphs.ts';
import { advance, dark, event, hop, source, watched } from './conformance-subject.ts';
import { crashAdvance, crashBatch, crashSource } from './crash-testing-batches.ts';
import type { GraphSnapshot, GraphStore } from './graph-store.ts';
import { openLevelStore } from './leveldb-store.ts';
import { originKey, originRange } from './lineage.ts';
import { createMemoryStore } from './memory-store.ts';
import { SnapshotReader } from './snapshot-file.ts';

type Row = readonly [key: Buffer, value: Buffer];

async function folderAnew(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'graph-store-restore-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

async function filled(count: number): Promise<GraphStore> {
  const store = createMemoryStore(systemClock);
  const { epoch } = await store.claim(crashSource);
  for (let number = 0; number < count; number += 1) {
    await store.apply(crashAdvance(epoch, number), crashBatch(number));
  }
  return store;
}

/** A snapshot whose rows stop coming after so many; resolves `reached` there. */
function stalling(snapshot: GraphSnapshot, after: number) {
  const reached = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  async function* rows(): AsyncGenerator<Row> {
    let count = 0;
    for await (const row of snapshot.rows()) {
      if (count === after) {
        reached.resolve();
        await goOn.promise;
      }
      count += 1;
      yield row;
    }
  }
  return { reached: reached.promise, goOn: goOn.resolve, source: { ...aboutOf(snapshot), rows } };
}

const aboutOf = ({ sources, timeToLive }: GraphSnapshot) => ({ sources, timeToLive });

describe('Restoring into a LevelDB store', () => {
  it('leaves nothing that counts as a store when the machine goes down in between, and a store when it has come through', async () => {
    const original = await filled(30);
    const snapshot = await original.snapshot();
    const folder = await folderAnew();
    const store = await openLevelStore({ folder }, systemClock);
    const { reached, goOn, source } = stalling(snapshot, 20);
    const restoring = store.restore(source);
    await reached;
    // What a crash leaves: the files as they are now.
    const image = join(await folderAnew(), 'image');
    await cp(folder, image, { recursive: true });
    const refusal = { code: 'STORE_RESTORE_INCOMPLETE', reaction: 'stop' };
    await expect(store.sources()).rejects.toMatchObject(refusal);
    goOn();
    await restoring;
    expect((await store.digest()).hex).toBe((await original.digest()).hex);
    await store.close();

    const opening = openLevelStore({ folder: image }, systemClock);
    await expect(opening).rejects.toMatchObject(refusal);
    await expect(opening).rejects.toThrow(/remove the folder, then restore it again/);
    const again = await openLevelStore({ folder }, systemClock);
    expect((await again.digest()).hex).toBe((await original.digest()).hex);
    expect(await again.sources()).toEqual(await original.sources());
    await again.close();
  });

  it('holds claims back until it has ended, and they go on where the snapshot stands', async () => {
    const original = await filled(10);
    const folder = await folderAnew();
    const store = await openLevelStore({ folder }, systemClock);
    const { reached, goOn, source } = stalling(await original.snapshot(), 5);
    const restoring = store.restore(source);
    await reached;
    const claiming = store.claim(crashSource);
    goOn();
    await restoring;
    expect(await claiming).toEqual({ epoch: 2, next: 10n });
    await store.close();
  });

  it('is refused by a second one that comes meanwhile', async () => {
    const original = await filled(10);
    const store = await openLevelStore({ folder: await folderAnew() }, systemClock);
    const { reached, goOn, source } = stalling(await original.snapshot(), 5);
    const restoring = store.restore(source);
    await reached;
    const second = store.restore(await original.snapshot());
    goOn();
    await restoring;
    await expect(second).rejects.toMatchObject({ code: 'STORE_NOT_EMPTY' });
    await store.close();
  });

  it('takes nothing but rows that a snapshot may have', async () => {
    for (const key of [Buffer.from('mformat'), Buffer.from('p[]'), Buffer.from('gA\0x\0<E\0')]) {
      const store = await openLevelStore({ folder: await folderAnew() }, systemClock);
      async function* rows(): AsyncGenerator<Row> {
        yield [key, Buffer.from('9')];
      }
      const about = aboutOf(await createMemoryStore(systemClock).snapshot());
      await expect(store.restore({ ...about, rows })).rejects.toThrow();
      await store.close();
    }
  });
});

describe('Origins of lineage that are restored into a LevelDB store', () => {
  const count = 12;
  /** A graph whose events are all of other origins: these rows, and the others. */
  async function graph() {
    const memory = createMemoryStore(systemClock);
    const list = Array.from({ length: count }, (_, i) => ({
      ...event(i + 1, [watched(dark)]),
      lineage: { offset: BigInt(i), origin: { schemaId: 7, subject: 'plays-value', version: i + 1 } },
    }));
    await memory.apply(advance(await memory.claim(source), 0, count), pack(list));
    await using snapshot = await memory.snapshot();
    const rows: Row[] = [];
    for await (const row of snapshot.rows()) rows.push(row);
    const origins = rows.filter(([key]) => key[0] === originRange.gte[0]);
    return { memory, about: aboutOf(snapshot), origins, others: rows.slice(origins.length) };
  }
  const inTurn = (rows: readonly Row[]) =>
    async function* (): AsyncGenerator<Row> {
      yield* rows;
    };

  it('may come in any order, as in files of versions that read them from Neo4j in another', async () => {
    const { memory, about, origins, others } = await graph();
    const store = await openLevelStore({ folder: await folderAnew() }, systemClock);
    await store.restore({ ...about, rows: inTurn([...origins.toReversed(), ...others]) });
    const seen = await store.adjacency(hop(dark, 'in'));
    expect(seen.occurrences).toHaveLength(count);
    expect(seen).toEqual(await memory.adjacency(hop(dark, 'in')));
    // The writer goes on counting behind them.
    const next = {
      ...event(count + 1, [watched(dark)]),
      lineage: { offset: 0n, origin: { schemaId: 8, subject: 'plays-value', version: 1 } },
    };
    await store.apply(advance(await store.claim(source), count, count + 1), pack([next]));
    expect((await store.adjacency(hop(dark, 'in', { limit: 2 }))).occurrences).toMatchObject([
      { lineage: { schemaId: 8 } },
      { lineage: { schemaId: 7, mapping: { version: count } } },
    ]);
    for await (const seen of store.verify(1))
      if (seen.kind === 'verdict') expect(seen.verdict.faults).toBe(0);
    await store.close();
  });

  const changes: [string, (origins: readonly Row[]) => readonly Row[], RegExp][] = [
    ['one is missing', (all) => all.toSpliced(4, 1), /origin 5 is missing, and there is origin 12/],
    ['one is there twice', (all) => [...all, ...all.slice(0, 1)], /origin 1 is there twice/],
    [
      'one has a number that none may have',
      (all) => [...all, [originKey(2 ** 31), Buffer.from('{}')]],
      /an origin has the number 2147483648, which none may have/,
    ],
    ['one is no JSON', (all) => [...all, [originKey(13), Buffer.from('{')]], /origin 13 is no JSON/],
  ];
  it.each(changes.map(([name, change, what]) => ({ name, change, what })))(
    'are refused by name where $name',
    async ({ change, what }) => {
      const { about, origins, others } = await graph();
      const store = await openLevelStore({ folder: await folderAnew() }, systemClock);
      const restoring = store.restore({ ...about, rows: inTurn([...change(origins), ...others]) });
      await expect(restoring).rejects.toMatchObject({
        code: 'SNAPSHOT_DAMAGED',
        reaction: 'stop',
        message: expect.stringMatching(what),
      });
      await store.close();
    },
  );
});

describe('A snapshot of a LevelDB store', () => {
  it('says so when the store is closed while it is read', async () => {
    const store = await openLevelStore({ folder: await folderAnew() }, systemClock);
    await using original = await (await filled(30)).snapshot();
    await store.restore(original);
    const snapshot = await store.snapshot();
    await store.close();
    const reading = (async () => {
      for await (const [key] of snapshot.rows()) expect(key.length).toBeGreaterThan(0);
    })();
    await expect(reading).rejects.toMatchObject({ code: 'STORE_READ_FAILED', reaction: 'outage' });
    await snapshot[Symbol.asyncDispose]();
  });
});

describe('The file of a snapshot, from a thread of its own', () => {
  async function opened() {
    const store = await openLevelStore({ folder: await folderAnew() }, systemClock);
    await using original = await (await filled(40)).snapshot();
    await store.restore(original);
    return store;
  }

  const about = { productVersion: '1', takenAtMs: 5 };

  it('holds what the store held when it was opened, while batches go on being applied', async () => {
    const store = await opened();
    const { hex } = await store.digest();
    await using file = await store.openSnapshotFile(about);
    const { epoch } = await store.claim(crashSource);
    await store.apply(crashAdvance(epoch, 40), crashBatch(40));
    const reader = await SnapshotReader.open('a', file.bytes());
    const restored = createMemoryStore(systemClock);
    await restored.restore({ ...reader.header, rows: () => reader.rows() });
    expect((await restored.digest()).hex).toBe(hex);
    expect((await store.digest()).hex).not.toBe(hex);
    expect(reader.header).toMatchObject({ ...about, sources: [{ next: 40n }] });
    await store.close();
  });

  it('is cut off by name when the store closes, which waits for the thread', async () => {
    const store = await opened();
    await using file = await store.openSnapshotFile(about);
    const bytes = file.bytes();
    await bytes.next();
    await store.close();
    await expect(bytes.next()).rejects.toMatchObject({ code: 'STORE_READ_FAILED' });
    await expect(store.openSnapshotFile(about)).rejects.toMatchObject({ code: 'STORE_CLOSED' });
  });

  it('can be left in the middle, or unread, and the store goes on', async () => {
    const store = await opened();
    for await (const piece of (await store.openSnapshotFile(about)).bytes()) {
      expect(piece.length).toBeGreaterThan(0);
      break;
    }
    await (await store.openSnapshotFile(about))[Symbol.asyncDispose]();
    for await (const _event of store.verify(1)) break;
    const { epoch, next } = await store.claim(crashSource);
    expect(next).toBe(40n);
    await store.apply(crashAdvance(epoch, 40), crashBatch(40));
    await store.close();
  });
});
