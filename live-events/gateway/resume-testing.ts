import { setImmediate as turn } from 'node:timers/promises';
import type { Cursor } from '../../device/index.ts';
import { must, type Random, seededRandom, steadyTime, systemClock } from '../../foundation/index.ts';
import { InProcessLink } from '../router/in-process-link.ts';
import { DeliveryLedger } from './delivery-ledger.ts';
import type { EventFeed } from './event-feed.ts';
import { EventFeeds } from './event-feeds.ts';
import type { GatewayLimits } from './gateway-limits.ts';
import { ampleGatewayLimits } from './gateway-limits-testing.ts';
import { createGatewayMetrics } from './gateway-metrics.ts';
import { createTestRouter, type RouterBench, testEvent } from './gateway-testing.ts';
import { createResumeCounts, type ResumeCounts, ResumingDevice } from './resuming-device-testing.ts';
import { Session } from './session.ts';
import { FakeWire } from './wire.fake.ts';

/** Disconnects and resumes without sockets: feeds, sessions, router and catch-up are the real ones. */

const devicesCount = 40;
const never = Number.MAX_SAFE_INTEGER;
const limits: GatewayLimits = { ...ampleGatewayLimits, historyBroadcastsMax: 12 };

interface Resumer {
  readonly device: ResumingDevice;
  session: Session | null;
  connecting: boolean;
}

export interface ResumeSummary extends ResumeCounts {
  readonly trims: number;
  readonly gatewaysReplaced: number;
  readonly epochs: number;
}

class ResumeRun {
  readonly counts = createResumeCounts();
  readonly #bench: RouterBench = createTestRouter();
  readonly #random: Random;
  readonly #resumers: readonly Resumer[];
  readonly #failures: unknown[] = [];
  #feeds: EventFeeds;
  trims = 0;
  gatewaysReplaced = 0;
  epochs = 1;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
    this.#resumers = Array.from({ length: devicesCount }, (_, index) => ({
      device: new ResumingDevice(`device ${index}`, this.counts),
      session: null,
      connecting: false,
    }));
    this.#feeds = this.#gateway();
  }

  below(bound: number): number {
    return Math.floor(this.#random() * bound);
  }

  /** Something happens to everybody, then one device goes and comes back. */
  async cycle(): Promise<void> {
    this.#happen();
    const resumer = must(this.#resumers[this.below(devicesCount)], 'it is one of them');
    if (resumer.connecting) {
      await turn();
      return;
    }
    this.#disconnect(resumer);
    const connecting = this.#guarded(() => this.#connect(resumer));
    // Mostly others go on meanwhile: broadcasts fall between the question to the journal and its answer.
    if (this.below(3) === 0) await connecting;
    const [failure] = this.#failures;
    if (failure !== undefined) throw failure;
  }

  async end(): Promise<void> {
    while (this.#resumers.some(({ connecting }) => connecting)) await turn();
    const newest = this.#bench.advance();
    const [failure] = this.#failures;
    if (failure !== undefined) throw failure;
    for (const { device, session } of this.#resumers) {
      if (session === null) continue;
      if (device.at?.epoch !== newest.epoch || device.at.sequence !== newest.sequence)
        throw new Error(`${device.name} does not end at the newest broadcast`);
    }
  }

  /** What a device finds wrong is thrown where the gateway writes; here it is kept for the run to end with. */
  async #guarded(act: () => Promise<void> | void): Promise<void> {
    try {
      await act();
    } catch (error) {
      this.#failures.push(error);
    }
  }

  #happen(): void {
    for (const { device } of this.#resumers) if (this.below(4) === 0) device.acknowledge();
    const kind = this.below(1_000);
    if (kind < 2) this.#restore();
    else if (kind < 8) this.#replaceGateway();
    else if (kind < 60) for (let left = this.below(60); left > 0; left -= 1) this.#bench.advance();
    else if (kind < 600) for (let left = this.below(4); left > 0; left -= 1) this.#bench.advance();
    if (this.below(20) > 0) return;
    this.trims += 1;
    this.#bench.journal.trim(testEvent, 1 + this.below(60));
  }

  /** The journal is restored from a copy: it lives anew. */
  #restore(): void {
    this.epochs += 1;
    this.#bench.router.broadcast(this.#bench.journal.restore(testEvent));
  }

  #gateway(): EventFeeds {
    const metrics = createGatewayMetrics();
    const link = new InProcessLink(this.#bench.router, 'gateway-1', 20_000);
    const ledger = new DeliveryLedger('gateway-1', limits, systemClock, () => undefined);
    const shut = (session: Session, code: number, reason: string): void => {
      session.feed.leave(session);
      session.wire.shut(code, reason);
    };
    const feeds = new EventFeeds(link, {
      limits,
      clock: systemClock,
      steadyMs: steadyTime,
      ledger,
      metrics,
      shut,
    });
    link.listen(feeds);
    return feeds;
  }

  #replaceGateway(): void {
    this.gatewaysReplaced += 1;
    for (const resumer of this.#resumers) this.#disconnect(resumer);
    this.#feeds = this.#gateway();
  }

  #disconnect(resumer: Resumer): void {
    resumer.session?.feed.leave(resumer.session);
    resumer.session = null;
  }

  async #connect(resumer: Resumer): Promise<void> {
    const feeds = this.#feeds;
    const { device } = resumer;
    resumer.connecting = true;
    try {
      const cursor = device.connect();
      const feed = must(await feeds.open(testEvent), 'the event is there');
      const journal = feed.asks(cursor) ? await feeds.history(testEvent, cursor) : null;
      // Killed meanwhile.
      if (this.#feeds !== feeds) return;
      resumer.session = this.#join(feed, device, cursor, journal);
    } finally {
      resumer.connecting = false;
    }
  }

  #join(
    feed: EventFeed,
    device: ResumingDevice,
    cursor: Cursor,
    journal: Parameters<EventFeed['join']>[2],
  ): Session {
    const wire = new FakeWire((message) => void this.#guarded(() => device.hear(message)));
    const claims = { event: testEvent, member: 'Account:a1', device: device.name, expiresAtMs: never };
    const times = { nowMs: 0, expiresAtMs: never, endsAtMs: never, nextPingMs: never, messagesBurst: 1 };
    const session = new Session(wire, feed, claims, times);
    feed.join(session, cursor, journal);
    if (!device.caughtUp) throw new Error(`${device.name} was welcomed and not sent all that it missed`);
    return session;
  }
}

/** @throws at the first message that must not have been sent; the same seed gives the same run. */
export async function runResumes(
  seed: number,
  cycles: number,
  progress: (done: number) => void,
): Promise<ResumeSummary> {
  const run = new ResumeRun(seed);
  for (let done = 0; done < cycles; ) {
    const before = run.counts.connects;
    await run.cycle();
    if (run.counts.connects === before) continue;
    done += 1;
    progress(done);
  }
  await run.end();
  const { trims, gatewaysReplaced, epochs } = run;
  return { ...run.counts, trims, gatewaysReplaced, epochs };
}
