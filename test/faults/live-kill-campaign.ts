import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Schedule, type ScheduledStage, systemPorts } from '../../device/index.ts';
import { must, type Random, seededRandom, systemClock } from '../../foundation/index.ts';
import { freePorts } from '../services/free-port.ts';
import { type StageTruth, WatchedDevice } from './live-kill-devices.ts';
import { jgGateway, jgUp, type KilledCommand } from './live-processes.ts';
import { LiveServerClient } from './live-server-client.ts';

export interface LiveKillSummary {
  readonly broadcasts: number;
  readonly events: number;
  readonly devicesPerEvent: number;
  /** Producer and router are one process. */
  readonly upKilled: number;
  readonly gatewaysKilled: number;
  /** Changes whose answer the kill took, and which were in the journal all the same. */
  readonly answersLost: number;
  readonly connects: number;
  readonly suspensions: number;
  readonly restarts: number;
  /** Stages shown of those that all devices together could have shown; the others were collapsed into a newer one. */
  readonly shownShare: number;
  /** Moments at which every device was waited for, and how long that took from when the journal was heard to have the stage. */
  readonly checks: number;
  readonly settledMs: { readonly p50: number; readonly max: number };
}

const devicesPerEvent = 30;
const broadcastsPerEvent = 25;
const burstMax = 4;
/** Between two broadcasts at most: so that there are about as many kills as can fall between, before and behind them. */
const pauseMs = 1_000;
/** For anything that has to come about while processes are being killed. */
const patienceMs = 120_000;
const pollMs = 20;

/** `jg up` and two `jg gateway`, killed with -9 at random moments while stages change, by hand and by the clock. */
class KillRun {
  readonly #below: (bound: number) => number;
  readonly #random: Random;
  readonly #up: KilledCommand;
  readonly #gateways: readonly KilledCommand[];
  readonly #ports: readonly number[];
  readonly #server: LiveServerClient;
  readonly #faults: string[] = [];
  readonly #settledMs: number[] = [];
  #devices: readonly WatchedDevice[] = [];
  /** Place in the schedule of the last stage that can hold: asked for by hand, or begun by the clock. */
  #newestRank: () => number = () => 0;
  #over = false;
  #counts = { answersLost: 0, connects: 0, suspensions: 0, restarts: 0, shown: 0, showable: 0 };

  constructor(seed: number, data: string, ports: readonly number[]) {
    this.#random = seededRandom(seed);
    this.#below = (bound) => Math.floor(this.#random() * bound);
    const [upPort = 0, ...gatewayPorts] = ports;
    this.#server = new LiveServerClient(`http://127.0.0.1:${upPort}`);
    this.#up = jgUp(data, upPort);
    this.#ports = gatewayPorts;
    this.#gateways = gatewayPorts.map((port, index) =>
      jgGateway(data, this.#server.url, `gateway-${index + 1}`, port),
    );
  }

