import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../foundation/index.ts';
import { crashAdvance, crashBatch, crashSource } from './crash-testing-batches.ts';
import { openLevelStore } from './leveldb-store.ts';
import { createMemoryStore } from './memory-store.ts';

const child = fileURLToPath(new URL('./crash-testing-child.ts', import.meta.url));
const kills = 10;
const batchesBetweenKillsMax = 40;

/** The digest of batches 0 to `count` - 1, computed without LevelDB. */
async function expectedDigest(count: number): Promise<string> {
  const store = createMemoryStore(systemClock);
  const { epoch } = await store.claim(crashSource);
  for (let number = 0; number < count; number += 1) {
    await store.apply(crashAdvance(epoch, number), crashBatch(number));
  }
  return (await store.digest()).hex;
}

async function positionAndDigest(folder: string): Promise<{ next: number; applied: number; digest: string }> {
  const store = await openLevelStore({ folder }, systemClock);
  try {
    const [status] = await store.sources();
    const digest = (await store.digest()).hex;
    return { next: Number(status?.next ?? 0n), applied: status?.fates.applied ?? 0, digest };
  } finally {
    await store.close();
  }
}

/** Resolves with the lines printed, when the process has ended. */
async function linesOf(running: ChildProcess, each: (line: string) => void): Promise<string[]> {
  const lines: string[] = [];
  const ended = new Promise((resolve) => running.once('exit', resolve));
  if (running.stdout !== null) {
    for await (const line of createInterface(running.stdout)) {
      lines.push(line);
      each(line);
    }
  }
  await ended;
  return lines;
}

function lastAcknowledged(lines: string[]): number {
  const numbers = lines
    .filter((line) => line.startsWith('acknowledged '))
    .map((line) => Number(line.slice(13)));
  return Math.max(-1, ...numbers);
}

describe('The LevelDB store, killed and starved', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'graph-store-crash-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('holds exactly a prefix of what was sent, and all that was acknowledged, after each kill -9', async () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    let state = seed;
    let before = 0;
    for (let kill = 0; kill < kills; kill += 1) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      const killAfter = 1 + ((state >>> 16) % batchesBetweenKillsMax);
      const running = spawn(process.execPath, [child, folder, '1000000'], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let acknowledgements = 0;
      const lines = await linesOf(running, () => {
        acknowledgements += 1;
        if (acknowledgements === killAfter) running.kill('SIGKILL');
      });
      const { next, applied, digest } = await positionAndDigest(folder);
      const context = `seed ${seed}, kill ${kill}, after ${killAfter} acknowledgements`;
      expect(running.signalCode, context).toBe('SIGKILL');
      expect(next, context).toBeGreaterThan(lastAcknowledged(lines));
      expect(next, context).toBeGreaterThanOrEqual(before + killAfter);
      expect(applied, context).toBe(next);
      expect(digest, context).toBe(await expectedDigest(next));
      before = next;
    }
  }, 60_000);

  it.skipIf(process.platform === 'win32')(
    'survives writes that fail, and loses and repeats nothing',
    async () => {
      // No file may grow beyond 128 KiB, less than LevelDB's log and tables want: the system refuses such writes.
      const limited = ['-c', 'ulimit -f 256; exec "$0" "$@"', process.execPath, child, folder, '1000000'];
      const starved = spawn('sh', limited, { stdio: ['ignore', 'pipe', 'inherit'] });
      const lines = await linesOf(starved, () => undefined);
      const firstOutage = lines.indexOf('outage STORE_WRITE_FAILED');
      expect(firstOutage).toBeGreaterThan(0);
      expect(lastAcknowledged(lines), 'a claim resumes writing').toBeGreaterThan(
        lastAcknowledged(lines.slice(0, firstOutage)),
      );
      expect(lines.at(-1)).toBe('gave up');
      const left = await positionAndDigest(folder);
      expect(left.next).toBeGreaterThan(lastAcknowledged(lines));
      expect(left.digest).toBe(await expectedDigest(left.next));

      const count = left.next + 20;
      const freed = spawn(process.execPath, [child, folder, String(count)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      expect((await linesOf(freed, () => undefined)).at(-1)).toBe('done');
      const digest = await expectedDigest(count);
      expect(await positionAndDigest(folder)).toEqual({ next: count, applied: count, digest });
    },
    60_000,
  );
});
