import type { Figures } from '../benchmark.ts';

/** What the benchmark of broadcasts found that a fleet is reckoned from. All of one gateway, which uses one core. */
export interface MeasuredConstants {
  readonly sockets: number;
  readonly deliveriesPerSecond: number;
  readonly t100Ms: number;
  readonly cpuMicrosPerDelivery: number;
  /** With the device's `applied` taken in. */
  readonly cpuMicrosPerAcknowledged: number;
  readonly cpuMicrosPerHeartbeat: number;
  readonly cpuMicrosPerConnect: number;
  /** Of adding up one delivery that was reported, of a member whose number is in memory; `first`: whose number is not. */
  readonly cpuMicrosPerCounted: number;
  readonly cpuMicrosPerCountedFirst: number;
  readonly bytesPerSocket: number;
  readonly kernelBytesPerSocket: number;
}

/** Figures by their names in `bench/results/broadcast.json`. Throws an Error that names the one that is missing. */
export function constantsOf(figures: Figures): MeasuredConstants {
  const named = (name: string): number => {
    const found = figures[name];
    if (found === undefined) throw new Error(`bench/results/broadcast.json has no figure ${name}`);
    return found.value;
  };
  return {
    sockets: named('gateway.sockets'),
    deliveriesPerSecond: named('gateway.deliveriesPerSecond'),
    t100Ms: named('T100.p50ms'),
    cpuMicrosPerDelivery: named('cpuMicrosPerDelivery'),
    cpuMicrosPerAcknowledged: named('acknowledged.cpuMicrosPerDelivery'),
    cpuMicrosPerHeartbeat: named('gateway.cpuMicrosPerHeartbeat'),
    cpuMicrosPerConnect: named('gateway.cpuMicrosPerConnect'),
    cpuMicrosPerCountedFirst: named('coverage.cpuMicrosPerFirst'),
    cpuMicrosPerCounted: named('coverage.cpuMicrosPerDelivery'),
    bytesPerSocket: named('gateway.bytesPerSocket'),
    kernelBytesPerSocket: named('gateway.kernelBytesPerSocket'),
  };
}

export interface FleetGoal {
  readonly devices: number;
  /** All are to have a broadcast within. */
  readonly withinMs: number;
  readonly pingMs: number;
  /** All come, evenly, within. */
  readonly arrivalMs: number;
}

export interface Fleet {
  readonly socketsPerGateway: number;
  readonly gateways: number;
  readonly memoryBytesPerGateway: number;
  /** From the rate that was measured with `sockets`: a line through nothing, where more were not tried. */
  readonly t100Ms: number;
  readonly isInTime: boolean;
  /** Of a gateway's core. */
  readonly heartbeatShare: number;
  readonly arrivalShare: number;
  /** Devices that come back when one gateway dies, of those a second that the others can take in together. */
  readonly deathShare: number;
}

export function fleetOf(constants: MeasuredConstants, goal: FleetGoal, socketsPerGateway: number): Fleet {
  const gateways = Math.ceil(goal.devices / socketsPerGateway);
  const t100Ms = (socketsPerGateway * 1000) / constants.deliveriesPerSecond;
  const heartbeatsPerSecond = (socketsPerGateway * 1000) / goal.pingMs;
  const connectsPerSecond = (socketsPerGateway * 1000) / goal.arrivalMs;
  const connectsPerCore = 1e6 / constants.cpuMicrosPerConnect;
  return {
    socketsPerGateway,
    gateways,
    memoryBytesPerGateway: socketsPerGateway * (constants.bytesPerSocket + constants.kernelBytesPerSocket),
    t100Ms,
    isInTime: t100Ms <= goal.withinMs,
    heartbeatShare: (heartbeatsPerSecond * constants.cpuMicrosPerHeartbeat) / 1e6,
    arrivalShare: connectsPerSecond / connectsPerCore,
    deathShare: socketsPerGateway / ((gateways - 1) * connectsPerCore),
  };
}

/** Cores that are busy for nothing but this for as long as it may take. */
export function coresFor(count: number, cpuMicrosEach: number, withinMs: number): number {
  return (count * cpuMicrosEach) / (withinMs * 1000);
}