  async run(broadcasts: number, progress: (done: number) => void): Promise<LiveKillSummary> {
    let [made, events] = [0, 0];
    let disturbing: readonly Promise<void>[] = [];
    try {
      await this.#up.start();
      await Promise.all(this.#gateways.map((gateway) => gateway.start()));
      disturbing = [this.#killUp(), this.#killGateways(), this.#disturbDevices()];
      while (made < broadcasts) {
        events += 1;
        const done = made;
        made += await this.#event(events, broadcasts - made, (sent) => progress(done + sent));
      }
      this.#over = true;
      await Promise.all(disturbing);
      this.#check();
      return this.#summary(made, events);
    } finally {
      this.#over = true;
      // First, so that nobody waits for one that does not come up; none is started once the run is over.
      for (const command of [this.#up, ...this.#gateways]) command.end();
      await Promise.allSettled(disturbing);
      for (const device of this.#devices) await device.close();
    }
  }

  #summary(broadcasts: number, events: number): LiveKillSummary {
    const { shown, showable, ...counts } = this.#counts;
    const sorted = this.#settledMs.toSorted((one, other) => one - other);
    return {
      broadcasts,
      events,
      devicesPerEvent,
      upKilled: this.#up.kills,
      gatewaysKilled: this.#gateways.reduce((sum, { kills }) => sum + kills, 0),
      ...counts,
      shownShare: Number((shown / showable).toFixed(3)),
      checks: sorted.length,
      settledMs: { p50: sorted[Math.floor(sorted.length / 2)] ?? 0, max: sorted.at(-1) ?? 0 },
    };
  }

  /** One event from its creation until all its devices are at its last stage; how many broadcasts that were. */
  async #event(number: number, left: number, progress: (sent: number) => void): Promise<number> {
    const id = `event-${number}`;
    const byClock = number % 2 === 0;
    const { stages, version } = await this.#create(id, byClock, left);
    this.#devices = this.#startDevices(id, stages, version);
    const { sequence } = byClock
      ? await this.#waitForClock(id, stages)
      : await this.#enterAll(id, stages, progress);
    progress(sequence);
    for (const device of this.#devices) {
      this.#counts.connects += device.connects;
      this.#counts.shown += device.shown.length;
      this.#counts.showable += sequence;
      await device.close();
    }
    this.#devices = [];
    return sequence;
  }

  async #waitForClock(id: string, stages: Schedule): Promise<StageTruth> {
    return await this.#settle(id, must(stages.at(-1), 'it has stages').key);
  }

  /** A few at once, then every device is waited for. */
  async #enterAll(id: string, stages: Schedule, progress: (sent: number) => void): Promise<StageTruth> {
    const keys = stages.map(({ key }) => key);
    let truth = await this.#settle(id, must(keys[0], 'it has stages'));
    for (let entered = 1; entered < keys.length; ) {
      const until = Math.min(keys.length, entered + 1 + this.#below(burstMax));
      for (; entered < until; entered += 1) {
        await this.#advance(
          id,
          must(keys[entered - 1], 'one before'),
          must(keys[entered], 'it is one'),
          entered,
        );
        if (entered + 1 < keys.length) progress(entered + 1);
      }
      truth = await this.#settle(id, must(keys[until - 1], 'it was entered'));
    }
    return truth;
  }

  async #create(
    id: string,
    byClock: boolean,
    left: number,
  ): Promise<{ readonly stages: Schedule; readonly version: number }> {
    let earliest: Schedule | null = null;
    return await this.#insist(`${id} is created`, async () => {
      const stages = this.#stages(byClock, left);
      // Of the first try, which may have been journaled: those after it begin later.
      earliest ??= stages;
      const begun = earliest;
      this.#newestRank = () => (byClock ? lastBegun(begun, Date.now()) : 0);
      await this.#server.create(id, stages);
      return { stages, version: (await this.#server.state(id)).version };
    });
  }

