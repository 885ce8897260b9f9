import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { seededRandom } from '../foundation/index.ts';
import type { BenchContext, Benchmark, Figures } from './benchmark.ts';
import { PlaybackFacts } from './ingest/playback-facts.ts';
import { readCrowdedTitle } from './reads/crowded-title.ts';
import { callers, measureReads, type ReadWork } from './reads/measure-reads.ts';
import { Neo4jTarget } from './reads/neo4j-target.ts';
import { PostgresqlTarget } from './reads/postgresql-target.ts';
import { firstOf, type ReadData, type ReadTarget, readData } from './reads/read-target.ts';
import { fillStore, StoreTarget } from './reads/store-target.ts';
import { growRival, loadingMsOf, type RivalBounds } from './rivals/grow-rival.ts';
import { Neo4jRival } from './rivals/neo4j-rival.ts';
import { PostgresqlRival } from './rivals/postgresql-rival.ts';
import type { Rival } from './rivals/rival.ts';

interface Work {
  readonly events: number;
  readonly rival: RivalBounds;
  readonly reads: ReadWork;
  readonly members: number;
}

function workOf({ quick, events, rivalEvents, members }: BenchContext): Work {
  const all = events ?? (quick ? 40_000 : 2_000_000);
  const eventsMax = Math.min(all, rivalEvents ?? all);
  return quick
    ? {
        events: all,
        rival: { eventsMax, loadingMsMax: 8000, trialEvents: 2000 },
        reads: { seconds: 0.5, queriesMax: 500 },
        members: members ?? 20_000,
      }
    : {
        events: all,
        rival: { eventsMax, loadingMsMax: 900_000, trialEvents: 40_000 },
        reads: { seconds: 10, queriesMax: 50_000 },
        members: members ?? 10_000_000,
      };
}

async function readStore(
  context: BenchContext,
  data: ReadData,
  work: ReadWork,
  prefix: string,
): Promise<Figures> {
  const folder = join(context.tempDir, `store-${data.events}`);
  context.log(`writing ${data.events} events into the store`);
  await fillStore(folder, data);
  const target = await StoreTarget.open('the store', folder, data);
  try {
    return await measure(context, target, data, work, prefix);
  } finally {
    await target.close();
  }
}

function measure(
  { seed, log }: BenchContext,
  target: ReadTarget,
  data: ReadData,
  work: ReadWork,
  prefix: string,
): Promise<Figures> {
  return measureReads({ target, data, random: seededRandom(seed) }, work, prefix, log);
}

interface LoadedRival {
  readonly events: number;
  readonly figures: Figures;
}

/** The same events in the same order, as many as the rival takes in its time. */
async function readRival(
  context: BenchContext,
  rival: Rival,
  data: ReadData,
  work: Work,
  opened: (held: ReadData) => Promise<ReadTarget>,
): Promise<LoadedRival> {
  const facts = await PlaybackFacts.start(data.facts);
  const loadingMsMax = loadingMsOf(context, rival.name, work.rival.loadingMsMax);
  const { events } = await growRival(rival, facts, { ...work.rival, loadingMsMax }, context.log);
  const held = firstOf(data, events);
  const target = await opened(held);
  const figures = await measure(context, target, held, work.reads, `${rival.name}.`);
  return { events, figures: { ...figures, [`${rival.name}.events`]: { value: events, unit: 'events' } } };
}

async function readPostgresql(context: BenchContext, data: ReadData, work: Work): Promise<LoadedRival> {
  const rival = await PostgresqlRival.start();
  try {
    return await readRival(context, rival, data, work, async (held) => {
      await rival.settle();
      return new PostgresqlTarget(rival.pool, held);
    });
  } finally {
    await rival.close();
  }
}

async function readNeo4j(context: BenchContext, data: ReadData, work: Work): Promise<LoadedRival> {
  const rival = await Neo4jRival.start();
  try {
    return await readRival(context, rival, data, work, async (held) => new Neo4jTarget(rival.driver, held));
  } finally {
    await rival.close();
  }
}

async function readCrowded(context: BenchContext, { members, reads }: Work): Promise<Figures> {
  const folder = join(context.tempDir, 'store-crowded');
  const work = { seconds: reads.seconds, questionsMax: reads.queriesMax };
  try {
    return await readCrowdedTitle(folder, members, work, context.log);
  } finally {
    // Rivals need the room.
    await rm(folder, { recursive: true, force: true });
  }
}

async function run(context: BenchContext): Promise<Figures> {
  const work = workOf(context);
  const data = readData(work.events, context.seed, Date.now());
  const ours = await readStore(context, data, work.reads, '');
  const crowded = await readCrowded(context, work);
  const postgresql = await readPostgresql(context, data, work);
  const neo4j = await readNeo4j(context, data, work);
  let figures: Figures = {
    events: { value: work.events, unit: 'events' },
    ...ours,
    ...crowded,
    ...postgresql.figures,
    ...neo4j.figures,
  };
  // A rival that could not take all is compared with a store that was given no more.
  for (const events of new Set([postgresql.events, neo4j.events])) {
    if (events === work.events) continue;
    const same = await readStore(context, firstOf(data, events), work.reads, `at${events}.`);
    figures = { ...figures, ...same };
  }
  return figures;
}

const reads: Benchmark = {
  name: 'reads',
  description:
    'Reads at the store: latest 20 steps, one hop of 300 edges, two hops of 50 x 50, three hops with a lookback of 100 days and Netflix’s limit ' +
    'of 300 edges, which hop3 takes for 300 a hop in all and hop3wide for 300 of each node, and the degree of the most popular title; ' +
    `one caller (p50, p99), then ${callers} (queries/s); Neo4j and PostgreSQL on the same events. A title that --members (10 million) have ` +
    'watched, in our store alone: its latest 20 edges, one hop of 300, its degree.',
  notMeasured: [
    'GraphQL, planning, a network: our reads are calls in the process, rivals are asked over the loopback interface',
    'a cold disk: the files are in the page cache of the system, the caches of the stores themselves warm up for a tenth of the time',
    'reads while events are written',
    'one kind of walk: in hop2, hop3 and hop3wide all read the ends and times of edges without their properties (hop1 reads these too); rivals walk in one statement, ours by calls',
    'Neo4j keeps a node’s relationships in no order: its latest edges are found by reading them all; degree is exact there and in PostgreSQL, ours is estimated beyond 1,000 rows',
    'the keys that an estimated degree reads: the store does not tell. degree.rows is the most where files tell, 1,001 counted and 1,280 further; where they do not it reads up to 22,272 further ones',
    'a supernode while it grows: its store was closed and opened after it was written, and LevelDB has merged; the estimate of rows that are still in memory is further off (graph-store/README.md)',
    'the whole of a fan-out in hop3: hop3wide, 300 edges for each node that a hop starts from, is asked of our store only',
  ],
  run,
};

export default reads;
