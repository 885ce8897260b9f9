import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KillPlan } from './crash-testing-kill.ts';
import { Victim } from './crash-testing-kill.ts';

/** A folder is begun anew after so many kills, so that reading all of it stays cheap. */
const killsPerFolder = 25;
const acknowledgementsMax = 40;
const delayMsMax = 25;

/** One after the other; the same seed gives the same plans. */
export function* killPlans(seed: number, kills: number): Generator<KillPlan> {
  let state = seed;
  const below = (bound: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) % bound;
  };
  const oneOf = (values: readonly number[]): number => values[below(values.length)] ?? 1;
  for (let kill = 0; kill < kills; kill += 1) {
    yield {
      windowBytesMax: oneOf([1, 64 * 1024, 2 ** 20]),
      // The smallest that LevelDB takes: it writes tables and compacts all the time.
      writeBufferBytes: oneOf([64 * 1024, 64 * 1024, 2 ** 20]),
      inFlight: oneOf([1, 4, 16, 32]),
      partitions: oneOf([1, 3]),
      killAfterAcknowledgements: 1 + below(acknowledgementsMax),
      thenMs: below(delayMsMax),
    };
  }
}

export interface KillSummary {
  readonly kills: number;
  readonly acknowledged: number;
  readonly unacknowledged: number;
  /** Kills after which batches were found durable that nobody had been told of. */
  readonly insideAcknowledgement: number;
  readonly compacting: number;
}

/** @throws at the first kill that lost or repeated something: with the seed, the kill and its plan. */
export async function runKills(
  seed: number,
  kills: number,
  progress: (done: number) => void,
): Promise<KillSummary> {
  const sum = { kills: 0, acknowledged: 0, unacknowledged: 0, insideAcknowledgement: 0, compacting: 0 };
  let folder = '';
  try {
    let victim: Victim | null = null;
    for (const plan of killPlans(seed, kills)) {
      if (victim === null || sum.kills % killsPerFolder === 0) {
        if (folder !== '') await rm(folder, { recursive: true });
        folder = await mkdtemp(join(tmpdir(), 'graph-store-kills-'));
        victim = new Victim(folder);
      }
      const killed = await victim.kill(plan);
      if (killed.faults.length > 0) {
        throw new Error(
          `seed ${seed}, kill ${sum.kills} (${JSON.stringify(plan)}): ${killed.faults.join('; ')}`,
        );
      }
      sum.kills += 1;
      sum.acknowledged += killed.acknowledged;
      sum.unacknowledged += killed.unacknowledged;
      if (killed.unacknowledged > 0) sum.insideAcknowledgement += 1;
      if (killed.compacting) sum.compacting += 1;
      progress(sum.kills);
    }
  } finally {
    if (folder !== '') await rm(folder, { recursive: true, force: true });
  }
  return sum;
}