  #stages(byClock: boolean, left: number): Schedule {
    // What would be left for another event has to be enough for one.
    const count = left < broadcastsPerEvent + 3 ? Math.max(3, left) : broadcastsPerEvent;
    const rounds = Array.from({ length: count - 3 }, (_, index): Omit<ScheduledStage, 'startsAtMs'> => {
      return { key: `round-${index + 1}`, kind: 'custom' };
    });
    let startsAtMs = Date.now();
    const all = [
      { key: 'announced', kind: 'announced' } as const,
      { key: 'live', kind: 'live' } as const,
      ...rounds,
      { key: 'ended', kind: 'ended' } as const,
    ];
    return all.map((stage, index) => {
      startsAtMs += index === 0 ? 0 : 300 + this.#below(700);
      return { ...stage, startsAtMs: byClock ? startsAtMs : null };
    });
  }

  #startDevices(event: string, stages: Schedule, version: number): readonly WatchedDevice[] {
    return Array.from(
      { length: devicesPerEvent },
      (_, index) =>
        new WatchedDevice({
          event,
          name: `device-${index}`,
          stages,
          version,
          connection: async (member) => {
            const port = must(this.#ports[this.#below(this.#ports.length)], 'there are gateways');
            const grant = await this.#server.connection(event, member, 'tv-1');
            return { ...grant, url: grant.url.replace(/:\d+\//, `:${port}/`) };
          },
          ports: { ...systemPorts, random: this.#random },
          newestRank: () => this.#newestRank(),
          failed: (what) => this.#faults.push(what),
        }),
    );
  }

  async #advance(id: string, from: string, to: string, rank: number): Promise<void> {
    await systemClock.sleep(this.#below(pauseMs));
    this.#newestRank = () => rank;
    let tries = 0;
    await this.#insist(`${id} enters ${to}`, async () => {
      tries += 1;
      // The answer may have been lost with the process that journaled it.
      if (tries > 1 && (await this.#server.state(id)).stage === to) this.#counts.answersLost += 1;
      else await this.#server.advance(id, from, to);
    });
  }

  /** Every device is at the stage, which is the one that the journal has; the kills go on meanwhile. */
  async #settle(id: string, stage: string): Promise<StageTruth> {
    const truth = await this.#insist(`${id} is at ${stage}`, async () => {
      const state = await this.#server.state(id);
      if (state.stage !== stage) throw new Error(`it is at ${state.stage}`);
      return state;
    });
    const startedMs = performance.now();
    await this.#insist(`all devices are at ${stage} of ${id}`, async () => {
      const behind = this.#devices.filter((device) => !device.isAt(truth));
      if (behind.length > 0) throw new Error(behind.map(({ text }) => text).join('; '));
    });
    this.#settledMs.push(Math.round(performance.now() - startedMs));
    return truth;
  }

  /** Again and again until it is so. @throws when a device saw what must not be, or when it is too late. */
  async #insist<Result>(what: string, attempt: () => Promise<Result>): Promise<Result> {
    const untilMs = performance.now() + patienceMs;
    for (;;) {
      this.#check();
      try {
        return await attempt();
      } catch (error) {
        if (performance.now() > untilMs)
          throw new Error(`It did not come about within ${patienceMs} ms that ${what}.`, { cause: error });
      }
      await systemClock.sleep(pollMs);
    }
  }

  #check(): void {
    if (this.#faults.length > 0) throw new Error(this.#faults.join('\n'));
  }

  async #killUp(): Promise<void> {
    let startMs = 1_000;
    await this.#disturb(async () => {
      startMs = await this.#killOnce(this.#up, startMs);
    });
  }

  /** One at a time, which is not to say that the other one serves. */
  async #killGateways(): Promise<void> {
    let startMs = 1_000;
    await this.#disturb(async () => {
      const gateway = must(this.#gateways[this.#below(this.#gateways.length)], 'there are gateways');
      startMs = await this.#killOnce(gateway, startMs);
    });
  }

  /** On a machine that does other work too, starting takes long, and whoever was killed as often as ever would serve hardly ever. */
  async #killOnce(command: KilledCommand, startMs: number): Promise<number> {
    await systemClock.sleep(100 + this.#below(300 + 2 * startMs));
    await command.kill();
    await systemClock.sleep(this.#below(400));
    // Nobody would end it.
    if (this.#over) return startMs;
    const startedMs = performance.now();
    await command.start();
    return performance.now() - startedMs;
  }

  async #disturbDevices(): Promise<void> {
    await this.#disturb(async () => {
      await systemClock.sleep(50 + this.#below(400));
      const device = this.#devices[this.#below(devicesPerEvent)];
      if (device === undefined) return;
      if (this.#below(2) === 0) {
        device.suspend();
        this.#counts.suspensions += 1;
        await systemClock.sleep(this.#below(800));
        device.resume();
      } else {
        this.#counts.restarts += 1;
        await device.restart();
      }
    });
  }

  async #disturb(once: () => Promise<void>): Promise<void> {
    while (!this.#over) {
      try {
        await once();
      } catch (error) {
        // While the run ends its processes go in any order.
        if (!this.#over) this.#faults.push(String(error));
        return;
      }
    }
  }
}

/** By the clock that `jg up` has too: it enters a stage when its time has come, not before. */
function lastBegun(stages: Schedule, nowMs: number): number {
  return stages.findLastIndex(({ startsAtMs }) => startsAtMs !== null && startsAtMs <= nowMs);
}

/**
 * Real processes, killed with -9 at random moments: producer and router (`jg up`), and two gateways. Devices of the product, which now and then leave and come
 * back by themselves, check what they are told to show. Again and again, while the kills go on, all of them are waited for.
 *
 * @throws when a device goes back, shows what nobody entered, or does not come to the right stage.
 */
export async function runLiveKills(
  seed: number,
  broadcasts: number,
  progress: (done: number) => void,
): Promise<LiveKillSummary> {
  const data = await mkdtemp(join(tmpdir(), 'live-kills-'));
  try {
    return await new KillRun(seed, data, await freePorts(3)).run(broadcasts, progress);
  } finally {
    await rm(data, { recursive: true, force: true });
  }
}
