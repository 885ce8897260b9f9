import { describe, expect, it } from 'vitest';
import { bundledConstants } from './fleet-constants.ts';
import { predictBroadcast } from './fleet-model.ts';
import { minuteMs, play, smallScenario } from './rehearsal-testing.ts';
import type { Fault, Scenario } from './scenario.ts';

const liveOf = (result: ReturnType<typeof play>) => result.broadcasts.find(({ stage, cause }) => stage === 'live' && cause === 'stage'); // biome-ignore format: one row

describe('a rehearsal', () => {
  it('brings every device that comes to every stage, with nobody missing and nobody taken back', () => {
    const result = play();
    expect(result.totals).toMatchObject({
      arrived: 2_000,
      stepsBack: 0,
      prefetchCoverage: 1,
      userAdmitted: 1,
    });
    expect(result.broadcasts.map(({ stage }) => stage)).toEqual(['announced', 'lobby', 'live', 'ended']);
    for (const { devices, reached, superseded, missing } of result.broadcasts) {
      expect(missing).toBe(0);
      expect(reached + superseded).toBe(devices);
    }
    expect(liveOf(result)?.devices).toBeGreaterThan(1_900);
  });

  it('does the same for the same seed and something else for another', () => {
    const faults: readonly Fault[] = [{ kind: 'connections-lost', atMs: 16 * minuteMs, share: 0.5 }];
    const [first, again, other] = [play({ faults }), play({ faults }), play({ faults }, { seed: 4 })];
    expect(again.hash).toBe(first.hash);
    expect(again).toEqual(first);
    expect(other.hash).not.toBe(first.hash);
    expect(first.hash).toMatch(/^[0-9a-f]{16}$/);
  });

  it('takes as long for a broadcast as the model predicts, where nothing gets in between', () => {
    const constants = { ...bundledConstants(), deliveriesPerSecond: 1_000 };
    const result = play({ lossesPerHour: 0 }, { constants });
    const live = liveOf(result);
    const predicted = predictBroadcast(live?.devices ?? 0, smallScenario.fleet, constants);
    // Gateways get their sockets at random, so the fullest has some more than the mean.
    expect(live?.t100Ms).toBeGreaterThan(predicted.t100Ms);
    expect(live?.t100Ms).toBeLessThan(predicted.t100Ms * 1.25);
    expect(Math.abs((live?.t50Ms ?? 0) - predicted.t50Ms)).toBeLessThan(predicted.t50Ms * 0.1);
  });

  it('keeps expiries out of the quiet window, also of a schedule that is moved twice and starts late', () => {
    const faults: readonly Fault[] = [
      { kind: 'schedule-moved', atMs: 5 * minuteMs, byMs: 2 * minuteMs },
      { kind: 'schedule-moved', atMs: 8 * minuteMs, byMs: -minuteMs },
      { kind: 'late-start', stage: 'live', byMs: minuteMs },
    ];
    const result = play({ faults });
    expect(result.totals.quietRefreshes).toBe(0);
    expect(result.broadcasts.map(({ cause }) => cause)).toEqual(['stage', 'moved', 'moved', 'stage', 'late', 'stage', 'stage']); // biome-ignore format: one row
    expect(result.broadcasts.map(({ version }) => version)).toEqual([1, 2, 3, 3, 4, 4, 4]);
    expect(liveOf(result)?.atMs).toBe(17 * minuteMs);
    expect(result.series.values.expirations.some((rate) => rate > 0)).toBe(true);
  });

  it('sees devices ask within the window when they could not be told that it was moved', () => {
    const killed = [0, 1, 2, 3].map((gateway): Fault => ({ kind: 'gateway-killed', atMs: 8 * minuteMs, gateway, downMs: 5 * minuteMs })); // biome-ignore format: one row
    const faults: readonly Fault[] = [...killed, { kind: 'schedule-moved', atMs: 9 * minuteMs, byMs: -4 * minuteMs }]; // biome-ignore format: one row
    expect(play({ faults }).totals.quietRefreshes).toBeGreaterThan(0);
  });

  it('brings everybody back after a gateway is killed in the middle of a broadcast', () => {
    const constants = { ...bundledConstants(), deliveriesPerSecond: 100 };
    const atMs = 15 * minuteMs + 1_000;
    const faults: readonly Fault[] = [{ kind: 'gateway-killed', atMs, gateway: 1, downMs: 5 * minuteMs }];
    const result = play({ faults, lossesPerHour: 0 }, { constants });
    const [recovery] = result.recoveries;
    expect(recovery?.lost).toBeGreaterThan(400);
    expect(recovery?.back).toBe(recovery?.lost);
    expect(recovery?.tookMs).toBeLessThan(5_000);
    expect(liveOf(result)).toMatchObject({ missing: 0 });
  });

  it('does not bring back who has no gateway to go to', () => {
    const faults: readonly Fault[] = [0, 1, 2, 3].map((gateway) => ({ kind: 'gateway-killed', atMs: 20 * minuteMs, gateway, downMs: 20 * minuteMs })); // biome-ignore format: one row
    const result = play({ faults });
    expect(
      result.recoveries.every(({ lost, back, tookMs }) => lost > 0 && back === 0 && tookMs === null),
    ).toBe(true);
    expect(result.broadcasts.at(-1)).toMatchObject({ stage: 'ended', devices: 0 });
  });

  it('spreads a storm of reconnects over what gateways accept', () => {
    const constants = { ...bundledConstants(), connectsPerSecondPerGateway: 50 };
    const faults: readonly Fault[] = [{ kind: 'connections-lost', atMs: 20 * minuteMs, share: 1 }];
    const result = play({ faults, lossesPerHour: 0 }, { constants });
    const [recovery] = result.recoveries;
    expect(recovery?.tookMs).toBeGreaterThan(((recovery?.lost ?? 0) / 4 / 50 - 2) * 1000);
    expect(recovery?.tookMs).toBeLessThan(60_000);
    expect(result.totals.connectsRefused).toBeGreaterThan(0);
  });

  it('sheds prefetches and keeps users when a rush takes the servers', () => {
    const faults: readonly Fault[] = [
      { kind: 'user-rush', atMs: 2 * minuteMs, factor: 15, lastsMs: 5 * minuteMs },
    ];
    const result = play({ faults, devices: 200_000 });
    expect(result.totals.shed.prefetch).toBeGreaterThan(1_000);
    expect(result.totals.userAdmitted).toBeGreaterThan(0.994);
    expect(result.totals.prefetchCoverage).toBeGreaterThan(0.9);
  });

  it('counts many devices for each that is simulated, with much the same result', () => {
    const whole: Partial<Scenario> = { devices: 20_000, devicesSimulated: 20_000, lossesPerHour: 0 };
    const [fine, coarse] = [play(whole), play({ ...whole, devicesSimulated: 2_000 })];
    expect(coarse.totals.arrived).toBe(20_000);
    const near = (a: number, b: number): void => expect(Math.abs(a - b)).toBeLessThan(b * 0.1);
    near(coarse.totals.prefetches, fine.totals.prefetches);
    near(liveOf(coarse)?.t50Ms ?? 0, liveOf(fine)?.t50Ms ?? 0);
    near(coarse.totals.connectedMax, fine.totals.connectedMax);
  });

  it('takes 200,000 devices through half an hour in seconds: a million are five times as many', () => {
    const count = 200_000;
    const started = performance.now();
    const result = play({ devices: count, devicesSimulated: count, fleet: { gateways: 12, serverCores: 8 } });
    expect(result.totals.arrived).toBe(count);
    expect(result.broadcasts.every(({ missing }) => missing === 0)).toBe(true);
    expect(performance.now() - started).toBeLessThan(12_000);
  });
});
