import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { systemClock } from '../../foundation/index.ts';
import { runKills } from '../../graph-store/crash-testing-campaign.ts';
import { createMemoryStore, type GraphStore, openLevelStore } from '../../graph-store/index.ts';
import { runReplays } from '../../graph-store/replay-testing.ts';

const usage = `Usage: node test/faults/run.ts replays|kills [--runs N] [--seed N]

  replays: shuffled replays of random graphs, with duplicates, over memory and LevelDB; all digests must be equal (20,000)
  kills:   kill -9 while batches are being written; nothing may be lost or counted twice (300)
`;
const replaysPerStore = 100;
const progressEvery = { replays: 2_000, kills: 25 } as const;

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
          const groupBytesMax = [1, 4_096, 2 ** 20][opened % 3] ?? 1;
          const settings = { folder: join(folder, String(opened)), groupBytesMax, nodeCacheBytes: 16_384 };
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

async function main(args: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: { runs: { type: 'string' }, seed: { type: 'string' } },
    allowPositionals: true,
  });
  const [what] = positionals;
  const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
  if ((what !== 'replays' && what !== 'kills') || !Number.isSafeInteger(seed)) {
    console.error(usage);
    process.exitCode = 2;
    return;
  }
  const runs = Number(values.runs ?? (what === 'replays' ? 20_000 : 300));
  console.log(`${what}: ${runs} runs, seed ${seed}`);
  const startedMs = systemClock.now();
  const summary =
    what === 'replays' ? await replays(seed, runs) : await runKills(seed, runs, progress('kills'));
  const seconds = (systemClock.now() - startedMs) / 1000;
  const machine = `${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`;
  console.log(JSON.stringify({ what, seed, ...summary, seconds, machine }));
}

await main(process.argv.slice(2));
