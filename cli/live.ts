import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Settings } from '../config/index.ts';
import { Backoff, type Clock, type Log, OutageError, type Random, steadyTime } from '../foundation/index.ts';
import { type GraphStore, ObservedWrites, type StoreWriter } from '../graph-store/index.ts';
import {
  audienceMembers,
  type BroadcastLog,
  CoverageStore,
  CoverageTracker,
  coverageLimitsDefault,
  coverageStoreLimitsDefault,
  createDeviceTokens,
  type DeviceTokens,
  Gateway,
  InProcessLink,
  isRefusal,
  LevelLiveJournal,
  LevelStageMaps,
  LiveProducer,
  LiveService,
  liveJournalLimitsDefault,
  liveProducerLimitsDefault,
  liveServiceLimitsDefault,
  Prefetches,
  Router,
  routerLimitsDefault,
  StageMaps,
  SubscriptionLog,
  type SubscriptionTable,
  TouchedMembers,
  useOfAudience,
} from '../live-events/index.ts';
import type { ApiExtension, Audiences } from '../query-api/index.ts';
import type { GraphSchema } from '../schemas/index.ts';
import type { CommandIo } from './command-io.ts';
import { gatewayLimitsOf } from './gateway-limits.ts';
import { liveExtension } from './live-extension.ts';
import { openRouterServer, withRouterSocket } from './live-router.ts';
import { tokenKeyOf } from './live-secrets.ts';
import { openTraffic, poolsOf, type Traffic } from './traffic.ts';

export interface LiveSources {
  readonly store: GraphStore;
  readonly audiences: Audiences;
  readonly graphSchema: () => GraphSchema;
  /** Whether this process applies all that changes the graph. */
  readonly seesAllWrites: boolean;
  /** Closed by whoever made it. */
  readonly broadcasts: BroadcastLog;
  readonly subscriptions: SubscriptionTable;
}

/** Live events in one process: who owns the journal, and its gateway. */
export interface Live {
  readonly service: LiveService;
  readonly extension: ApiExtension;
  readonly traffic: Traffic;
  /** The store's writing side, watched for members whose stage maps may change. */
  watched(writes: StoreWriter): StoreWriter;
  /** Another graph is in the place of the one that members' stage maps were read from. */
  graphSwitched(): void;
  /** Enters stages and sends broadcasts from now on; `url`: where this process listens. */
  start(url: string): Promise<void>;
  /** Enters no more stages, and sends devices away, spread over a while. */
  stop(): Promise<void>;
  /** Releases files; `stop` before. */
  close(): Promise<void>;
}

export type LiveIo = Pick<CommandIo, 'clock' | 'random' | 'newId'>;

/** Opens files; nothing runs before `start`. */
export async function openLive(
  settings: Settings,
  sources: LiveSources,
  io: LiveIo,
  log: Log,
): Promise<Live> {
  const folder = join(settings.data, 'live');
  await mkdir(folder, { recursive: true });
  await using cleanup = new AsyncDisposableStack();
  const { clock, random } = io;
  const { audiences, broadcasts } = sources;
  const pools = poolsOf(settings);
  const journal = await LevelLiveJournal.open(join(folder, 'journal'), clock.now(), liveJournalLimitsDefault);
  const service = new LiveService({ journal, clock, log, limits: liveServiceLimitsDefault });
  cleanup.defer(() => service.close());
  const made = { folder, settings, sources, service, io, log, cleanup };
  const maps = await openMaps(made);
  const coverage = await openCoverage(made, maps.prefetches);
  const tokens = await createDeviceTokens(await tokenKeyOf(settings), clock);
  const traffic = openTraffic(settings, service, io, log, pools);
  cleanup.defer(() => traffic.close());
  const { router, gateway } = createDelivery(made, coverage, tokens, traffic);
  const gateways = await openRouterServer(settings, router, clock, log);
  const producer = new LiveProducer({
    live: service,
    broadcasts,
    clock,
    random,
    log,
    limits: liveProducerLimitsDefault,
  });
  const delivery = { tokens, router, gateway, producer, traffic };
  const parts = { service, ...maps, ...delivery, coverage, audiences, clock, random };
  let address = 'http://127.0.0.1';
  const extension = liveExtension(settings, { ...parts, pools, address: () => address });
  const owned = cleanup.move();
  const running = new AsyncDisposableStack();
  const ending = new AbortController();
  return {
    service,
    extension: withRouterSocket(extension, gateways),
    traffic,
    watched: (writes) => new ObservedWrites(writes, maps.touched),
    graphSwitched: () => maps.touched.touchAll(),
    start: async (url) => {
      address = url;
      await maps.stageMaps.open();
      await maps.prefetches.open();
      // Neither is waited for: while Kafka cannot be read, all else goes on.
      void learnSubscribers(router, clock, random, log, ending.signal);
      router
        .follow(broadcasts)
        .catch((error: unknown) => log.debug({ error }, 'Broadcasts are not read: this process is ending.'));
      coverage.follow(service);
      gateway.start();
      gateways.start();
      running.defer(() => gateways.close());
      maps.stageMaps.run();
      maps.prefetches.run();
      producer.start();
      running.defer(() => producer.stop());
      running.defer(() => gateway.close());
    },
    stop: () => {
      ending.abort();
      return running.disposeAsync();
    },
    close: () => owned.disposeAsync(),
  };
}

