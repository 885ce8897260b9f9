import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../foundation/index.ts';
import { killPlans } from './crash-testing-campaign.ts';
import { runCuts } from './crash-testing-cut.ts';
import { CrashOracle, lastAcknowledged, linesOf, spawnVictim, Victim } from './crash-testing-kill.ts';
import { openLevelStore } from './leveldb-store.ts';

const child = fileURLToPath(new URL('./crash-testing-child.ts', import.meta.url));
const kills = 6;

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

describe('The LevelDB store, killed and starved', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'graph-store-crash-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('holds exactly a prefix of what was sent, and all that was acknowledged, after each kill -9', async () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    const victim = new Victim(folder);
    let killed = 0;
    for (const plan of killPlans(seed, kills)) {
      const { faults, acknowledged } = await victim.kill(plan);
      const context = `seed ${seed}, kill ${killed}: ${JSON.stringify(plan)}`;
      expect(faults, context).toEqual([]);
      expect(acknowledged, context).toBeGreaterThanOrEqual(plan.killAfterAcknowledgements);
      killed += 1;
    }
    expect(killed).toBe(kills);
  }, 60_000);

  it('holds whole batches with their positions wherever its log is torn', async () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    const { cuts, states } = await runCuts(seed, 25, () => undefined);
    expect(cuts).toBe(25);
    // Otherwise the cuts fell where nothing was.
    expect(states, `seed ${seed}`).toBeGreaterThan(4);
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
      const oracle = new CrashOracle();
      const left = await positionAndDigest(folder);
      expect(left.next).toBeGreaterThan(lastAcknowledged(lines));
      expect(left.digest).toBe(await oracle.digest([left.next]));

      const count = left.next + 20;
      expect((await linesOf(spawnVictim([folder, count]), () => undefined)).at(-1)).toBe('done');
      const digest = await oracle.digest([count]);
      expect(await positionAndDigest(folder)).toEqual({ next: count, applied: count, digest });
    },
    60_000,
  );
});
