import { refreshAtMs } from '../../device/index.ts';
import { type Random, seededRandom, unreachable } from '../../foundation/index.ts';
import { timeToLive } from '../prefetch/ttl.ts';
import { refusalLimitsDefault, refusalOf } from '../traffic/refusal.ts';
import { CalendarQueue } from './calendar-queue.ts';
import type { FleetConstants } from './fleet-constants.ts';
import { RehearsalLog } from './rehearsal-log.ts';
import type { RehearsalResult } from './rehearsal-result.ts';
import type { Fault, Scenario } from './scenario.ts';
import { absent, arrivalMs, causes, connected, ends, VirtualDevices, waiting } from './virtual-devices.ts';
import { VirtualGateways } from './virtual-gateways.ts';
import { rankedFollow, type VirtualBroadcast, VirtualSchedule } from './virtual-schedule.ts';
import { VirtualServers } from './virtual-servers.ts';

const tickMs = 100;
const ticksPerSecond = 1000 / tickMs;
/** Of PROTOCOL.md, 5. */
const backoff = { baseMs: 500, capMs: 30_000 };
const reconnectSpreadMs = 5_000;
const connectSpreadMs = 2_000;
const lifetimeDitherShare = 1 / 6;
const longRestMs = 300_000;
const transitMs = 10_000;
const progressEveryTicks = 300;

export interface RehearsalParts {
  readonly constants: FleetConstants;
  /** In place of the scenario's. */
  readonly seed?: number;
}

export interface RehearsalProgress {
  readonly nowMs: number;
  readonly events: number;
}

/** Plays a scenario by a virtual clock; each step is some virtual time, so that whoever runs it can do something else in between. */
export function* rehearse(
  scenario: Scenario,
  parts: RehearsalParts,
): Generator<RehearsalProgress, RehearsalResult> {
  const rehearsal = new Rehearsal(scenario, parts);
  const ticks = Math.ceil(scenario.durationMs / tickMs);
  for (let tick = 0; tick < ticks; tick += 1) {
    rehearsal.tick(tick);
    if (tick % progressEveryTicks === 0) yield rehearsal.progress(tick);
  }
  return rehearsal.result();
}

/**
 * A discrete-event simulation in steps of a tenth of a second. Devices come, fetch ahead, connect, lose connections and come back; each has at most one thing due in
 * each of three calendars. Deliveries have exact delays: a gateway writes to one socket after the other. Everything random comes from one seed and everything
 * happens in one order, so the same seed gives the same trace.
 */
class Rehearsal {
  readonly #scenario: Scenario;
  readonly #constants: FleetConstants;
  readonly #random: Random;
  readonly #weight: number;
  readonly #devices: VirtualDevices;
  readonly #connections: CalendarQueue;
  readonly #prefetches: CalendarQueue;
  readonly #deliveries: CalendarQueue;
  readonly #gateways: VirtualGateways;
  readonly #servers: VirtualServers;
  readonly #schedule: VirtualSchedule;
  readonly #mayFollow: (shown: number, next: number) => boolean;
  readonly #faults: readonly TimedFault[];
  readonly #log: RehearsalLog;
  #nextFault = 0;
  #rush = { factor: 1, untilMs: 0 };

  constructor(scenario: Scenario, { constants, seed = scenario.seed }: RehearsalParts) {
    this.#scenario = scenario;
    this.#constants = constants;
    this.#random = seededRandom(seed);
    const count = scenario.devicesSimulated;
    const ticks = Math.ceil(scenario.durationMs / tickMs);
    this.#weight = scenario.devices / count;
    this.#devices = new VirtualDevices(count);
    this.#connections = new CalendarQueue(count, ticks);
    this.#prefetches = new CalendarQueue(count, ticks);
    this.#deliveries = new CalendarQueue(count, ticks);
    this.#gateways = new VirtualGateways(scenario.fleet.gateways, constants, this.#weight);
    this.#servers = new VirtualServers(scenario.fleet.serverCores, constants, this.#weight, this.#random);
    this.#schedule = new VirtualSchedule(scenario);
    this.#mayFollow = rankedFollow(scenario.stages);
    this.#faults = scenario.faults
      .flatMap((fault, index) => (fault.kind === 'late-start' ? [] : [{ fault, atMs: fault.atMs, index }]))
      .sort((a, b) => a.atMs - b.atMs);
    this.#log = new RehearsalLog({ scenario, constants, seed, weight: this.#weight });
    this.#arrivals();
  }

