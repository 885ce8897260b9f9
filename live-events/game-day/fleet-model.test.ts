import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bundledConstants, readConstants } from './fleet-constants.ts';
import { arrivalOf, gatewaysFor, predictBroadcast, predictLoad, shareAt } from './fleet-model.ts';

const constants = {
  ...bundledConstants(),
  deliveriesPerSecond: 100_000,
  hopMs: 5,
  socketsPerGateway: 19_000,
};

describe('the model of the fleet', () => {
  it('reaches sockets one after the other, all gateways at the same time', () => {
    const one = predictBroadcast(19_000, { gateways: 1, serverCores: 1 }, constants);
    expect(one.t100Ms).toBeCloseTo(195, 6);
    expect(one.t50Ms).toBeCloseTo(100, 6);
    const many = predictBroadcast(1_900_000, { gateways: 100, serverCores: 1 }, constants);
    expect(many.t100Ms).toBeCloseTo(one.t100Ms, 6);
    expect(many.cpuSeconds).toBeCloseTo(one.cpuSeconds * 100, 6);
  });

  it('names gateways that are enough, and of which one less would not be', () => {
    const devices = fc.integer({ min: 1, max: 100_000_000 });
    fc.assert(
      fc.property(devices, fc.integer({ min: 6, max: 60_000 }), (count, withinMs) => {
        const gateways = gatewaysFor(count, withinMs, constants) ?? Number.NaN;
        const holds = (fleet: number): boolean => {
          const { t100Ms, socketsPerGateway } = predictBroadcast(count, { gateways: fleet, serverCores: 1 }, constants); // biome-ignore format: one row
          return t100Ms <= withinMs + 1e-6 && socketsPerGateway <= constants.socketsPerGateway;
        };
        // Whole sockets: the most even spread may still have one more on some.
        expect(holds(gateways) || holds(Math.ceil((gateways * 101) / 100) + 1)).toBe(true);
        if (gateways > 1) expect(holds(Math.floor((gateways - 1) * 0.99))).toBe(false);
      }),
      { seed: 7 },
    );
    expect(gatewaysFor(1, 5, constants)).toBeNull();
  });

  it('says 100 million devices in a minute need gateways for their sockets, not for their deliveries', () => {
    expect(gatewaysFor(100_000_000, 60_000, constants)).toBe(Math.ceil(100_000_000 / 19_000));
  });

  it('follows the curve of arrivals, either way', () => {
    const arrivals = [
      { atMs: 0, share: 0.1 },
      { atMs: 1_000, share: 0.5 },
      { atMs: 3_000, share: 1 },
    ];
    expect([-1, 0, 500, 1_000, 2_000, 9_000].map((atMs) => shareAt(arrivals, atMs))).toEqual([0, 0.1, 0.3, 0.5, 0.75, 1].map((share) => expect.closeTo(share, 9))); // biome-ignore format: one row
    expect([0.05, 0.3, 0.75].map((share) => arrivalOf(arrivals, share))).toEqual(
      [0, 500, 2_000].map((ms) => expect.closeTo(ms, 6)),
    );
    expect(arrivalOf([{ atMs: 0, share: 0.4 }], 0.5)).toBeNull();
  });

  it('adds up connects, prefetches and CPU over time', () => {
    const demand = { devices: 100_000, arrivals: [{ atMs: 0, share: 0 }, { atMs: 100_000, share: 1 }], durationMs: 200_000, ttlMs: 1_000_000, userRequestsPerSecond: 100 }; // biome-ignore format: one row
    const load = predictLoad(demand, { gateways: 10, serverCores: 4 }, constants, 20);
    expect(load).toHaveLength(20);
    expect(load[0]).toMatchObject({ connected: 0, connectsPerSecond: 1_000 });
    expect(load[15]).toMatchObject({ connected: 100_000, prefetchPerSecond: 100 });
    expect(load[0]?.serverCpu).toBeCloseTo((1_000 * 800 + 100 * 2_000) / 1e6 / 4, 6);
  });
});

describe('readConstants', () => {
  it.each([
    ['{', 'is not JSON'],
    ['[]', '`source` must say'],
    ['{"source":"x","isPlaceholder":false,"cpuMicrosPerDelivery":-1}', '`cpuMicrosPerDelivery` must be'],
  ])('refuses %s', (text, said) => {
    expect(() => readConstants('c.json', text)).toThrow(said);
  });
});
