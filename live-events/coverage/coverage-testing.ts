import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RoaringBitmap32 } from 'roaring-wasm';
import { onTestFinished } from 'vitest';
import { type Clock, type Log, OutageError, silentLog } from '../../foundation/index.ts';
import type { LiveEvent } from '../live-event.ts';
import type { AudienceMembers, Delivery, DeliveryReport } from '../ports.ts';
import { CoverageStore, type CoverageStoreLimits, coverageStoreLimitsDefault } from './coverage-store.ts';
import { type CoverageLimits, CoverageTracker, coverageLimitsDefault } from './coverage-tracker.ts';

/** Accounts `a0` to `a(count - 1)`. */
export class FakeAudience implements AudienceMembers {
  readonly id: string;
  readonly memberType = 'Account';
  readonly count: number;

  constructor(id: string, count: number) {
    this.id = id;
    this.count = count;
  }

  async numbersOf(ids: readonly string[]): Promise<readonly (number | null)[]> {
    return ids.map((id) => {
      const number = /^a\d+$/.test(id) ? Number(id.slice(1)) : this.count;
      return number < this.count ? number : null;
    });
  }

  async *pages(): AsyncIterable<readonly string[]> {
    yield await this.idsOf(Array.from({ length: this.count }, (_one, i) => i));
  }

  async idsOf(numbers: readonly number[]): Promise<readonly string[]> {
    return numbers.map((number) => `a${number}`);
  }
}

/** Time stands still; what sleeps wakes when it is aborted. */
export const stillClock: Clock = {
  now: () => 1000,
  sleep: (_delayMs, signal) =>
    new Promise((resolve) => {
      if (signal === undefined || signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
    }),
};

/** What sleeps wakes when it is told to. */
export class WakingClock implements Clock {
  #wake = (): void => undefined;
  #asleep = Promise.withResolvers<void>();

  now(): number {
    return stillClock.now();
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    const woken = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#asleep.resolve();
    return Promise.race([stillClock.sleep(delayMs, signal), woken]);
  }

  /** Resolves when what it woke sleeps again. */
  async wake(): Promise<void> {
    this.#asleep = Promise.withResolvers();
    this.#wake();
    await this.#asleep.promise;
  }
}

export interface TestCoverageOptions {
  readonly audience?: FakeAudience | null;
  /** While it says so, no audience can be read. */
  readonly isOut?: () => boolean;
  readonly log?: Log;
  /** Numbers of that audience; null: nobody keeps that. */
  readonly prefetched?: (audience: string) => readonly number[] | null;
  readonly limits?: Partial<CoverageLimits>;
  readonly store?: Partial<CoverageStoreLimits>;
  readonly clock?: Clock;
}

export async function coverageFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'coverage-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

export async function startTestCoverage(
  folder: string,
  options: TestCoverageOptions = {},
): Promise<CoverageTracker> {
  const { audience = null, isOut = () => false, prefetched = () => null, log = silentLog } = options;
  return CoverageTracker.start({
    store: await CoverageStore.open(folder, { ...coverageStoreLimitsDefault, ...options.store }),
    sources: {
      audience: async (id) => {
        if (isOut()) throw new OutageError('STORE_READ_FAILED', 'The disk is away.');
        return audience?.id === id ? audience : null;
      },
      prefetched: async (_event, id) => {
        const numbers = prefetched(id);
        return numbers === null ? null : new RoaringBitmap32(numbers);
      },
    },
    clock: options.clock ?? stillClock,
    log,
    limits: { ...coverageLimitsDefault, ...options.limits },
  });
}

export function liveEventAt(sequence: number, changes: Partial<LiveEvent> = {}): LiveEvent {
  return {
    id: 'fight-1',
    title: 'The fight',
    audience: 'everybody',
    stages: [{ key: 'live', kind: 'live', startsAtMs: 1000 }],
    stage: 'live',
    stageKind: 'live',
    at: 1000,
    version: 1,
    epoch: 1,
    sequence,
    createdMs: 0,
    plan: null,
    ...changes,
  };
}

/** `a1@20` is account a1 after 20 ms; a second device is told apart by a dot: `a1.tv@30`. */
export function deliveries(...texts: readonly string[]): readonly Delivery[] {
  return texts.map((text) => {
    const [who = '', delay = '0'] = text.split('@');
    const [id = '', device = 'phone'] = who.split('.');
    return { member: `Account:${id}`, device, delayMs: Number(delay) };
  });
}

export function reportOf(sequence: number, changes: Partial<DeliveryReport> = {}): DeliveryReport {
  return {
    gateway: 'g1',
    event: 'fight-1',
    epoch: 1,
    sequence,
    sent: [],
    applied: [],
    dropped: [],
    ...changes,
  };
}
