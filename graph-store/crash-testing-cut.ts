import { cp, mkdtemp, readdir, rm, stat, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../foundation/index.ts';
import { crashAdvance, crashBatch, crashSourceOf } from './crash-testing-batches.ts';
import { CrashOracle } from './crash-testing-kill.ts';
import { openLevelStore } from './leveldb-store.ts';

const batches = 12;
const partitions = 3;
/** Each store is written in another way, then cut this often. */
const cutsPerStore = 25;
const windowBytes = [1, 32 * 1024, 2 ** 20] as const;

export interface CutSummary {
  readonly cuts: number;
  /** Different states that were found behind the cuts. */
  readonly states: number;
}

/**
 * Cuts LevelDB's log at random bytes, as a machine that loses power in the middle of a write leaves it, and opens what is left: kill -9 hardly
 * ever hits the microseconds between two writes, a cut always does.
 *
 * @throws at the first cut behind which positions, counts and graph do not belong together: with the seed and the cut.
 */
export async function runCuts(
  seed: number,
  cuts: number,
  progress: (done: number) => void,
): Promise<CutSummary> {
  let state = seed;
  const below = (bound: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
  const states = new Set<string>();
  const folder = await mkdtemp(join(tmpdir(), 'graph-store-cuts-'));
  try {
    for (let done = 0; done < cuts; done += 1) {
      const whole = join(folder, String(Math.floor(done / cutsPerStore)));
      if (done % cutsPerStore === 0) await write(whole, windowBytes[(done / cutsPerStore) % 3] ?? 1);
      const log = await logOf(whole);
      const at = below((await stat(join(whole, log))).size);
      const cut = join(folder, 'cut');
      await cp(whole, cut, { recursive: true });
      await truncate(join(cut, log), at);
      const { nexts, faults } = await look(cut);
      if (faults.length > 0) throw new Error(`seed ${seed}, cut ${done} at byte ${at}: ${faults.join('; ')}`);
      states.add(nexts.join(' '));
      await rm(cut, { recursive: true });
      progress(done + 1);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
  return { cuts, states: states.size };
}

/** Small enough to stay in LevelDB's log as a whole. */
async function write(folder: string, windowBytesMax: number): Promise<void> {
  const store = await openLevelStore({ folder, windowBytesMax, stretchBytes: 64 * 1024 }, systemClock);
  const applied: Promise<unknown>[] = [];
  for (let partition = 0; partition < partitions; partition += 1) {
    const { epoch } = await store.claim(crashSourceOf(partition));
    for (let number = 0; number < batches; number += 1)
      applied.push(store.apply(crashAdvance(epoch, number, partition), crashBatch(number, partition)));
  }
  await Promise.all(applied);
  await store.close();
}

async function logOf(folder: string): Promise<string> {
  const logs = (await readdir(folder)).filter((name) => name.endsWith('.log'));
  const [log] = logs;
  if (log === undefined || logs.length > 1) throw new Error(`${folder} has ${logs.length} logs and not one`);
  return log;
}

async function look(folder: string): Promise<{ readonly nexts: number[]; readonly faults: string[] }> {
  const store = await openLevelStore({ folder }, systemClock);
  try {
    const nexts: number[] = [];
    const faults: string[] = [];
    for (const { source, next, fates } of await store.sources()) {
      nexts[source.partition] = Number(next);
      if (fates.applied !== Number(next))
        faults.push(`partition ${source.partition} is at ${next} and counts ${fates.applied}`);
    }
    const { hex } = await store.digest();
    const expected = await new CrashOracle().digest(nexts);
    if (hex !== expected) faults.push(`at ${nexts} the digest is ${hex}, not ${expected}`);
    return { nexts, faults };
  } finally {
    await store.close();
  }
}
