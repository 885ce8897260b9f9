import type { Settings } from '../config/index.ts';
import type { Log } from '../foundation/index.ts';
import { hideTypeStrippingWarning } from '../live-events/index.ts';
import { noExtension } from '../query-api/index.ts';
import { type Api, type ApiParts, startApi } from './api.ts';
import { type ApiComposition, composeApi } from './api-composition.ts';
import type { BackgroundWork } from './background-work.ts';
import type { CommandIo, ExitCode } from './command-io.ts';
import { createLog } from './log.ts';
import { runService } from './service-run.ts';
import { checkShared } from './shared-graph.ts';
import { storeDescription } from './store-description.ts';
import { topicElsewhere } from './topic-states.ts';
import { openTraffic, poolsOf, type Traffic } from './traffic.ts';
import { productVersion } from './version.ts';

export interface ApiServiceOptions {
  /** Keeps audiences, live events and retries of dead letters as well: one process of all. */
  readonly keeps: boolean;
}

/** One of any number of processes that answer questions about a graph that others write. */
export async function serveApi(
  settings: Settings,
  { keeps }: ApiServiceOptions,
  io: CommandIo,
): Promise<ExitCode> {
  checkShared(settings, 'jg api');
  hideTypeStrippingWarning(process);
  const log = createLog(settings, io);
  const startedMs = io.clock.now();
  const composition = await composeApi(settings, keeps, io, log);
  const { keeping, mappings, upkeep, watch } = composition;
  warnOfSubjects(settings, log);
  const traffic = keeping?.live.traffic ?? openTraffic(settings, null, io, log, poolsOf(settings));
  let api: Api | null = null;
  const service = {
    run: async (work: BackgroundWork) => {
      api = await startApi(settings, partsOf(composition, traffic, startedMs, work.ending, io), io, log);
      await keeping?.live.start(api.url);
      work.start('The watch over schemas', (signal) => mappings.watch(signal));
      work.start('The watch over topics', (signal) => watch.run(signal));
      work.start('The upkeep of the store', (signal) => upkeep.run(signal));
      announce(settings, composition, api, io);
      await aborted(work.ending);
    },
    leave: async () => {
      await keeping?.live.stop();
      await api?.close();
    },
    close: async () => {
      if (keeping === null) traffic.close();
      await composition.close();
    },
  };
  return await runService(service, settings, io, log);
}

/** Of the other strategies a subject is known by its events, which are met elsewhere. */
function warnOfSubjects(settings: Settings, log: Log): void {
  const strategy = settings['subject.name.strategy'];
  if (strategy === 'topic') return;
  log.warn(
    { strategy },
    'The types of GraphQL come from the subjects of `topics`, which are not known with this subject.name.strategy: typed fields are missing; node, journey and traverse answer all the same.',
  );
}

function partsOf(
  composition: ApiComposition,
  traffic: Traffic,
  startedAtMs: number,
  ending: AbortSignal,
  { clock }: CommandIo,
): ApiParts {
  const { store, embeddedStore, keeping, mappings, events, watch } = composition;
  return {
    ...{ store, embeddedStore, traffic },
    feed: null,
    audiences: keeping?.audiences ?? null,
    deadLetters: keeping?.deadLetters ?? null,
    // Replays go beside the pipelines, whose freshness they give way to; other graphs are of the embedded store.
    backfills: null,
    graphs: null,
    extension: keeping?.live.extension ?? noExtension,
    status: {
      version: productVersion(),
      startedAtMs,
      topics: () => events.topics.map((topic) => topicElsewhere(topic, watch, clock)),
      graphSchema: () => mappings.graphSchema(),
      mappings: () => mappings.status(),
      nodeWrites: () => ({ written: 0, suppressed: 0, coalesced: 0 }),
      supersededMutations: () => ({ node: 0, edge: 0, step: 0 }),
      tables: () => [],
      ready: () => mappings.hasLooked && !ending.aborted,
      freshnessQuantileMs: () => null,
    },
  };
}

function announce(settings: Settings, { events, keeping }: ApiComposition, api: Api, io: CommandIo): void {
  io.out(`Journey Graph ${productVersion()} on Node ${process.versions.node}, one process that answers\n`);
  io.out(`  GraphQL and its IDE  ${api.url}/\n`);
  io.out(`  graph in             ${storeDescription(settings)}\n`);
  io.out(`  events from          ${events.description}, read by others\n`);
  if (keeping !== null) io.out(`  audiences and live   kept here, in ${settings.data}\n`);
  io.out('\n');
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
