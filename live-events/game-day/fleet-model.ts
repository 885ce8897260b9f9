import type { FleetConstants } from './fleet-constants.ts';

export interface Fleet {
  readonly gateways: number;
  /** Of prefetches and everything else that is asked for. */
  readonly serverCores: number;
}

/** How many of the audience have come by when: cumulative shares at rising times, linear in between. */
export interface ArrivalPoint {
  readonly atMs: number;
  readonly share: number;
}

export interface FleetDemand {
  readonly devices: number;
  readonly arrivals: readonly ArrivalPoint[];
  readonly durationMs: number;
  readonly ttlMs: number;
  readonly userRequestsPerSecond: number;
}

export interface BroadcastPrediction {
  readonly socketsPerGateway: number;
  readonly t50Ms: number;
  readonly t99Ms: number;
  readonly t100Ms: number;
  /** Of all gateways together. */
  readonly cpuSeconds: number;
}

/** One moment; CPU as a share of all cores of that kind. */
export interface LoadPrediction {
  readonly atMs: number;
  readonly connected: number;
  readonly connectsPerSecond: number;
  readonly prefetchPerSecond: number;
  readonly gatewayCpu: number;
  readonly serverCpu: number;
}

/** Of one broadcast to so many connected devices, spread evenly over the gateways, which write to one socket after the other. */
export function predictBroadcast(
  connected: number,
  fleet: Fleet,
  constants: FleetConstants,
): BroadcastPrediction {
  const socketsPerGateway = Math.ceil(connected / fleet.gateways);
  const perMs = constants.deliveriesPerSecond / 1000;
  const at = (share: number): number => constants.hopMs + (socketsPerGateway * share) / perMs;
  return {
    socketsPerGateway,
    t50Ms: at(0.5),
    t99Ms: at(0.99),
    t100Ms: at(1),
    cpuSeconds: (connected * constants.cpuMicrosPerDelivery) / 1e6,
  };
}

export function memoryPerGatewayBytes(connected: number, fleet: Fleet, constants: FleetConstants): number {
  return Math.ceil(connected / fleet.gateways) * constants.bytesPerSocket;
}

/** The gateways that hold so many devices and reach all of them within the time. Null: no number does, since the way to a gateway takes as long. */
export function gatewaysFor(devices: number, withinMs: number, constants: FleetConstants): number | null {
  const writingMs = withinMs - constants.hopMs;
  if (writingMs <= 0) return null;
  const inTime = (constants.deliveriesPerSecond * writingMs) / 1000;
  return Math.ceil(devices / Math.min(inTime, constants.socketsPerGateway));
}

/** Over the whole time, without faults: those are the simulation's. */
export function predictLoad(
  demand: FleetDemand,
  fleet: Fleet,
  constants: FleetConstants,
  points: number,
): readonly LoadPrediction[] {
  const stepMs = demand.durationMs / points;
  return Array.from({ length: points }, (_, index) => {
    const atMs = index * stepMs;
    const connected = demand.devices * shareAt(demand.arrivals, atMs);
    const arrived = demand.devices * shareAt(demand.arrivals, atMs + stepMs) - connected;
    const arrivalsPerSecond = (arrived * 1000) / stepMs;
    const connectsPerSecond = arrivalsPerSecond + (connected * 1000) / constants.lifetimeMs;
    const prefetchPerSecond = arrivalsPerSecond + (connected * 1000) / demand.ttlMs;
    const heartbeatsPerSecond = (connected * 1000) / constants.pingMs;
    const gatewayMicros =
      connectsPerSecond * constants.cpuMicrosPerConnect +
      heartbeatsPerSecond * constants.cpuMicrosPerHeartbeat;
    const serverMicros =
      prefetchPerSecond * constants.cpuMicrosPerPrefetch +
      demand.userRequestsPerSecond * constants.cpuMicrosPerUserRequest;
    return {
      atMs,
      connected,
      connectsPerSecond,
      prefetchPerSecond,
      gatewayCpu: gatewayMicros / 1e6 / fleet.gateways,
      serverCpu: serverMicros / 1e6 / fleet.serverCores,
    };
  });
}

export function shareAt(arrivals: readonly ArrivalPoint[], atMs: number): number {
  if (atMs < 0) return 0;
  let before: ArrivalPoint = { atMs: 0, share: 0 };
  for (const point of arrivals) {
    if (atMs < point.atMs) {
      const part = (atMs - before.atMs) / (point.atMs - before.atMs);
      return before.share + (point.share - before.share) * part;
    }
    before = point;
  }
  return before.share;
}

/** When the given share has come: the other way round. */
export function arrivalOf(arrivals: readonly ArrivalPoint[], share: number): number | null {
  let before: ArrivalPoint = { atMs: 0, share: 0 };
  for (const point of arrivals) {
    if (share < point.share) {
      const part = (share - before.share) / (point.share - before.share);
      return before.atMs + (point.atMs - before.atMs) * part;
    }
    before = point;
  }
  return null;
}
