import type { Broadcast, Cursor } from '../../device/index.ts';
import type { Clock } from '../../foundation/index.ts';
import type { DeliveryReport, History } from '../ports.ts';
import { DeliveryLedger } from './delivery-ledger.ts';
import { EventFeed } from './event-feed.ts';
import type { GatewayLimits } from './gateway-limits.ts';
import { ampleGatewayLimits } from './gateway-limits-testing.ts';
import { createGatewayMetrics, type GatewayMetrics } from './gateway-metrics.ts';
import { Session } from './session.ts';
import { FakeWire } from './wire.fake.ts';

/** A clock whose `sleep(0)` lasts until the test says so. */
export class TurnClock implements Clock {
  nowMs = 1_000;
  #waiting: (() => void)[] = [];

  now(): number {
    return this.nowMs;
  }

  sleep(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  get idle(): boolean {
    return this.#waiting.length === 0;
  }

  /** Everybody who waits has a turn. */
  async turn(): Promise<void> {
    for (const wake of this.#waiting.splice(0)) wake();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** A feed and its sessions, without sockets. */
export class FeedBench {
  readonly clock = new TurnClock();
  readonly metrics: GatewayMetrics = createGatewayMetrics();
  readonly reports: DeliveryReport[] = [];
  readonly feed: EventFeed;
  readonly ledger: DeliveryLedger;

  constructor(limits: Partial<GatewayLimits> = {}) {
    const all = { ...ampleGatewayLimits, ...limits };
    this.ledger = new DeliveryLedger('gateway-1', all, this.clock, (report) => this.reports.push(report));
    this.feed = new EventFeed('fight-1', {
      limits: all,
      clock: this.clock,
      steadyMs: () => this.clock.now(),
      ledger: this.ledger,
      metrics: this.metrics,
      shut: (session, code, reason) => {
        session.feed.leave(session);
        session.wire.shut(code, reason);
      },
    });
  }

  join(device: string, cursor: Cursor, journal: History | null = null): { session: Session; wire: FakeWire } {
    const wire = new FakeWire();
    const claims = { event: 'fight-1', member: 'Account:a1', device, expiresAtMs: Number.MAX_SAFE_INTEGER };
    const endsAtMs = Number.MAX_SAFE_INTEGER;
    const session = new Session(wire, this.feed, claims, {
      nowMs: 0,
      expiresAtMs: endsAtMs,
      endsAtMs,
      nextPingMs: endsAtMs,
      messagesBurst: 16,
    });
    this.feed.join(session, cursor, journal);
    return { session, wire };
  }

  /** Until nothing is under way any more. */
  async settle(): Promise<void> {
    while (!this.clock.idle) await this.clock.turn();
  }
}

export function stageBroadcast(sequence: number, epoch = 1_000): Broadcast {
  return {
    type: 'broadcast',
    event: 'fight-1',
    epoch,
    sequence,
    version: 1,
    stage: `s${sequence}`,
    at: 1_000,
  };
}