  tick(tick: number): void {
    const nowMs = tick * tickMs;
    this.#breakThings(nowMs);
    for (let change = this.#schedule.due(nowMs); change !== null; change = this.#schedule.due(nowMs))
      this.#broadcast(change, tick);
    this.#run(this.#deliveries, tick, 1, (device) => this.#deliver(device, nowMs));
    this.#run(this.#connections, tick, 2, (device) => this.#connection(device, tick));
    this.#run(this.#prefetches, tick, 3, (device) => this.#prefetch(device, tick));
    this.#users(nowMs);
    this.#gateways.tick(tickMs);
    this.#servers.tick(nowMs, tickMs);
    if (tick % ticksPerSecond === ticksPerSecond - 1)
      this.#log.second(nowMs, this.#gateways.second(), this.#servers.second());
  }

  progress(tick: number): RehearsalProgress {
    return { nowMs: tick * tickMs, events: this.#log.events };
  }

  result(): RehearsalResult {
    return this.#log.result();
  }

  #arrivals(): void {
    for (let device = 0; device < this.#devices.count; device += 1) {
      const atMs = arrivalMs(this.#scenario, this.#random);
      if (atMs === null) continue;
      this.#prefetches.schedule(device, Math.floor(atMs / tickMs));
      this.#connections.schedule(device, Math.floor((atMs + this.#random() * connectSpreadMs) / tickMs));
    }
  }

  #run(queue: CalendarQueue, tick: number, kind: number, handle: (device: number) => void): void {
    for (let device = queue.take(tick); device !== -1; device = queue.take(tick)) {
      this.#log.event(tick, kind, device);
      handle(device);
    }
  }

  #breakThings(nowMs: number): void {
    for (;;) {
      const next = this.#faults[this.#nextFault];
      if (next === undefined || next.atMs > nowMs) return;
      this.#nextFault += 1;
      this.#break(next, nowMs);
    }
  }

