import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { systemClock } from '../../foundation/index.ts';
import { runKills } from '../../graph-store/crash-testing-campaign.ts';
import { runCuts } from '../../graph-store/crash-testing-cut.ts';
import { createMemoryStore, type GraphStore, openLevelStore } from '../../graph-store/index.ts';
import { replayLevelSettings, runReplays } from '../../graph-store/replay-testing.ts';
import { runLiveCuts } from '../../live-events/gateway/cut-testing.ts';
import { runSocketResumes } from '../../live-events/gateway/resume-sockets-testing.ts';
import { runResumes } from '../../live-events/gateway/resume-testing.ts';
import { runStalls } from '../../live-events/gateway/stall-testing.ts';
import { runStorm } from '../../live-events/gateway/storm-testing.ts';
import { runBackfills } from './backfill-campaign.ts';
import { runCassandraConformance } from './cassandra-conformance.ts';
import { runConformance } from './conformance.ts';
import { runLiveKills } from './live-kill-campaign.ts';
import { runProcessFaults } from './process-campaign.ts';

const usage = `Usage: npm run faults -- WHAT [--runs N] [--seed N] [--events N] [--copies N] [--json]

  replays: shuffled replays of random graphs, with duplicates, over memory and LevelDB; all digests must be equal (20,000)
  kills:   kill -9 while batches are being written; nothing may be lost or counted twice (300)
  cuts:    LevelDB's log cut at a random byte; positions, counts and graph must belong together (1,000)
  backfill: one history in five graphs: from Kafka, from the log, from the archive, with 20 kills -9, twice; all digests must be equal (1,000,000 events)
  processes: three jg ingest on three brokers and three Cassandra nodes, killed -9 and frozen past their session timeout, a node and a broker down for a minute;
            graph and dead letters must be the oracle's, each record counted once (30 kills; --events 100000; needs Java 17, Maven and python3)
  conformance: what every store promises, on memory, LevelDB and Neo4j, each property so often as --runs says (100; Neo4j needs Java 17 and Maven)
  cassandra-conformance: what npm test shows of the store on one Cassandra node, on three with three copies of each row (1; needs Java 17 and Maven).
            --copies 1 or 2: with so many, so that rows are at different nodes
  live-resumes: devices go and come back while the journal is trimmed; no gap, no step back (100,000, and a twentieth over sockets)
  live-kills:   jg up and two jg gateway killed with -9 while stages change; every device ends at the right one (200 broadcasts)
  live-cuts:    gateways killed, the router of this process cut off; every single message is the right one (200 broadcasts)
  live-storm:   all devices of a gateway lose it at once; how long until all are back (10,000 devices)
  live-stalls:  a quarter of the readers stops reading; what the others wait, before, meanwhile and after (2,000 readers)

  --runs N: other than what is in brackets. --events N: of processes alone, the records of its history. --json: nothing but the figures on standard output.
`;
/** One socket in twenty: a session without one is as good, and cheaper. */
const resumesPerSocket = 20;
const replaysPerStore = 100;
/** Of `processes`: written throughout the faults, and a third of them behind. */
const eventsDefault = 100_000;
/** As many deliveries a second as two processes on two cores make beside other work; so little is let wait that closing falls within the run. */
const stalls = { broadcastsPerSecond: 4, partSeconds: 60, socketBufferBytesMax: 8_192, fillMax: 1_000 };
const runsDefault = {
  replays: 20_000,
  kills: 300,
  cuts: 1_000,
  backfill: 1_000_000,
  processes: 30,
  conformance: 100,
  'cassandra-conformance': 1,
  'live-resumes': 100_000,
  'live-kills': 200,
  'live-cuts': 200,
  'live-storm': 10_000,
  'live-stalls': 2_000,
} as const;
const progressEvery = {
  replays: 2_000,
  kills: 25,
  cuts: 100,
  backfill: 1,
  processes: 1,
  conformance: 1,
  'cassandra-conformance': 1,
  'live-resumes': 10_000,
  'live-kills': 5,
  'live-cuts': 25,
  'live-storm': 10_000,
  'live-stalls': 100,
} as const;

async function replays(seed: number, runs: number): Promise<object> {
  const folder = await mkdtemp(join(tmpdir(), 'graph-store-replays-'));
  let opened = 0;
  try {
    return await runReplays(
      seed,
      runs,
      replaysPerStore,
      {
        open: async (first) => {
          opened += 1;
          const own = { folder: join(folder, String(opened)), nodeCacheBytes: 16_384 };
          const settings = { ...replayLevelSettings(Math.floor(first / replaysPerStore)), ...own };
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

async function resumes(seed: number, runs: number): Promise<object> {
  const sessions = await runResumes(seed, runs, progress('live-resumes'));
  const sockets = await runSocketResumes(seed, Math.ceil(runs / resumesPerSocket), progress('live-resumes'));
  return { sessions, sockets };
}

const campaigns = {
  replays,
  kills: (seed: number, runs: number): Promise<object> => runKills(seed, runs, progress('kills')),
  cuts: (seed: number, runs: number): Promise<object> => runCuts(seed, runs, progress('cuts')),
  backfill: (seed: number, events: number): Promise<object> =>
    runBackfills(seed, events, (line) => console.error(line)),
  processes: (seed: number, kills: number, events: number): Promise<object> =>
    runProcessFaults({ seed, kills, events, say: (line) => console.error(line) }),
  conformance: runConformance,
  'cassandra-conformance': (_seed: number, _runs: number, _events: number, copies: number): Promise<object> =>
    runCassandraConformance((line) => console.error(line), copies),
  'live-resumes': resumes,
  'live-kills': (seed: number, runs: number): Promise<object> =>
    runLiveKills(seed, runs, progress('live-kills')),
  'live-cuts': (seed: number, runs: number): Promise<object> =>
    runLiveCuts(seed, runs, progress('live-cuts')),
  'live-storm': runStorm,
  'live-stalls': (_seed: number, runs: number): Promise<object> =>
    runStalls({ ...stalls, readers: runs }, progress('live-stalls')),
} as const;

function isKnown(what: string): what is keyof typeof campaigns {
  return Object.hasOwn(campaigns, what);
}

async function main(args: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: {
      runs: { type: 'string' },
      seed: { type: 'string' },
      events: { type: 'string' },
      copies: { type: 'string', default: '3' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
    allowPositionals: true,
  });
  if (values.help) {
    console.log(usage);
    return;
  }
  const [what = ''] = positionals;
  const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
  const copies = Number(values.copies);
  if (!isKnown(what) || !Number.isSafeInteger(seed) || ![1, 2, 3].includes(copies)) {
    console.error(usage);
    process.exitCode = 2;
    return;
  }
  const runs = Number(values.runs ?? runsDefault[what]);
  const events = Number(values.events ?? eventsDefault);
  (values.json ? console.error : console.log)(`${what}: ${runs} runs, seed ${seed}`);
  const startedMs = systemClock.now();
  const summary = await campaigns[what](seed, runs, events, copies);
  const seconds = (systemClock.now() - startedMs) / 1000;
  const machine = `${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`;
  console.log(JSON.stringify({ what, seed, ...summary, seconds, machine }));
}

await main(process.argv.slice(2));
