import { mkdtemp, open, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { must, systemClock } from '../foundation/index.ts';
import { crashAdvance, crashBatch, crashSource } from './crash-testing-batches.ts';
import { openLevelStore } from './leveldb-store.ts';
import { claimed, encodePosition, positionKey } from './position.ts';
import { folderFormat } from './rows.ts';

const account = { type: 'Account', id: 'a0' };

/** Leaves a store whose graph lies in table files, none of them open. */
async function fill(folder: string): Promise<void> {
  const store = await openLevelStore({ folder }, systemClock);
  const { epoch } = await store.claim(crashSource);
  for (let number = 0; number < 20; number += 1) {
    await store.apply(crashAdvance(epoch, number), crashBatch(number));
  }
  await store.close();
  const db = new ClassicLevel(folder);
  await db.compactRange('a', 'z');
  await db.close();
}

async function fileOf(folder: string, name: RegExp): Promise<string> {
  const found = (await readdir(folder)).find((file) => name.test(file));
  return join(folder, must(found, `the database has a file like ${name}`));
}

/** Overwrites a share of a file in place. Cutting an open table short would end the process: LevelDB maps it into memory. */
async function overwrite(path: string, from: number, to: number): Promise<void> {
  const file = await open(path, 'r+');
  try {
    const { size } = await file.stat();
    const start = Math.floor(size * from);
    await file.write(Buffer.alloc(Math.floor(size * to) - start, 0xff), 0, null, start);
  } finally {
    await file.close();
  }
}

describe('The LevelDB store, damaged', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'graph-store-damage-'));
    await fill(folder);
  });
  afterEach(() => rm(folder, { recursive: true }));

  it.each([
    ['the file that names the manifest', async () => await writeFile(join(folder, 'CURRENT'), 'nonsense')],
    ['the manifest', async () => await overwrite(await fileOf(folder, /^MANIFEST-/), 0, 1)],
    ['a table', async () => await overwrite(await fileOf(folder, /\.ldb$/), 0, 1)],
    ['a missing table', async () => await rm(await fileOf(folder, /\.ldb$/))],
  ])('says that it is damaged and what to do: %s', async (_what, damage) => {
    await damage();
    const opening = openLevelStore({ folder }, systemClock);
    await expect(opening).rejects.toMatchObject({ code: 'STORE_CORRUPT', reaction: 'stop' });
    await expect(opening).rejects.toThrow(/is damaged \(.+\); move the folder away and start again/);
    // The refused folder is not held: whoever moved it away may open another in its place.
    await expect(openLevelStore({ folder }, systemClock)).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
  });

  it('says that it is damaged when only the writing thread meets the damage', async () => {
    const apart = join(folder, 'apart');
    const db = new ClassicLevel(apart);
    await db.put('mformat', folderFormat);
    await db.compactRange('a', 'z');
    const before = await readdir(apart);
    await db.put(positionKey(crashSource), encodePosition(claimed(crashSource, undefined)).toString());
    await db.compactRange('p', 'q');
    await db.close();
    const positions = (await readdir(apart)).filter(
      (file) => file.endsWith('.ldb') && !before.includes(file),
    );
    expect(positions).toHaveLength(1);
    await overwrite(join(apart, positions.join()), 0, 1);
    await expect(openLevelStore({ folder: apart }, systemClock)).rejects.toMatchObject({
      code: 'STORE_CORRUPT',
      reaction: 'stop',
    });
  });

  it('says that it could not be opened when a table cannot be read at all', async () => {
    await truncate(await fileOf(folder, /\.ldb$/), 10);
    await expect(openLevelStore({ folder }, systemClock)).rejects.toMatchObject({
      code: 'STORE_OPEN_FAILED',
      reaction: 'outage',
    });
  });

  it('says that it could not be read, by each kind of read, and still reads what is whole', async () => {
    const store = await openLevelStore({ folder }, systemClock);
    // Rows of the graph come first in a table; positions and estimates come last and stay whole.
    await overwrite(await fileOf(folder, /\.ldb$/), 0, 0.5);
    const range = { sinceMs: 0, untilMs: 1e9, limit: 10, scanMax: 10 };
    const journey = { domains: null, order: 'oldest-first', after: null, bytesMax: 1e6 } as const;
    const failed = { code: 'STORE_READ_FAILED', reaction: 'outage' };
    const reads = {
      node: () => store.node(account),
      journey: () => store.journey({ of: account, ...range, ...journey }),
      adjacency: () => store.adjacency({ of: account, type: 'WATCHED', direction: 'out', ...range }),
      edge: () =>
        store.edge({
          type: 'WATCHED',
          from: account,
          to: { type: 'Title', id: 't0' },
          key: null,
          folds: new Map(),
          scanMax: 10,
        }),
      digest: () => store.digest(),
    };
    for (const [name, read] of Object.entries(reads)) {
      await expect(read(), name).rejects.toMatchObject(failed);
    }
    await expect(store.node(account)).rejects.toThrow(
      /could not be read \(.+\); check the disk, then ask again/,
    );
    expect(await store.sources()).toMatchObject([{ next: 20n }]);
    await store.close();
  });
});