  #break({ fault, index }: TimedFault, nowMs: number): void {
    const tick = Math.floor(nowMs / tickMs);
    const { gateway } = this.#devices;
    switch (fault.kind) {
      case 'gateway-killed':
        this.#gateways.kill(fault.gateway, nowMs + fault.downMs);
        this.#loseConnections(index, fault, tick, (device) => gateway[device] === fault.gateway);
        return;
      case 'connections-lost':
        this.#loseConnections(index, fault, tick, () => this.#random() < fault.share);
        return;
      case 'schedule-moved':
        this.#broadcast(this.#schedule.move(nowMs, fault.byMs), tick);
        return;
      case 'user-rush':
        this.#rush = { factor: fault.factor, untilMs: nowMs + fault.lastsMs };
        return;
      case 'late-start':
        // The schedule knows of it: it depends on the stage's time, which may have been moved.
        return;
      default:
        unreachable(fault);
    }
  }

  #loseConnections(index: number, fault: Fault, tick: number, isLost: (device: number) => boolean): void {
    const { state, lostBy } = this.#devices;
    this.#log.faulted(index, fault, tick * tickMs);
    for (let device = 0; device < this.#devices.count; device += 1) {
      if (state[device] !== connected || !isLost(device)) continue;
      this.#log.lost(index);
      lostBy[device] = index + 1;
      this.#disconnect(device);
      this.#retry(device, tick);
    }
  }

  #broadcast(broadcast: VirtualBroadcast, tick: number): void {
    const { state, gateway, version, sent, sentDelayMs, sequence } = this.#devices;
    const count = this.#log.broadcast(broadcast, this.#scenario.stages[broadcast.stage]?.key ?? '');
    const written = new Float64Array(this.#gateways.count);
    const lateMs = tick * tickMs - broadcast.atMs;
    const isLive = broadcast.cause === 'stage' && this.#schedule.isFirstLive(broadcast.stage);
    for (let device = 0; device < this.#devices.count; device += 1) {
      if (isLive && state[device] !== absent) this.#log.covered((version[device] ?? 0) > 0);
      if (state[device] !== connected) continue;
      const at = gateway[device] ?? 0;
      const before = (written[at] ?? 0) + this.#weight;
      written[at] = before;
      const delayMs = lateMs + this.#constants.hopMs + before / this.#gateways.deliveriesPerMs(at);
      const last = sent[device] ?? 0;
      // What waits in a socket's buffer is followed by the newer one at once.
      if (last > (sequence[device] ?? 0)) this.#log.superseded(last);
      sent[device] = broadcast.sequence;
      sentDelayMs[device] = delayMs;
      count.sent(this.#weight);
      this.#deliveries.schedule(device, this.#after(tick, delayMs - lateMs));
    }
  }

  #deliver(device: number, nowMs: number): void {
    const { state, gateway, sent, sentDelayMs, sequence } = this.#devices;
    // Lost with its connection: the welcome of the next one makes up for it.
    if (state[device] !== connected) return;
    const number = sent[device] ?? 0;
    if (number <= (sequence[device] ?? 0)) return;
    this.#gateways.worked(gateway[device] ?? 0, this.#constants.cpuMicrosPerDelivery * this.#weight);
    this.#log.delivered(nowMs);
    this.#log.reached(number, sentDelayMs[device] ?? 0);
    this.#apply(device, nowMs, number);
  }

  /** The whole state as that broadcast had it. */
  #apply(device: number, nowMs: number, number: number): void {
    const { sequence, stage, version } = this.#devices;
    const broadcast = this.#log.broadcastOf(number);
    const shown = stage[device] ?? -1;
    sequence[device] = number;
    if (this.#mayFollow(shown, broadcast.stage)) {
      if (broadcast.stage < shown) this.#log.steppedBack();
      stage[device] = broadcast.stage;
    }
    const held = version[device] ?? 0;
    if (held === 0 || broadcast.version <= held) return;
    const delayMs = this.#random() * this.#scenario.prefetch.spreadMs;
    this.#devices.prefetchCause[device] = causes.version;
    this.#prefetches.schedule(device, this.#after(Math.floor(nowMs / tickMs), delayMs));
  }

  #connection(device: number, tick: number): void {
    const { state, connectionEnd } = this.#devices;
    if (state[device] !== connected) {
      this.#connect(device, tick);
      return;
    }
    this.#disconnect(device);
    if (connectionEnd[device] === ends.loss) this.#retry(device, tick);
    else this.#connections.schedule(device, this.#after(tick, this.#random() * reconnectSpreadMs));
  }

  #connect(device: number, tick: number): void {
    const nowMs = tick * tickMs;
    const { state, gateway, backoffMs } = this.#devices;
    if (state[device] === absent) this.#log.arrived(nowMs);
    state[device] = waiting;
    const at = this.#gateways.pick(nowMs, this.#random());
    if (at === null) {
      this.#retry(device, tick);
      return;
    }
    if (!this.#gateways.connect(at)) {
      this.#log.connectRefused(nowMs);
      const { retryAfterMs } = refusalOf(
        'OVERLOADED',
        refusalLimitsDefault['live-critical'],
        0,
        this.#random,
      );
      this.#retry(device, tick, retryAfterMs);
      return;
    }
    this.#log.connected(nowMs);
    state[device] = connected;
    gateway[device] = at;
    backoffMs[device] = 0;
    this.#welcome(device, nowMs);
    this.#planEnd(device, tick);
  }

  #welcome(device: number, nowMs: number): void {
    const { sequence, sent, lostBy } = this.#devices;
    const fault = lostBy[device] ?? 0;
    if (fault > 0) this.#log.recovered(fault - 1, nowMs);
    lostBy[device] = 0;
    const newest = this.#schedule.sequence;
    const had = sequence[device] ?? 0;
    if (had >= newest) return;
    const last = sent[device] ?? 0;
    if (last === newest) this.#log.reached(newest, nowMs - this.#log.broadcastOf(newest).atMs);
    else {
      if (last > had) this.#log.superseded(last);
      this.#log.caughtUp(newest);
    }
    this.#apply(device, nowMs, newest);
  }

  /** It breaks by itself, or its lifetime ends: what comes first. */
  #planEnd(device: number, tick: number): void {
    const { lossesPerHour } = this.#scenario;
    const lossMs =
      lossesPerHour === 0
        ? Number.POSITIVE_INFINITY
        : (-Math.log(1 - this.#random()) * 3_600_000) / lossesPerHour;
    const lifetimeMs = this.#constants.lifetimeMs * (1 - lifetimeDitherShare * this.#random());
    this.#devices.connectionEnd[device] = lossMs < lifetimeMs ? ends.loss : ends.lifetime;
    this.#connections.schedule(device, this.#after(tick, Math.min(lossMs, lifetimeMs)));
  }

  #disconnect(device: number): void {
    this.#gateways.disconnect(this.#devices.gateway[device] ?? 0);
    this.#devices.state[device] = waiting;
    this.#deliveries.cancel(device);
    this.#log.disconnected();
  }

  /** With decorrelated jitter, and not before the server said. */
  #retry(device: number, tick: number, atLeastMs = 0): void {
    const { backoffMs } = this.#devices;
    const last = Math.max(backoff.baseMs, backoffMs[device] ?? 0);
    const drawn = backoff.baseMs + this.#random() * (last * 3 - backoff.baseMs);
    const delayMs = Math.min(backoff.capMs, drawn);
    backoffMs[device] = delayMs;
    this.#connections.schedule(device, this.#after(tick, Math.max(delayMs, atLeastMs)));
  }

  #prefetch(device: number, tick: number): void {
    const nowMs = tick * tickMs;
    const { prefetchCause, prefetchTries, version } = this.#devices;
    const quiet = this.#schedule.quiet(nowMs);
    const isQuiet = quiet !== null && nowMs >= quiet.fromMs;
    this.#log.prefetchAsked(nowMs, prefetchCause[device] ?? 0, isQuiet);
    const refusal = this.#servers.prefetch();
    if (refusal !== null) {
      this.#log.shed('prefetch', nowMs, this.#weight);
      const tries = (prefetchTries[device] ?? 0) + 1;
      const isSpent = tries > refusal.retriesMax;
      prefetchTries[device] = isSpent ? 0 : tries;
      prefetchCause[device] = causes.retry;
      const waitMs = isSpent ? longRestMs * (0.5 + this.#random()) : refusal.retryAfterMs;
      this.#prefetches.schedule(device, this.#after(tick, waitMs));
      return;
    }
    this.#log.prefetched(nowMs);
    const { ttlMs: usualMs, jitterShare, spreadMs } = this.#scenario.prefetch;
    const ttlMs = timeToLive(nowMs, quiet, { ttlMs: usualMs, jitterShare, spreadMs, transitMs }, this.#random); // biome-ignore format: one row
    const backMs = refreshAtMs({ ttlMs, expiresAt: nowMs + ttlMs, quiet, spreadMs }, this.#random);
    version[device] = this.#schedule.version;
    prefetchTries[device] = 0;
    prefetchCause[device] = causes.expiry;
    this.#prefetches.schedule(device, this.#after(tick, backMs - nowMs));
  }

  #users(nowMs: number): void {
    const factor = nowMs < this.#rush.untilMs ? this.#rush.factor : 1;
    const requests = (this.#scenario.userRequestsPerSecond * factor * tickMs) / 1000;
    const refused = this.#servers.users(requests);
    this.#log.users(requests, refused);
    this.#log.shed('user', nowMs, refused);
  }

  /** Never in the tick that runs. */
  #after(tick: number, delayMs: number): number {
    return tick + Math.max(1, Math.round(delayMs / tickMs));
  }
}

interface TimedFault {
  readonly fault: Fault;
  readonly atMs: number;
  readonly index: number;
}
