import type { Settings } from '../config/index.ts';
import { featuredAccountId } from '../demo/index.ts';
import type { Log } from '../foundation/index.ts';
import { hideTypeStrippingWarning, logSamplingLimitsDefault, sampledLog } from '../live-events/index.ts';
import { type Api, type ApiParts, startApi } from './api.ts';
import type { BackgroundWork } from './background-work.ts';
import type { CommandIo, ExitCode } from './command-io.ts';
import { type Composition, compose, embeddedOf } from './composition.ts';
import { createDemo } from './demo.ts';
import { journeySteps, renderJourney } from './journey-text.ts';
import { createLiveDemo } from './live-demo.ts';
import { aboveLiveLine, showLiveLine } from './live-line.ts';
import { createLog } from './log.ts';
import { runService } from './service-run.ts';
import { figureReader } from './status.ts';
import { nodeWritesOf, supersededMutationsOf, topicState } from './topic-states.ts';
import { startArchiving } from './up-archive.ts';
import { productVersion } from './version.ts';

/** The first answer is waited for this long; then the line starts without it. */
const firstAnswerMs = 4000;
const firstAnswerEveryMs = 50;
const shownSteps = 12;

/** Runs ingest, store and API in one process until the signal aborts or something fails that no waiting mends. */
export async function up(settings: Settings, io: CommandIo): Promise<ExitCode> {
  hideTypeStrippingWarning(process);
  const allLines = createLog(settings, aboveLiveLine(io));
  let logShare = (): number => 1;
  const log = sampledLog(
    allLines,
    { nowMs: () => performance.now(), random: io.random, shareInForce: () => logShare() },
    logSamplingLimitsDefault,
  );
  const startedMs = io.clock.now();
  const composition = await compose(settings, io, log);
  logShare = composition.live.traffic.logShare;
  let api: Api | null = null;
  const service = {
    run: async (work: BackgroundWork) => {
      api = await startApi(settings, apiPartsOf(composition, startedMs), io, log);
      await composition.live.start(api.url);
      await runUntilEnd(settings, composition, api, work, io, log);
    },
    leave: async () => {
      // Devices are sent away while there is still somebody to answer the others.
      await composition.live.stop();
      await api?.close();
    },
    close: () => composition.close(),
  };
  return await runService(service, settings, io, log);
}

/** All topics are read here, and what lives in one process lives in this one. */
export function apiPartsOf(composition: Composition, startedAtMs: number): ApiParts {
  const { store, embeddedStore, journal, audiences, deadLetters, backfills, graphs, live } = composition;
  const { mappings, pipelines, watch, tables, freshness } = composition;
  return {
    ...{ store, embeddedStore, audiences, deadLetters, backfills, graphs },
    feed: journal,
    extension: live.extension,
    traffic: live.traffic,
    status: {
      version: productVersion(),
      startedAtMs,
      topics: () => pipelines.map((pipeline) => topicState(pipeline, watch)),
      graphSchema: () => mappings.graphSchema(),
      mappings: () => mappings.status(),
      nodeWrites: () => nodeWritesOf(pipelines),
      supersededMutations: () => supersededMutationsOf(pipelines),
      tables: () => tables.status(),
      // Before the first look a query for a node type would be told that there is no such type.
      ready: () =>
        mappings.hasLooked && pipelines.some((pipeline) => pipeline.status().state.kind !== 'stopped'),
      freshnessQuantileMs: (share) => freshness.quantile(share),
    },
  };
}

async function runUntilEnd(
  settings: Settings,
  composition: Composition,
  api: Api,
  work: BackgroundWork,
  io: CommandIo,
  log: Log,
): Promise<void> {
  const playing = isPlaying(settings, composition);
  announce(settings, composition, api, playing, io);
  // Written before the pipelines begin: they read tables to the end that these have then, and the graph is the same each time it is made of this log.
  const player = playing
    ? await createDemo(
        embeddedOf(composition),
        composition.registry,
        settings['demo.events.per.second'],
        io,
        log,
      )
    : null;
  for (const pipeline of composition.pipelines) {
    work.start(`The pipeline of topic ${pipeline.status().topic}`, (signal) => pipeline.run(signal));
  }
  work.start('The upkeep of the store', (signal) => composition.upkeep.run(signal));
  work.start('The work on backfills', (signal) => composition.backfills.run(signal));
  work.start('The watch over schemas', (signal) => composition.mappings.watch(signal));
  const archived = startArchiving(settings, composition, work, io, log);
  work.start('The watch over topics', (signal) => composition.watch.run(signal));
  if (archived !== null) io.out(`  archived in          ${archived}\n\n`);
  if (player !== null) {
    work.start('The demo', (signal) => player.play(signal));
    await showFirstAnswer(api, io, work.ending);
    // By now there are members who can be invited.
    const liveDemo = createLiveDemo(composition, settings['query.lookback.ms'], io);
    work.start('The demo of live events', (signal) => liveDemo.play(signal));
  }
  await showLiveLine(io, figureReader(composition), work.ending);
}

/** Unasked only where its topics are all that are read: whoever names topics has events of their own, among which made-up members have no business. */
function isPlaying(settings: Settings, { embedded }: Composition): boolean {
  if (settings.demo !== 'auto') return settings.demo === 'on';
  return embedded !== null && settings.topics.length === 0;
}

function announce(
  settings: Settings,
  composition: Composition,
  api: Api,
  playing: boolean,
  io: CommandIo,
): void {
  const rate = settings['demo.events.per.second'];
  const members = playing ? `, demo members playing at ${rate} events/s` : '';
  io.out(`Journey Graph ${productVersion()} on Node ${process.versions.node}, data in ${settings.data}\n`);
  io.out(`  GraphQL and its IDE  ${api.url}/\n`);
  if (playing)
    io.out(`  a live event         ${api.url}/live/pages/ (three devices; a new one every three minutes)\n`);
  if (settings.store === 'neo4j') {
    io.out(
      `  graph in             Neo4j at ${settings['neo4j.uri']}, namespace ${settings['neo4j.namespace']}\n`,
    );
  }
  if (settings.store === 'cassandra') {
    io.out(
      `  graph in             Cassandra at ${settings['cassandra.contact.points']}, keyspace ${settings['cassandra.keyspace']}\n`,
    );
  }
  io.out(`  events from          ${composition.events.description}${members}\n\n`);
}

/** Asks over HTTP, as any client would, until the featured member's history has been applied. */
async function showFirstAnswer(api: Api, io: CommandIo, ending: AbortSignal): Promise<void> {
  const deadlineMs = io.clock.now() + firstAnswerMs;
  const question = `journey(of: {type: "Account", id: "${featuredAccountId}"}, first: ${shownSteps})`;
  while (!ending.aborted && io.clock.now() < deadlineMs) {
    const steps = journeySteps(await api.ask(featuredAccountId, shownSteps));
    if (steps !== null && steps.length >= 10) {
      io.out(`A question, ${question}, and its answer:\n\n${renderJourney(steps)}\n`);
      io.out(`Ask it again with  npm run jg -- journey Account:${featuredAccountId}\n\n`);
      return;
    }
    await io.clock.sleep(firstAnswerEveryMs, ending);
  }
}
