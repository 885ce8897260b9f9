import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ClassicLevel } from 'classic-level';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JourneyGraphError } from '../foundation/index.ts';
import { systemClock } from '../foundation/index.ts';
import { crashAdvance, crashBatch, crashSource } from './crash-testing-batches.ts';
import { openLevelStore } from './leveldb-store.ts';
import { createMutationBatch, MutationBatch } from './mutation-batch.ts';
import type { PackedMutations } from './packed-format.ts';

const child = fileURLToPath(new URL('./crash-testing-child.ts', import.meta.url));

/** A batch that no packer makes: its reader must not go on. */
class DamagedBatch extends MutationBatch {
  override take(): PackedMutations {
    return { ...super.take(), buffer: new Uint8Array([99, 1, 2]).buffer, lengthBytes: 3 };
  }
}

describe('Opening the LevelDB store', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'graph-store-open-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('refuses a folder that another process has open', async () => {
    const store = await openLevelStore({ folder }, systemClock);
    const second = promisify(execFile)(process.execPath, [child, folder, '1']);
    await expect(second).rejects.toMatchObject({ stderr: expect.stringContaining('STORE_LOCKED') });
    // Who that is, only those look up who try no more.
    await expect(second).rejects.toMatchObject({ stderr: expect.stringContaining('by another process;') });
    await store.close();
  });

  it('refuses a folder that this process has open, and takes it once closed', async () => {
    const store = await openLevelStore({ folder }, systemClock);
    await expect(openLevelStore({ folder: join(folder, '.') }, systemClock)).rejects.toMatchObject({
      code: 'STORE_LOCKED',
      reaction: 'stop',
    });
    await store.close();
    await (await openLevelStore({ folder }, systemClock)).close();
  });

  it('refuses a folder of another format, naming both', async () => {
    const foreign = new ClassicLevel(folder);
    await foreign.put('mformat', '99');
    await foreign.close();
    const opening = openLevelStore({ folder }, systemClock);
    await expect(opening).rejects.toMatchObject({ code: 'STORE_FORMAT', reaction: 'stop' });
    await expect(opening).rejects.toThrow(/format 99 and this version reads format 4/);
  });

  it('refuses a database that is not ours', async () => {
    const foreign = new ClassicLevel(folder);
    await foreign.put('somebody', 'else');
    await foreign.close();
    await expect(openLevelStore({ folder }, systemClock)).rejects.toMatchObject({ code: 'STORE_FORMAT' });
  });

  it('says so when the folder cannot be one', async () => {
    const file = join(folder, 'file');
    await writeFile(file, '');
    await expect(openLevelStore({ folder: file }, systemClock)).rejects.toMatchObject({
      code: 'STORE_OPEN_FAILED',
    });
  });

  it('rejects what waits when the writing thread crashes, keeps reading, and goes on after a claim', async () => {
    const store = await openLevelStore({ folder }, systemClock);
    const { epoch } = await store.claim(crashSource);
    await store.apply(crashAdvance(epoch, 0), crashBatch(0));
    const digest = (await store.digest()).hex;
    const crashed = await Promise.allSettled([
      store.apply(crashAdvance(epoch, 1), new DamagedBatch()),
      store.apply(crashAdvance(epoch, 2), crashBatch(2)),
    ]);
    for (const result of crashed) {
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'STORE_WRITER_CRASHED' } });
    }
    expect((await store.digest()).hex).toBe(digest);
    await expect(store.apply(crashAdvance(epoch, 1), crashBatch(1))).rejects.toMatchObject({
      reaction: 'outage',
    });
    const again = await store.claim(crashSource);
    expect(again).toEqual({ epoch: 2, next: 1n });
    await store.apply(crashAdvance(again.epoch, 1), crashBatch(1));
    await store.close();
  });

  it('stops when the writing thread crashes over the same partition time after time', async () => {
    const store = await openLevelStore({ folder }, systemClock);
    const reactions: string[] = [];
    for (let life = 0; life < 4; life += 1) {
      const { epoch } = await store.claim(crashSource);
      // Progress in between starts the count anew.
      if (life === 1) await store.apply(crashAdvance(epoch, 0), crashBatch(0));
      const offset = life === 0 ? 0 : 1;
      await store.apply(crashAdvance(epoch, offset), new DamagedBatch()).catch((error: JourneyGraphError) => {
        reactions.push(error.reaction);
      });
    }
    expect(reactions).toEqual(['outage', 'outage', 'outage', 'stop']);
    await store.close();
  });

  it('merges with node rows that are still being written and that the cache has dropped', async () => {
    const store = await openLevelStore({ folder, nodeCacheBytes: 0, windowBytesMax: 1 }, systemClock);
    const { epoch } = await store.claim(crashSource);
    const write = (number: number, ...nodes: [id: string, timeMs: number][]): Promise<unknown> => {
      const batch = createMutationBatch();
      for (const [id, timeMs] of nodes) {
        const mutation = { kind: 'node', node: { type: 'A', id }, properties: [['at', timeMs]] } as const;
        batch.add({ timeMs, rank: 0, occurrence: BigInt(timeMs), mutations: [mutation] });
      }
      return store.apply(crashAdvance(epoch, number), batch);
    };
    const rounds = 20;
    await Promise.all(
      Array.from({ length: rounds }, (_, i) => [
        write(i * 2, [`a${i}`, 10]),
        write(i * 2 + 1, ['other', i], ['another', i], [`a${i}`, 5]),
      ]).flat(),
    );
    for (let i = 0; i < rounds; i += 1) {
      const node = await store.node({ type: 'A', id: `a${i}` });
      expect(node?.properties).toEqual([{ name: 'at', value: 10, timeMs: 10 }]);
    }
    await store.close();
  });

  it('settles a claim that is overtaken by closing, and takes no more after it', async () => {
    const store = await openLevelStore({ folder }, systemClock);
    const overtaken = store.claim(crashSource);
    await Promise.all([
      expect(overtaken).rejects.toMatchObject({ code: 'STORE_CLOSED', reaction: 'outage' }),
      store.close(),
    ]);
    await expect(store.claim(crashSource)).rejects.toMatchObject({ code: 'STORE_CLOSED' });
  });

  it('lets reads see whole batches only while batches are applied', async () => {
    const store = await openLevelStore({ folder }, systemClock);
    const { epoch } = await store.claim(crashSource);
    const applying = Array.from({ length: 60 }, (_, i) => store.apply(crashAdvance(epoch, i), crashBatch(i)));
    let reads = 0;
    let writing = true;
    const written = Promise.all(applying).finally(() => {
      writing = false;
    });
    const all = {
      type: 'WATCHED',
      direction: 'out',
      sinceMs: 0,
      untilMs: 1e9,
      limit: 1e4,
      scanMax: 1e4,
    } as const;
    while (writing) {
      const of = { type: 'Account', id: 'a20' };
      const { occurrences } = await store.adjacency({ ...all, of });
      const node = await store.node(of);
      // The node's row and its newest occurrence come from one event; the later read may know more, never less.
      expect(Number(node?.properties[0]?.value ?? -1)).toBeGreaterThanOrEqual(
        Number(occurrences[0]?.properties[0]?.[1] ?? -1),
      );
      reads += 1;
    }
    await written;
    expect(reads).toBeGreaterThan(0);
    await store.close();
  });
});
