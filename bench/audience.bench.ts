import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { silentLog, systemClock } from '../foundation/index.ts';
import { openLevelStore } from '../graph-store/index.ts';
import { AudienceStore, Audiences } from '../query-api/index.ts';
import { atRest } from './at-rest.ts';
import { benchAudience, fillMembers } from './audience/member-graph.ts';
import type { BenchContext, Benchmark, Figures } from './benchmark.ts';

const membersMax = 10_000_000;
const waitMs = 600_000;
/** How fine the event loop's delay is measured. */
const resolutionMs = 2;

async function run(context: BenchContext): Promise<Figures> {
  const { quick, events, seed, tempDir, log } = context;
  const members = events ?? (quick ? 50_000 : 5_000_000);
  const nowMs = Date.now();
  const folder = join(tempDir, 'store');
  const { expected } = await fillMembers(folder, members, seed, nowMs, log);
  const reader = await openLevelStore({ folder }, systemClock);
  log('waiting until LevelDB has merged what was written');
  const restedSeconds = await atRest(cpuSeconds);
  const store = await AudienceStore.open(join(tempDir, 'audiences'), { countMax: 100, bytesMax: 2 ** 30 });
  let ids = 0;
  const audiences = new Audiences({
    store,
    sources: () => reader.sources(),
    clock: systemClock,
    log: silentLog,
    newId: () => `bench-${++ids}`,
    membersMax,
  });
  try {
    const definition = benchAudience(nowMs);
    const estimates = await timeEstimates(audiences, reader, definition, quick ? 20 : 100);
    const figures: Record<string, Figures[string]> = {
      members: { value: members, unit: 'members' },
      'fill.restedAfterSeconds': { value: restedSeconds, unit: 's' },
      'estimate.firstMs': { value: estimates.first, unit: 'ms' },
      'estimate.p50ms': { value: estimates.p50, unit: 'ms' },
      'estimate.p99ms': { value: estimates.p99, unit: 'ms' },
      'estimate.errorPercent': { value: (100 * Math.abs(estimates.count - expected)) / expected, unit: '%' },
    };
    for (const round of ['first', 'again']) {
      const delay = monitorEventLoopDelay({ resolution: resolutionMs });
      const measured = await context.measure(async () => {
        delay.enable();
        const request = { name: 'bench', key: round, definition, askedBy: null };
        const begun = audiences.freeze(reader, request);
        const id = begun.state === 'READY' ? begun.row.id : begun.id;
        const frozen = await audiences.settled(id, waitMs);
        delay.disable();
        return frozen;
      });
      const { result } = measured;
      if (result?.state !== 'READY')
        throw new Error(`the audience was not frozen: ${JSON.stringify(result)}`);
      if (result.row.size !== expected)
        throw new Error(`the audience has ${result.row.size} members instead of ${expected}`);
      figures.audience = { value: expected, unit: 'members' };
      figures[`freeze.${round}.seconds`] = { value: measured.elapsedMs / 1000, unit: 's' };
      figures[`freeze.${round}.cpuSeconds`] = { value: measured.cpuMs / 1000, unit: 's' };
      figures[`freeze.${round}.stallMaxMs`] = { value: delay.max / 1e6 - resolutionMs, unit: 'ms' };
      figures[`freeze.${round}.peakRss`] = { value: measured.peakRssMiB, unit: 'MiB' };
      figures['bitmap.bytes'] = { value: result.row.bytes, unit: 'bytes' };
    }
    return figures;
  } finally {
    await audiences.close();
    await reader.close();
  }
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

async function timeEstimates(
  audiences: Audiences,
  reader: Parameters<Audiences['estimate']>[0],
  definition: Parameters<Audiences['estimate']>[1],
  rounds: number,
): Promise<{ readonly first: number; readonly p50: number; readonly p99: number; readonly count: number }> {
  const times: number[] = [];
  let count = 0;
  for (let round = 0; round < rounds; round += 1) {
    const began = performance.now();
    count = (await audiences.estimate(reader, definition)).count;
    times.push(performance.now() - began);
  }
  const [first = 0] = times;
  times.sort((a, b) => a - b);
  const at = (share: number): number =>
    times[Math.min(times.length - 1, Math.floor(share * times.length))] ?? 0;
  return { first, p50: at(0.5), p99: at(0.99), count };
}

const audience: Benchmark = {
  name: 'audience',
  description:
    'An audience of a fifth of the members (watched any title of a franchise in 90 days, not unsubscribed, in some countries): estimated, frozen for the first ' +
    'time and again; --events says how many members (default 5 million).',
  notMeasured: [
    'HTTP and GraphQL: the room of audiences is called in the process',
    'a cold disk: the files are in the page cache of the system',
    'a store that still merges what was just written: the run waits until it rests, which takes a processor of the two for so long',
    'freezing while events are written or other questions asked',
  ],
  run,
};

export default audience;
