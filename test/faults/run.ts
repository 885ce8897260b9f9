import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { systemClock } from '../../foundation/index.ts';
import { runKills } from '../../graph-store/crash-testing-campaign.ts';
import { runCuts } from '../../graph-store/crash-testing-cut.ts';
import { createMemoryStore, type GraphStore, openLevelStore } from '../../graph-store/index.ts';
import { runReplays } from '../../graph-store/replay-testing.ts';

const usage = `Usage: node test/faults/run.ts replays|kills|cuts [--runs N] [--seed N]

  replays: shuffled replays of random graphs, with duplicates, over memory and LevelDB; all digests must be equal (20,000)
  kills:   kill -9 while batches are being written; nothing may be lost or counted twice (300)
  cuts:    LevelDB's log cut at a random byte; positions, counts and graph must belong together (1,000)
`;
const replaysPerStore = 100;
const runsDefault = { replays: 20_000, kills: 300, cuts: 1_000 } as const;
const progressEvery = { replays: 2_000, kills: 25, cuts: 100 } as const;

async function replays(seed: number, runs: number): Promise<object> {
  const folder = await mkdtemp(join(tmpdir(), 'graph-store-replays-'));
  let opened = 0;
  try {
    return await runReplays(
      seed,
      runs,
      replaysPerStore,
      {
        open: async () => {
          opened += 1;
          // Groups of every size: small ones show what a batch leaves to the next, large ones what it merges with.
          const windowBytesMax = [1, 4_096, 2 ** 20][opened % 3] ?? 1;
          const settings = { folder: join(folder, String(opened)), windowBytesMax, nodeCacheBytes: 16_384 };
          return [createMemoryStore(systemClock), await openLevelStore(settings, systemClock)];
        },
        dispose: async (stores: readonly GraphStore[]) => {
          for (const store of stores) await store.close();
          await rm(join(folder, String(opened)), { recursive: true });
        },
      },
      progress('replays'),
    );
  } finally {
    await rm(folder, { recursive: true });
  }
}

function progress(what: keyof typeof progressEvery): (done: number) => void {
  return (done) => {
    if (done % progressEvery[what] === 0) console.error(`${done} ${what}`);
  };
}

const campaigns = {
  replays,
  kills: (seed: number, runs: number): Promise<object> => runKills(seed, runs, progress('kills')),
  cuts: (seed: number, runs: number): Promise<object> => runCuts(seed, runs, progress('cuts')),
} as const;

function isKnown(what: string): what is keyof typeof campaigns {
  return Object.hasOwn(campaigns, what);
}

async function main(args: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: { runs: { type: 'string' }, seed: { type: 'string' } },
    allowPositionals: true,
  });
  const [what = ''] = positionals;
  const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
  if (!isKnown(what) || !Number.isSafeInteger(seed)) {
    console.error(usage);
    process.exitCode = 2;
    return;
  }
  const runs = Number(values.runs ?? runsDefault[what]);
  console.log(`${what}: ${runs} runs, seed ${seed}`);
  const startedMs = systemClock.now();
  const summary = await campaigns[what](seed, runs);
  const seconds = (systemClock.now() - startedMs) / 1000;
  const machine = `${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`;
  console.log(JSON.stringify({ what, seed, ...summary, seconds, machine }));
}

await main(process.argv.slice(2));
