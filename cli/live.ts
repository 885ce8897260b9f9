import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Settings } from '../config/index.ts';
import type { Log } from '../foundation/index.ts';
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
  type GatewayLimits,
  gatewayLimitsDefault,
  InProcessBroadcastLog,
  InProcessLink,
  LevelLiveJournal,
  LevelStageMaps,
  LiveProducer,
  LiveService,
  liveJournalLimitsDefault,
  liveProducerLimitsDefault,
  liveServiceLimitsDefault,
  MemorySubscriptionTable,
  Prefetches,
  Router,
  routerLimitsDefault,
  StageMaps,
  SubscriptionLog,
  TouchedMembers,
} from '../live-events/index.ts';
import type { ApiExtension, Audiences } from '../query-api/index.ts';
import type { GraphSchema } from '../schemas/index.ts';
import type { CommandIo } from './command-io.ts';
import { liveExtension } from './live-extension.ts';
import { openRouterServer, withRouterSocket } from './live-router.ts';
import { liveSecret, liveTokenKeyFile } from './live-secrets.ts';
import { openTraffic, type Traffic } from './traffic.ts';

export interface LiveSources {
  readonly store: GraphStore;
  readonly audiences: Audiences;
  readonly graphSchema: () => GraphSchema;
  /** Whether this process applies all that changes the graph. */
  readonly seesAllWrites: boolean;
}

/** Live events in one process: who owns the journal, and its gateway. */
export interface Live {
  readonly service: LiveService;
  readonly stageMaps: StageMaps;
  readonly prefetches: Prefetches;
  readonly coverage: CoverageTracker;
  readonly gateway: Gateway;
  readonly tokens: DeviceTokens;
  readonly extension: ApiExtension;
  readonly traffic: Traffic;
  /** The store's writing side, watched for members whose stage maps may change. */
  watched(writes: StoreWriter): StoreWriter;
  /** Enters stages and sends broadcasts from now on; `url`: where this process listens. */
  start(url: string): Promise<void>;
  /** Enters no more stages, and sends devices away, spread over a while. */
  stop(): Promise<void>;
  /** Releases files; `stop` before. */
  close(): Promise<void>;
}

export function gatewayLimitsOf(settings: Settings): GatewayLimits {
  const perSecond = settings['live.connects.per.second'];
  const lifetimeMs = settings['live.socket.lifetime.ms'];
  return {
    ...gatewayLimitsDefault,
    socketsMax: settings['live.sockets.max'],
    connectsPerSecond: perSecond,
    connectsBurst: perSecond,
    socketBufferBytesMax: settings['live.socket.buffer.bytes'],
    lifetimeMs,
    lifetimeDitherMs: Math.floor(lifetimeMs / 6),
    pingMs: settings['live.ping.ms'],
    drainMs: settings['live.drain.ms'],
  };
}

/** Opens files; nothing runs before `start`. */
export async function openLive(
  settings: Settings,
  sources: LiveSources,
  io: Pick<CommandIo, 'clock' | 'random' | 'newId'>,
  log: Log,
): Promise<Live> {
  const folder = join(settings.data, 'live');
  await mkdir(folder, { recursive: true });
  const { clock, random } = io;
  await using cleanup = new AsyncDisposableStack();
  const journal = await LevelLiveJournal.open(join(folder, 'journal'), clock.now(), liveJournalLimitsDefault);
  const service = new LiveService({ journal, clock, log, limits: liveServiceLimitsDefault });
  cleanup.defer(() => service.close());
  const maps = await LevelStageMaps.open(join(folder, 'stage-maps'));
  cleanup.defer(() => maps.close());
  const touched = new TouchedMembers();
  const { audiences, store, graphSchema, seesAllWrites } = sources;
  const stageMaps = new StageMaps({
    events: service,
    audiences,
    reader: store,
    store: maps,
    touched,
    seesAllWrites,
    context: () => ({ lookbackMs: settings['query.lookback.ms'], schema: graphSchema() }),
    clock,
    log,
  });
  cleanup.defer(() => stageMaps.close());
  const prefetches = new Prefetches({
    events: service,
    maps: stageMaps,
    segments: audiences.segments,
    store: maps,
    clock,
    random,
    log,
  });
  cleanup.defer(() => prefetches.close());
  const coverage = CoverageTracker.start({
    store: await CoverageStore.open(join(folder, 'coverage'), coverageStoreLimitsDefault),
    sources: {
      audience: async (id) => audienceMembers(audiences, id),
      prefetched: async (event) => prefetches.membersWithCopy(event),
    },
    clock,
    log,
    limits: coverageLimitsDefault,
  });
  cleanup.defer(() => coverage.close());
  const tokens = await createDeviceTokens(await liveSecret(liveTokenKeyFile(settings.data)), clock);
  const broadcasts: BroadcastLog = new InProcessBroadcastLog(log);
  cleanup.defer(() => broadcasts.close());
  const router = new Router({
    events: service,
    subscriptions: new SubscriptionLog({ table: new MemorySubscriptionTable(), clock, random, log }),
    report: (report) => coverage.report(report),
    limits: routerLimitsDefault,
    clock,
  });
  cleanup.defer(() => router.close());
  const gateways = await openRouterServer(settings, router, clock, log);
  const id = io.newId();
  const gateway = new Gateway({
    id,
    link: new InProcessLink(router, id),
    tokens,
    allowedOrigins: new Set(settings['live.allowed.origins']),
    limits: gatewayLimitsOf(settings),
    clock,
    random,
    log,
  });
  const producer = new LiveProducer({
    live: service,
    broadcasts,
    clock,
    random,
    log,
    limits: liveProducerLimitsDefault,
  });
  const traffic = openTraffic(settings, service, io, log);
  cleanup.defer(() => traffic.close());
  let address = 'http://127.0.0.1';
  const extension = liveExtension(settings, {
    service,
    stageMaps,
    prefetches,
    coverage,
    tokens,
    router,
    gateway,
    audiences,
    address: () => address,
    clock,
    random,
  });
  const owned = cleanup.move();
  const running = new AsyncDisposableStack();
  return {
    service,
    stageMaps,
    prefetches,
    coverage,
    gateway,
    tokens,
    extension: withRouterSocket(extension, gateways),
    traffic,
    watched: (writes) => new ObservedWrites(writes, touched),
    start: async (url) => {
      address = url;
      await stageMaps.open();
      await prefetches.open();
      await router.start();
      await broadcasts.subscribe(async (broadcast) => router.broadcast(broadcast));
      coverage.follow(service);
      gateway.start();
      gateways.start();
      running.defer(() => gateways.close());
      stageMaps.run();
      prefetches.run();
      producer.start();
      running.defer(() => producer.stop());
      running.defer(() => gateway.close());
    },
    stop: () => running.disposeAsync(),
    close: () => owned.disposeAsync(),
  };
}
