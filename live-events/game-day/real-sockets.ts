import {
  type ConnectionGrant,
  type DeviceStatus,
  LiveDevice,
  type PrefetchSource,
  type ShownStage,
  type WebSocketConstructor,
  type WebSocketLike,
} from '../../device/index.ts';
import type { Clock, Random } from '../../foundation/index.ts';
import type { Fault, Scenario } from './scenario.ts';
import { arrivalMs } from './virtual-devices.ts';
import { WeightedDelays } from './weighted-delays.ts';

/** A running server, and whom devices are to be. */
export interface RealTarget {
  readonly event: string;
  /** `Type:id`; devices take them in turn, each with a device id of its own. */
  readonly members: readonly string[];
  readonly prefetch: PrefetchSource;
  grant(member: string, device: string): Promise<ConnectionGrant>;
  readonly webSocket: WebSocketConstructor;
}

export interface RealOptions {
  readonly devices: number;
  /** The scenario's times pass so many times as fast; the event's own are the server's. */
  readonly speed: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal;
  /** Told each second. */
  readonly progress: (online: number, elapsedMs: number) => void;
}

/** A stage that holds from a moment, as devices showed it. */
export interface RealStage {
  readonly stage: string;
  readonly at: number;
  /** Online for a second or more at that moment: who was just connecting is on neither side. */
  readonly devices: number;
  readonly reached: number;
  readonly t50Ms: number | null;
  readonly t99Ms: number | null;
  readonly t100Ms: number | null;
}

export interface RealResult {
  readonly devices: number;
  readonly onlineMax: number;
  readonly stages: readonly RealStage[];
  readonly lost: number;
  /** Of those whose connection a fault took, the last was online again so long after it; null while some are not. */
  readonly recoveryMs: number | null;
  /** Times that devices reported something, by code. */
  readonly problems: Readonly<Record<string, number>>;
  /** Faults that a client cannot cause. */
  readonly leftOut: readonly Fault[];
}

export const realBounds = { devicesMax: 5_000, stagesMax: 64, speedMax: 10_000 } as const;
const stepMs = 1_000;
const settledMs = 1_000;
/** A device sleeps for ever where nothing is due; a timer takes no more than this, and the device looks again. */
const timerMsMax = 2 ** 31 - 1;

interface RealDevice {
  readonly device: LiveDevice;
  socket: WebSocketLike | null;
  onlineSinceMs: number | null;
  lostAtMs: number | null;
}

interface StageCount {
  readonly shown: ShownStage;
  readonly devices: number;
  readonly waiting: Set<RealDevice>;
  readonly delays: WeightedDelays;
}

/**
 * The arrivals and lost connections of a scenario with the product's own device client, against a server that runs. Everything is in one process: its delays are those
 * of devices and server on one machine where they share it. Stages are entered by the server; a client can neither kill its gateways nor move its schedule.
 */
export async function rehearseWithSockets(
  scenario: Scenario,
  target: RealTarget,
  options: RealOptions,
): Promise<RealResult> {
  const rehearsal = new RealRehearsal(scenario, target, options);
  return await rehearsal.run();
}

class RealRehearsal {
  readonly #scenario: Scenario;
  readonly #target: RealTarget;
  readonly #options: RealOptions;
  readonly #devices: RealDevice[] = [];
  readonly #stages = new Map<string, StageCount>();
  readonly #problems = new Map<string, number>();
  #online = 0;
  #onlineMax = 0;
  #lost = 0;
  #recoveryMs = 0;

  constructor(scenario: Scenario, target: RealTarget, options: RealOptions) {
    this.#scenario = scenario;
    this.#target = target;
    this.#options = options;
  }

