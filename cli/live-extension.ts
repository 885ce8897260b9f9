import type { Settings } from '../config/index.ts';
import { liveSocketPath } from '../device/index.ts';
import type { Clock, Random } from '../foundation/index.ts';
import {
  bundledConstants,
  type CoverageTracker,
  checkScope,
  coverageFields,
  createLiveFields,
  type DeviceTokens,
  type EventPools,
  type Gateway,
  hasLiveBegun,
  type LiveEvent,
  type LiveProducer,
  type LiveService,
  liveFileRoutes,
  liveStartOf,
  liveWriteScope,
  type Prefetches,
  type PreflightFacts,
  prefetchFields,
  prefetchMutations,
  prefetchRoute,
  preflightFields,
  type Router,
  type StageMaps,
} from '../live-events/index.ts';
import type { ApiExtension, Audiences } from '../query-api/index.ts';
import { liveMetrics } from './live-metrics.ts';
import type { Traffic } from './traffic.ts';

export interface LiveExtensionParts {
  readonly service: LiveService;
  readonly stageMaps: StageMaps;
  readonly prefetches: Prefetches;
  readonly coverage: CoverageTracker;
  readonly tokens: DeviceTokens;
  readonly router: Router;
  readonly gateway: Gateway;
  readonly producer: LiveProducer;
  readonly traffic: Traffic;
  readonly audiences: Audiences;
  readonly pools: EventPools;
  /** Where devices reach this process, once it listens; `live.url` goes before it. */
  readonly address: () => string;
  readonly clock: Clock;
  readonly random: Random;
}

/** What live events add to the API: fields, routes and the socket. */
export function liveExtension(settings: Settings, parts: LiveExtensionParts): ApiExtension {
  const { service, stageMaps, prefetches, coverage, tokens, gateway, audiences, clock, random } = parts;
  const prefetching = {
    prefetches,
    maps: stageMaps,
    segments: audiences.segments,
    authorizeCommand: (context: Parameters<typeof checkScope>[2]) =>
      checkScope('materializeLiveEvent', liveWriteScope, context),
    signToken: (claims: Parameters<DeviceTokens['sign']>[0]) => tokens.sign(claims),
    socketUrl: (event: string) =>
      socketUrl(parts.pools.addressOf(event) ?? settings['live.url'] ?? parts.address(), event),
    tokenMs: settings['live.token.ms'],
    clock,
    random,
  };
  const fields = createLiveFields({
    live: service,
    extraEventFields: {
      ...prefetchFields(prefetching),
      ...coverageFields(coverage),
      ...preflightFields({ facts: (event) => factsOf(parts, event) }, bundledConstants()),
    },
  });
  return {
    query: fields.query,
    mutation: { ...fields.mutation, ...prefetchMutations(prefetching) },
    routes: [
      prefetchRoute({ prefetches, random }),
      ...liveFileRoutes(pages(), gatewayOrigins(settings, parts.pools)),
    ],
    metrics: liveMetrics(parts),
    sockets: [
      {
        path: liveSocketPath,
        upgrade: (request, connection, head) => gateway.upgrade(request, connection, head),
      },
    ],
  };
}

async function factsOf(
  { prefetches, router, audiences, clock }: LiveExtensionParts,
  event: LiveEvent,
): Promise<PreflightFacts> {
  const startsAtMs = liveStartOf(event);
  const audience = event.audience === null ? null : audiences.get(event.audience);
  return {
    nowMs: clock.now(),
    startsAtMs,
    hasBegun: hasLiveBegun(event),
    members: audience?.state === 'READY' ? audience.row.size : null,
    prefetched: prefetches.coverage(event.id)?.fresh ?? null,
    gateways: router.gateways.attached.length,
    socketLimits: router.socketLimits,
    sockets: router.socketsOf(event.id),
    // Prefetches are answered on one thread.
    serverCores: 1,
  };
}

function socketUrl(base: string, event: string): string {
  const url = new URL(liveSocketPath, base);
  url.protocol = url.protocol === 'https:' || url.protocol === 'wss:' ? 'wss:' : 'ws:';
  url.searchParams.set('event', event);
  return url.href;
}

/** A page may open sockets to them, beside those of its own host. */
function gatewayOrigins(settings: Settings, pools: EventPools): readonly string[] {
  const addresses = [settings['live.url'], ...pools.addresses];
  const origins = addresses.flatMap((url) => (url === null ? [] : [new URL(socketUrl(url, 'x')).origin]));
  return [...new Set(origins)];
}

function pages(): URL {
  return new URL('../console/', import.meta.url);
}