/** An outage of so many attempts, two seconds or so, is one: while Kafka settles who leads a topic the first may fail. */
const attemptsUntilSaid = 3;

/** Again and again while the table cannot be read; what is no outage ends it, and is said. */
async function learnSubscribers(
  router: Router,
  clock: Clock,
  random: Random,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  const backoff = new Backoff({ baseMs: 500, maxMs: 30_000 }, clock, random);
  let isSaid = false;
  for (let attempt = 1; !signal.aborted; attempt += 1) {
    try {
      return await router.start();
    } catch (error) {
      // Ended with the process, in the middle of an attempt.
      if (signal.aborted) return;
      const message = 'Which gateways have subscribers could not be read; they dial in any case.';
      const isLasting = !(error instanceof OutageError) || isRefusal(error);
      // Once: the same again and again tells nobody anything.
      if (!isSaid && (isLasting || attempt >= attemptsUntilSaid)) {
        log.warn({ error }, message);
        isSaid = true;
      } else log.debug({ error, attempt }, message);
      if (!(error instanceof OutageError)) return;
      await backoff.wait(signal);
    }
  }
}

interface Opening {
  readonly folder: string;
  readonly settings: Settings;
  readonly sources: LiveSources;
  readonly service: LiveService;
  readonly io: LiveIo;
  readonly log: Log;
  readonly cleanup: AsyncDisposableStack;
}

interface Maps {
  readonly stageMaps: StageMaps;
  readonly prefetches: Prefetches;
  readonly touched: TouchedMembers;
}

async function openMaps({ folder, settings, sources, service, io, log, cleanup }: Opening): Promise<Maps> {
  const store = await LevelStageMaps.open(join(folder, 'stage-maps'));
  cleanup.defer(() => store.close());
  const touched = new TouchedMembers();
  const { audiences, graphSchema, seesAllWrites } = sources;
  const { clock, random } = io;
  const stageMaps = new StageMaps({
    events: service,
    audiences,
    reader: sources.store,
    store,
    touched,
    seesAllWrites,
    context: () => ({ lookbackMs: settings['query.lookback.ms'], schema: graphSchema() }),
    clock,
    log,
  });
  cleanup.defer(() => stageMaps.close());
  cleanup.defer(audiences.keepFor((id) => useOfAudience(id, service, stageMaps)));
  const { segments } = audiences;
  const prefetches = new Prefetches({
    events: service,
    maps: stageMaps,
    segments,
    store,
    clock,
    random,
    log,
  });
  cleanup.defer(() => prefetches.close());
  return { stageMaps, prefetches, touched };
}

async function openCoverage(
  { folder, sources, io, log, cleanup }: Opening,
  prefetches: Prefetches,
): Promise<CoverageTracker> {
  const coverage = CoverageTracker.start({
    store: await CoverageStore.open(join(folder, 'coverage'), coverageStoreLimitsDefault),
    sources: {
      audience: async (id) => audienceMembers(sources.audiences, id),
      prefetched: async (event, id) => prefetches.membersWithCopy(event, id),
    },
    clock: io.clock,
    log,
    limits: coverageLimitsDefault,
  });
  cleanup.defer(() => coverage.close());
  return coverage;
}

function createDelivery(
  { settings, sources, service, io, log, cleanup }: Opening,
  coverage: CoverageTracker,
  tokens: DeviceTokens,
  traffic: Traffic,
): { readonly router: Router; readonly gateway: Gateway } {
  const { clock, random } = io;
  const router = new Router({
    events: service,
    subscriptions: new SubscriptionLog({ table: sources.subscriptions, clock, random, log }),
    report: (report) => coverage.report(report),
    limits: routerLimitsDefault,
    clock,
  });
  cleanup.defer(() => router.close());
  cleanup.defer(service.watchRemovals((event) => router.gone(event)));
  const id = io.newId();
  const gateway = new Gateway({
    id,
    link: new InProcessLink(router, id, settings['live.sockets.max']),
    tokens,
    allowedOrigins: new Set(settings['live.allowed.origins']),
    refuses: traffic.refusesSocket,
    limits: gatewayLimitsOf(settings),
    clock,
    steadyMs: steadyTime,
    random,
    log,
  });
  return { router, gateway };
}
