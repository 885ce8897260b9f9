import { setTimeout as pause } from 'node:timers/promises';
import type { Broadcast } from '../../device/index.ts';
import { Backoff, seededRandom, systemClock } from '../../foundation/index.ts';
import { MemorySubscriptionTable } from '../router/subscription-table.ts';
import { createDeviceTokens } from './device-tokens.ts';
import { connect, createTestRouter, type RouterBench, testEvent, testSecret } from './gateway-testing.ts';
import { FakeJournal } from './journal.fake.ts';
import { freePort, KilledGateway } from './killed-gateway-testing.ts';
import { createResumeCounts, type ResumeCounts, ResumingDevice } from './resuming-device-testing.ts';
import { startRouterServer, type TestRouterServer } from './router-socket-testing.ts';

export interface LiveCutSummary extends ResumeCounts {
  readonly broadcastsMade: number;
  readonly devices: number;
  readonly gatewaysKilled: number;
  readonly routersCut: number;
  /** Journaled and not sent before the producer was killed; sent again after. */
  readonly sentAgain: number;
  /** From the last broadcast and the last start until all devices showed the right stage. */
  readonly settledMs: number;
}

const devicesCount = 60;
const settleMsMax = 15_000;
const connectMsMax = 5_000;

class CutRun {
  readonly counts = createResumeCounts();
  readonly #random: () => number;
  readonly #journal = new FakeJournal();
  readonly #table = new MemorySubscriptionTable();
  readonly #devices: ResumingDevice[] = [];
  readonly #unsent: Broadcast[] = [];
  readonly #failures: unknown[] = [];
  #gateways: readonly KilledGateway[] = [];
  #bench: RouterBench;
  #server: TestRouterServer | null = null;
  #routerPort = 0;
  #over = false;
  gatewaysKilled = 0;
  routersCut = 0;
  sentAgain = 0;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
    this.#bench = createTestRouter(this.#table, this.#journal);
  }

  below(bound: number): number {
    return Math.floor(this.#random() * bound);
  }

  async run(broadcasts: number, progress: (done: number) => void): Promise<number> {
    this.#routerPort = await freePort();
    await this.#startRouter();
    const routers = [`ws://127.0.0.1:${this.#routerPort}/live/gateway`];
    this.#gateways = [
      new KilledGateway('gateway-1', await freePort(), routers),
      new KilledGateway('gateway-2', await freePort(), routers),
    ];
    await Promise.all(this.#gateways.map((gateway) => gateway.start()));
    const tokens = await createDeviceTokens(testSecret, systemClock);
    const living = Array.from({ length: devicesCount }, (_, index) => {
      const device = new ResumingDevice(`device-${index}`, this.counts);
      this.#devices.push(device);
      return this.#live(device, tokens);
    });
    try {
      const under = [this.#killGateways(), this.#cutRouters()];
      for (let made = 1; made <= broadcasts; made += 1) {
        this.#produce();
        progress(made);
        await pause(10 + this.below(140));
        this.#check();
      }
      this.#over = true;
      await Promise.all(under);
      return await this.#settled();
    } finally {
      this.#over = true;
      for (const gateway of this.#gateways) if (gateway.alive) await gateway.kill();
      await Promise.all(living);
      await this.#server?.kill();
      await this.#bench.router.close();
    }
  }

  /** Journaled first. Now and then the producer is killed before it is sent: then it sends it, and the one before, when it is back. */
  #produce(): void {
    this.#unsent.push(this.#journal.advance(testEvent));
    if (this.below(8) === 0) return;
    if (this.#unsent.length > 1) this.sentAgain += this.#unsent.length;
    for (const broadcast of this.#unsent) this.#bench.router.broadcast(broadcast);
    this.#unsent.length = 0;
  }

  async #startRouter(): Promise<void> {
    this.#bench = createTestRouter(this.#table, this.#journal);
    await this.#bench.router.start();
    this.#server = await startRouterServer(this.#bench.router, this.#routerPort);
  }

  async #cutRouters(): Promise<void> {
    while (!this.#over) {
      await pause(100 + this.below(700));
      await this.#server?.kill();
      await this.#bench.router.close();
      this.routersCut += 1;
      await pause(this.below(400));
      await this.#startRouter();
    }
  }

  async #killGateways(): Promise<void> {
    while (!this.#over) {
      await pause(50 + this.below(400));
      const gateway = this.#gateways[this.below(this.#gateways.length)];
      await gateway?.kill();
      this.gatewaysKilled += 1;
      await pause(this.below(300));
      await gateway?.start();
    }
  }

  /** As a device does: connects with what it has, and again, after a while, when the connection goes; now and then it goes by itself. */
  async #live(device: ResumingDevice, tokens: Parameters<typeof connect>[0]['tokens']): Promise<void> {
    const waits = new Backoff({ baseMs: 20, maxMs: 300 }, systemClock, this.#random);
    while (this.#gateways.some(({ alive }) => alive) || !this.#over) {
      const port = this.#gateways[this.below(2)]?.port ?? 0;
      const after = device.connect();
      const heard = await connect(
        { tokens, url: `ws://127.0.0.1:${port}/live/socket` },
        {
          device: device.name,
          after,
          hear: (message) => {
            waits.reset();
            try {
              device.hear(message);
              if (device.caughtUp) device.acknowledge();
            } catch (error) {
              this.#failures.push(error);
            }
          },
        },
      );
      const leaves = this.below(3) === 0;
      const stop = new AbortController();
      if (leaves && !this.#over)
        void systemClock.sleep(this.below(1_500), stop.signal).then(() => heard.socket.terminate());
      const late = systemClock.sleep(connectMsMax, stop.signal).then(() => {
        if (!stop.signal.aborted && device.at === null) heard.socket.terminate();
      });
      await heard.closed;
      stop.abort();
      await late;
      await waits.wait();
    }
  }

  async #settled(): Promise<number> {
    if (this.#unsent.length > 0) this.#produce();
    const startedMs = Date.now();
    const newest = this.#journal.broadcast(testEvent);
    for (const broadcast of this.#unsent.splice(0)) this.#bench.router.broadcast(broadcast);
    const target = this.#journal.broadcast(testEvent);
    const behind = (): readonly ResumingDevice[] =>
      this.#devices.filter(
        ({ at }) => at === null || at.sequence !== target.sequence || at.epoch !== newest.epoch,
      );
    while (behind().length > 0) {
      this.#check();
      if (Date.now() - startedMs > settleMsMax)
        throw new Error(
          `${behind().map(({ name }) => name)} are not at the newest stage after ${settleMsMax} ms`,
        );
      await pause(10);
    }
    this.#check();
    return Date.now() - startedMs;
  }

  #check(): void {
    const [failure] = this.#failures;
    if (failure !== undefined) throw failure;
  }
}

/**
 * Gateways are processes that are killed with -9. Router and producer are of this process and cannot be: the router is cut off and made anew from journal
 * and table, of the producer's broadcasts some are journaled and not sent until later. Devices that know no rules but those of the protocol check each single message.
 *
 * @throws at the first message that must not have been sent, and when a device does not end at the right stage.
 */
export async function runLiveCuts(
  seed: number,
  broadcasts: number,
  progress: (done: number) => void,
): Promise<LiveCutSummary> {
  const run = new CutRun(seed);
  const settledMs = await run.run(broadcasts, progress);
  const { gatewaysKilled, routersCut, sentAgain } = run;
  return {
    broadcastsMade: broadcasts,
    devices: devicesCount,
    gatewaysKilled,
    routersCut,
    sentAgain,
    settledMs,
    ...run.counts,
  };
}
