import { join } from 'node:path';
import { type ApiData, prepareApiData } from './api/api-data.ts';
import type { ApiRival } from './api/api-target.ts';
import { askSample, expectSameAnswers, type SampleAnswers, sampleAccounts } from './api/check-answers.ts';
import { startConstantTarget } from './api/constant-target.ts';
import { type ApiMeter, type ApiWork, measureFixed, measureHighest, p99LimitMs } from './api/measure-api.ts';
import { Neo4jGraphqlRival } from './api/neo4j-rival-api.ts';
import { ourQuestions } from './api/our-questions.ts';
import { PostgraphileRival } from './api/postgraphile-rival.ts';
import { startProductTarget } from './api/product-target.ts';
import { lookbackMs, type QuestionName, questionNames } from './api/questions.ts';
import { neo4jQuestions, postgraphileQuestions, rowsOfNode } from './api/rival-questions.ts';
import type { BenchContext, Benchmark, Figure, Figures } from './benchmark.ts';

const eventsDefault = 10_000_000;
const quickEvents = 40_000;
/** Workers of a rival's server: what it does best with counts. */
const workersTried = (quick: boolean): readonly number[] => (quick ? [1] : [1, 2]);

function workOf({ quick }: BenchContext): ApiWork {
  return quick
    ? {
        fixedRate: { journey: 100, hop3: 10 },
        fixedSeconds: 1,
        warmUpSeconds: 0.3,
        trialSeconds: 0.5,
        trialsMax: 2,
        within: 0.5,
      }
    : {
        fixedRate: { journey: 1000, hop3: 100 },
        fixedSeconds: 30,
        warmUpSeconds: 10,
        trialSeconds: 8,
        trialsMax: 10,
        within: 0.05,
      };
}

interface Prepared {
  readonly quick: boolean;
  readonly data: ApiData;
  readonly meter: ApiMeter;
  readonly sample: readonly string[];
  /** Nothing before is looked at by a walk. */
  readonly sinceMs: number;
}

async function prepare(context: BenchContext): Promise<Prepared> {
  const { quick, seed, log } = context;
  const data = await prepareApiData({
    folder: context.keptFolder ?? join(context.tempDir, 'data'),
    events: context.events ?? (quick ? quickEvents : eventsDefault),
    seed,
    log,
  });
  const { accounts } = data.data.facts.shape;
  return {
    quick,
    data,
    meter: { work: workOf(context), accounts, seed, log },
    sample: sampleAccounts(accounts, quick ? 20 : 200, seed + 1),
    sinceMs: Date.now() - lookbackMs,
  };
}

interface Ours {
  readonly figures: Figures;
  readonly answers: SampleAnswers;
}

async function measureOurs({ data, meter, sample, sinceMs }: Prepared): Promise<Ours> {
  const target = await startProductTarget(data, ourQuestions(sinceMs));
  try {
    meter.log('waiting until LevelDB has merged what was written');
    await target.rested?.();
    const answers = await askSample(target, sample);
    let figures: Figures = {};
    for (const name of questionNames) {
      const fixed = await measureFixed(meter, target, name, '');
      const { figures: highest } = await measureHighest(meter, target, name, '');
      figures = { ...figures, ...fixed, ...highest };
    }
    return { figures, answers };
  } finally {
    await target.close();
  }
}

/** What plain HTTP of one process gives with answers as long as ours. */
async function measureConstant({ figures }: Ours, { meter, sinceMs }: Prepared): Promise<Figures> {
  const bytes = figures['journey.bytes']?.value ?? 0;
  const target = await startConstantTarget(bytes, ourQuestions(sinceMs));
  try {
    return (await measureHighest(meter, target, 'journey', 'constant.')).figures;
  } finally {
    await target.close();
  }
}