  async run(): Promise<RealResult> {
    const { clock, signal, progress } = this.#options;
    const startedMs = clock.now();
    const durationMs = this.#scenario.durationMs / this.#options.speed;
    const plan = this.#plan();
    let next = 0;
    try {
      for (
        let elapsedMs = 0;
        elapsedMs < durationMs && !signal.aborted;
        elapsedMs = clock.now() - startedMs
      ) {
        for (let step = plan[next]; step !== undefined && step.atMs <= elapsedMs; step = plan[next]) {
          next += 1;
          step.act();
        }
        progress(this.#online, elapsedMs);
        const untilNextMs = (plan[next]?.atMs ?? Number.POSITIVE_INFINITY) - elapsedMs;
        await clock.sleep(Math.max(1, Math.min(stepMs, untilNextMs, durationMs - elapsedMs)), signal);
      }
      return this.#result();
    } finally {
      await Promise.all(this.#devices.map(({ device }) => device.close()));
    }
  }

  #plan(): readonly { readonly atMs: number; readonly act: () => void }[] {
    const { devices, random, speed } = this.#options;
    const arrivals = Array.from({ length: devices }, () => arrivalMs(this.#scenario, random))
      .filter((atMs) => atMs !== null)
      .map((atMs) => ({ atMs: atMs / speed, act: () => this.#start() }));
    const losses = this.#scenario.faults.flatMap((fault) =>
      fault.kind === 'connections-lost'
        ? [{ atMs: fault.atMs / speed, act: () => this.#lose(fault.share) }]
        : [],
    );
    return [...arrivals, ...losses].sort((a, b) => a.atMs - b.atMs);
  }

  #start(): void {
    const { event, members, prefetch, grant, webSocket } = this.#target;
    const { clock, random } = this.#options;
    const number = this.#devices.length;
    const member = members[number % members.length] ?? '';
    const device = new LiveDevice({
      event,
      member,
      device: 'phone',
      prefetch,
      connection: () => grant(member, `rehearsal-${number}`),
      webSocketImpl: kept(webSocket, (socket) => {
        real.socket = socket;
      }),
      ports: {
        clock: {
          now: () => clock.now(),
          sleep: (ms, signal) => clock.sleep(Math.min(ms, timerMsMax), signal),
        },
        random,
      },
      onStage: (shown) => this.#shown(real, shown),
      onState: (status) => this.#changed(real, status),
      onProblem: ({ code }) => this.#problems.set(code, (this.#problems.get(code) ?? 0) + 1),
    });
    const real: RealDevice = { device, socket: null, onlineSinceMs: null, lostAtMs: null };
    this.#devices.push(real);
    device.start();
  }

  /** Closed beneath the device, which is told nothing else and comes back by its own backoff. */
  #lose(share: number): void {
    const nowMs = this.#options.clock.now();
    for (const real of this.#devices) {
      if (real.onlineSinceMs === null || this.#options.random() >= share) continue;
      this.#lost += 1;
      real.lostAtMs = nowMs;
      real.socket?.close();
    }
  }

  #changed(real: RealDevice, { connection }: DeviceStatus): void {
    const nowMs = this.#options.clock.now();
    const isOnline = connection === 'online';
    if (isOnline === (real.onlineSinceMs !== null)) return;
    real.onlineSinceMs = isOnline ? nowMs : null;
    this.#online += isOnline ? 1 : -1;
    this.#onlineMax = Math.max(this.#onlineMax, this.#online);
    if (!isOnline || real.lostAtMs === null) return;
    this.#recoveryMs = Math.max(this.#recoveryMs, nowMs - real.lostAtMs);
    real.lostAtMs = null;
  }

  #shown(real: RealDevice, shown: ShownStage): void {
    const toServerMs = real.device.status.offsetMs;
    const count = this.#stageCount(shown, toServerMs);
    if (count?.waiting.delete(real) === true)
      count.delays.add(this.#options.clock.now() + toServerMs - shown.at, 1);
  }

  #stageCount(shown: ShownStage, toServerMs: number): StageCount | null {
    const key = `${shown.stage}@${shown.at}`;
    const known = this.#stages.get(key);
    if (known !== undefined) return known;
    if (this.#stages.size >= realBounds.stagesMax) return null;
    if (shown.from !== 'broadcast') return null;
    const untilMs = shown.at - settledMs - toServerMs;
    const waiting = new Set(
      this.#devices.filter(({ onlineSinceMs }) => onlineSinceMs !== null && onlineSinceMs <= untilMs),
    );
    const count = { shown, devices: waiting.size, waiting, delays: new WeightedDelays() };
    this.#stages.set(key, count);
    return count;
  }

  #result(): RealResult {
    const isBack = this.#devices.every(({ lostAtMs }) => lostAtMs === null);
    return {
      devices: this.#devices.length,
      onlineMax: this.#onlineMax,
      stages: [...this.#stages.values()].map(({ shown: { stage, at }, devices, delays }) => ({
        stage,
        at,
        devices,
        reached: delays.count,
        t50Ms: delays.quantile(0.5, devices),
        t99Ms: delays.quantile(0.99, devices),
        t100Ms: delays.quantile(1, devices),
      })),
      lost: this.#lost,
      recoveryMs: isBack ? this.#recoveryMs : null,
      problems: Object.fromEntries(this.#problems),
      leftOut: this.#scenario.faults.filter(({ kind }) => kind !== 'connections-lost'),
    };
  }
}

/** The same sockets, each told of when it is made. */
function kept(webSocket: WebSocketConstructor, made: (socket: WebSocketLike) => void): WebSocketConstructor {
  return class extends webSocket {
    constructor(url: string, protocols: string[]) {
      super(url, protocols);
      made(this);
    }
  };
}
