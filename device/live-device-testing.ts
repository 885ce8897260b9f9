import { expect, onTestFinished } from 'vitest';
import { type DeviceLimits, LiveDevice, type LiveDeviceOptions } from './live-device.ts';
import type { LiveServerFake } from './live-server.fake.ts';
import type { ShownStage } from './stage-renderer.ts';

/** So far away that a device with a real clock shows nothing of it by itself. */
export const testStartMs = Date.UTC(2100, 0, 1);

/** As a server would answer it: announced a day before, a lobby half an hour before, two hours live. */
export function testPrefetch(version = 1, changes: object = {}): Readonly<Record<string, unknown>> {
  const keys = ['announced', 'lobby', 'live', 'round-2', 'ended', 'replay', 'cancelled'];
  return {
    version,
    etag: `"${version}"`,
    ttlMs: 3_600_000,
    expiresAt: testStartMs + 3_600_000,
    stages: [
      { key: 'announced', kind: 'announced', startsAtMs: testStartMs - 86_400_000 },
      { key: 'lobby', kind: 'lobby', startsAtMs: testStartMs - 1_800_000 },
      { key: 'live', kind: 'live', startsAtMs: testStartMs },
      { key: 'round-2', kind: 'custom', startsAtMs: null },
      { key: 'ended', kind: 'ended', startsAtMs: testStartMs + 7_200_000 },
      { key: 'replay', kind: 'replay', startsAtMs: null },
    ],
    stageMap: Object.fromEntries(keys.map((key) => [key, { title: `${key} ${version}` }])),
    quiet: null,
    spreadMs: 0,
    ...changes,
  };
}

export interface TestDevice {
  readonly device: LiveDevice;
  readonly shown: ShownStage[];
  readonly problems: string[];
  /** Resolves when the stage shown last is this one. */
  readonly sees: (stage: string) => Promise<void>;
}

/** Backs off by milliseconds, so that tests need not wait. */
export const swiftLimits: Partial<DeviceLimits> = {
  socketBackoff: { baseMs: 1, capMs: 5 },
  prefetchBackoff: { baseMs: 1, capMs: 5 },
};

/** Started, and closed with the test. */
export function startDevice(server: LiveServerFake, options: Partial<LiveDeviceOptions> = {}): TestDevice {
  const shown: ShownStage[] = [];
  const problems: string[] = [];
  const device = new LiveDevice({
    event: 'fight-1',
    member: 'Account:a1',
    device: 'tv',
    prefetch: async () => ({ kind: 'new', prefetch: testPrefetch() }),
    connection: async () => server.grant(),
    onStage: (stage) => {
      shown.push(stage);
    },
    onProblem: ({ code }) => problems.push(code),
    limits: swiftLimits,
    ...options,
  });
  onTestFinished(() => device.close());
  device.start();
  const sees = async (stage: string): Promise<void> => {
    await expect.poll(() => shown.at(-1)?.stage, { interval: 2, timeout: 5000 }).toBe(stage);
  };
  return { device, shown, problems, sees };
}

/** Time that moves when the test says so, with those who wait for it. */
export class HandClock {
  #nowMs: number;
  readonly #sleepers = new Set<{ atMs: number; readonly wake: () => void }>();

  constructor(nowMs = testStartMs) {
    this.#nowMs = nowMs;
  }

  now(): number {
    return this.#nowMs;
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return Promise.resolve();
    return new Promise((resolve) => {
      const sleeper = {
        atMs: this.#nowMs + delayMs,
        wake: () => {
          this.#sleepers.delete(sleeper);
          resolve();
        },
      };
      this.#sleepers.add(sleeper);
      signal?.addEventListener('abort', sleeper.wake, { once: true });
    });
  }

  /** When the next of them wakes; null when nobody sleeps for a time that ends. */
  nextMs(): number | null {
    const times = [...this.#sleepers].map(({ atMs }) => atMs).filter(Number.isFinite);
    return times.length === 0 ? null : Math.min(...times);
  }

  /** As for a machine that was asleep: nobody wakes until time goes on. */
  jump(byMs: number): void {
    this.#nowMs += byMs;
  }

  /** As when somebody sets it: those who sleep sleep on for as long. */
  set(byMs: number): void {
    this.#nowMs += byMs;
    for (const sleeper of this.#sleepers) sleeper.atMs += byMs;
  }

  /** From sleeper to sleeper, each of whom acts before the next wakes. */
  async advance(byMs: number): Promise<void> {
    const untilMs = this.#nowMs + byMs;
    await settle();
    for (let next = this.nextMs(); next !== null && next <= untilMs; next = this.nextMs()) {
      this.#nowMs = Math.max(this.#nowMs, next);
      for (const sleeper of [...this.#sleepers]) if (sleeper.atMs <= this.#nowMs) sleeper.wake();
      await settle();
    }
    this.#nowMs = untilMs;
  }
}

/** Everything that waits for no timer and no socket has happened. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
}