/** With each number of workers, after it has been found to answer as we do; the best of them is its figure. */
async function measureRival(rival: ApiRival, ours: SampleAnswers, prepared: Prepared): Promise<Figures> {
  const { meter, sample, quick } = prepared;
  const best = new Map<QuestionName, { readonly rate: number; readonly figures: Figures }>();
  for (const workers of workersTried(quick)) {
    const target = await rival.serve(workers);
    try {
      meter.log(`${rival.name} with ${workers} workers: comparing ${sample.length} answers to each question`);
      expectSameAnswers(rival.name, ours, await askSample(target, sample));
      for (const name of questionNames) {
        const { rate, figures } = await measureHighest(meter, target, name, `${rival.name}.`);
        if (rate <= (best.get(name)?.rate ?? -1)) continue;
        const used: Figure = { value: workers, unit: 'processes' };
        best.set(name, { rate, figures: { ...figures, [`${rival.name}.${name}.workers`]: used } });
      }
    } finally {
      await target.close();
    }
  }
  return Object.assign({}, ...[...best.values()].map(({ figures }) => figures));
}

async function withRival(rival: ApiRival, ours: SampleAnswers, prepared: Prepared): Promise<Figures> {
  try {
    return await measureRival(rival, ours, prepared);
  } finally {
    await rival.close();
  }
}

async function run(context: BenchContext): Promise<Figures> {
  const prepared = await prepare(context);
  const { data, meter, sinceMs } = prepared;
  const rows = rowsOfNode(data.data.events);
  const ours = await measureOurs(prepared);
  const constant = await measureConstant(ours, prepared);
  const postgraphile = await withRival(
    await PostgraphileRival.start(data, postgraphileQuestions(sinceMs, rows), meter.log),
    ours.answers,
    prepared,
  );
  const neo4j = await withRival(
    await Neo4jGraphqlRival.start(data, neo4jQuestions(sinceMs, rows), meter.log),
    ours.answers,
    prepared,
  );
  const figures = { ...ours.figures, ...constant, ...postgraphile, ...neo4j };
  return {
    events: { value: data.data.events, unit: 'events' },
    ...figures,
    ...leads(figures),
  };
}

/** How many times as many requests a second we answer. None where a rival holds at no rate at all. */
function leads(figures: Figures): Figures {
  const found: Record<string, Figure> = {};
  for (const rival of ['neo4j', 'postgraphile']) {
    for (const name of questionNames) {
      const theirs = figures[`${rival}.${name}.maxRps`]?.value ?? 0;
      const ours = figures[`${name}.maxRps`]?.value ?? 0;
      if (theirs > 0) found[`lead.${rival}.${name}`] = { value: ours / theirs, unit: 'times' };
    }
  }
  return found;
}

const api: Benchmark = {
  name: 'api',
  description:
    'GraphQL over HTTP on 10 million events, open loop, latency from the moment a request was meant to be sent: the latest 20 steps of an account at ' +
    '1,000 requests/s, three hops of 300 edges and 99 days at 100/s, and the highest rate of each at ' +
    `p99 < ${p99LimitMs} ms; @neo4j/graphql on Neo4j and PostGraphile on PostgreSQL answer the same questions on the same data; plain node:http with a constant answer as long as ours is the ceiling of one process.`,
  notMeasured: [
    'a network: generator, servers and databases share one machine and its cores; what the generator takes of them is among the figures',
    'a cold disk: everything fits into memory',
    'a store that still merges what was just written: ours is waited for, as databases are that were loaded, indexed and analysed before they are asked',
    'queries beside ingestion: nothing is written meanwhile',
    'a cold server: before its latency is told it has had ten seconds at half the rate and ten at the whole',
    'whose pause it was: a trial that fails by little (p99 below five times the limit; no errors, or 503s alone to less than a twentieth of the requests) is made once more, with everybody; one that passes has no error at all',
    'rivals as they come: PostgreSQL has covering indexes and a function for the walk, Neo4j an index of relationships by title and time and a Cypher field; ' +
      'each has the better of one and two workers; neither is charged for being loaded',
    'one kind of answer: of three hops ours tells the nodes of each, rivals the ids of the last; completeness, freshness and lineage are not asked for',
    'other shapes of questions, writes, subscriptions',
  ],
  run,
};

export default api;
