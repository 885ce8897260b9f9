import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../foundation/index.ts';
import { crashAdvance, crashBatch, crashSource } from './crash-testing-batches.ts';
import type { GraphStore } from './graph-store.ts';
import { openLevelStore } from './leveldb-store.ts';
import { createMemoryStore } from './memory-store.ts';

const run = promisify(execFile);
const diskBytes = 8 * 2 ** 20;
const batchesMax = 400;

/** Fills what is left of the disk that `path` lies on. */
async function fillDisk(path: string): Promise<void> {
  const file = await open(path, 'w');
  try {
    for (let written = 0; written <= diskBytes; written += 4096) await file.write(Buffer.alloc(4096, 1));
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
    return;
  } finally {
    await file.close();
  }
  throw new Error('the disk took more than it holds');
}

/** Applies batches one at a time until one fails; how many were acknowledged and what failed. */
async function applyUntilRefused(store: GraphStore, epoch: number, from: number): Promise<[number, unknown]> {
  for (let number = from; number < batchesMax; number += 1) {
    try {
      await store.apply(crashAdvance(epoch, number), crashBatch(number));
    } catch (error) {
      return [number, error];
    }
  }
  throw new Error(`a full disk took ${batchesMax - from} batches`);
}

async function digestOf(count: number): Promise<string> {
  const store = createMemoryStore(systemClock);
  const { epoch } = await store.claim(crashSource);
  for (let number = 0; number < count; number += 1) {
    await store.apply(crashAdvance(epoch, number), crashBatch(number));
  }
  return (await store.digest()).hex;
}

describe('The LevelDB store on a full disk', () => {
  let disk: string;
  let refusal: string | null;
  beforeEach(async () => {
    disk = await mkdtemp(join(tmpdir(), 'graph-store-disk-'));
    refusal = await run('mount', ['-t', 'tmpfs', '-o', `size=${diskBytes}`, 'tmpfs', disk]).then(
      () => null,
      (error: unknown) => String(error),
    );
  });
  afterEach(async () => {
    // Lazily: a test that failed has left the store open, and its disk must go all the same.
    if (refusal === null) await run('umount', ['--lazy', disk]);
    await rm(disk, { recursive: true });
  });

  it('applies nothing by halves, and goes on after space is freed and the partition is claimed', async (ctx) => {
    if (refusal !== null) ctx.skip(`a small disk cannot be mounted here: ${refusal}`);
    const folder = join(disk, 'store');
    const filler = join(disk, 'filler');
    await mkdir(folder);
    const settings = { folder, writeBufferBytes: 2 ** 20, windowBytesMax: 1 };
    const store = await openLevelStore(settings, systemClock);
    const first = await store.claim(crashSource);
    for (let number = 0; number < 5; number += 1) {
      await store.apply(crashAdvance(first.epoch, number), crashBatch(number));
    }
    await fillDisk(filler);

    const [acknowledged, error] = await applyUntilRefused(store, first.epoch, 5);
    expect(error).toMatchObject({ code: 'STORE_WRITE_FAILED', reaction: 'outage' });
    expect(String(error)).toMatch(/could not be written \(.*No space left on device.*\); free space/);
    const [status] = await store.sources();
    expect(status).toMatchObject({ next: BigInt(acknowledged), fates: { applied: acknowledged } });
    expect((await store.digest()).hex).toBe(await digestOf(acknowledged));
    const late = store.apply(crashAdvance(first.epoch, acknowledged), crashBatch(acknowledged));
    await expect(late).rejects.toMatchObject({ reaction: 'outage' });
    // While the disk is full a claim is one more outage, as often as it is tried.
    for (let tries = 0; tries < 3; tries += 1) {
      await expect(store.claim(crashSource)).rejects.toMatchObject({ reaction: 'outage' });
    }
    // It is shut now, and whoever asks why nothing moves is still told how far everything is.
    await expect(store.digest()).rejects.toMatchObject({ code: 'STORE_CLOSED' });
    expect(await store.sources()).toEqual([status]);
    expect((await store.estimate()).nodes).toBeGreaterThan(0);

    await rm(filler);
    const again = await store.claim(crashSource);
    expect(again.epoch).toBeGreaterThan(first.epoch);
    expect(again.next).toBe(BigInt(acknowledged));
    for (let number = acknowledged; number < acknowledged + 20; number += 1) {
      await store.apply(crashAdvance(again.epoch, number), crashBatch(number));
    }
    await store.close();

    const reopened = await openLevelStore(settings, systemClock);
    expect((await reopened.digest()).hex).toBe(await digestOf(acknowledged + 20));
    await reopened.close();
  });

  it('keeps what is applied after a first claim that could not write down where stretches begin', async (ctx) => {
    if (refusal !== null) ctx.skip(`a small disk cannot be mounted here: ${refusal}`);
    const folder = join(disk, 'store');
    const filler = join(disk, 'filler');
    await mkdir(folder);
    const settings = { folder, windowBytesMax: 1 };
    // Marked as ours and closed, so that LevelDB's log is empty and has to take a new page.
    await (await openLevelStore(settings, systemClock)).close();
    const store = await openLevelStore(settings, systemClock);
    await fillDisk(filler);
    for (let tries = 0; tries < 3; tries += 1) {
      const error = { reaction: 'outage', message: expect.stringContaining('free space') };
      await expect(store.claim(crashSource)).rejects.toMatchObject(error);
    }
    await rm(filler);
    const { epoch } = await store.claim(crashSource);
    for (let number = 0; number < 100; number += 1)
      await store.apply(crashAdvance(epoch, number), crashBatch(number));
    await store.close();
    const reopened = await openLevelStore(settings, systemClock);
    expect((await reopened.digest()).hex).toBe(await digestOf(100));
    await reopened.close();
  });

  it('closes while it cannot be opened again, and can be opened later', async (ctx) => {
    if (refusal !== null) ctx.skip(`a small disk cannot be mounted here: ${refusal}`);
    const folder = join(disk, 'store');
    const filler = join(disk, 'filler');
    await mkdir(folder);
    const settings = { folder, writeBufferBytes: 2 ** 20, windowBytesMax: 1 };
    const store = await openLevelStore(settings, systemClock);
    const { epoch } = await store.claim(crashSource);
    await fillDisk(filler);
    await applyUntilRefused(store, epoch, 0);
    const claim = store.claim(crashSource);
    await Promise.all([expect(claim).rejects.toMatchObject({ reaction: 'outage' }), store.close()]);
    await rm(filler);
    const later = await openLevelStore(settings, systemClock);
    await later.close();
  });
});
