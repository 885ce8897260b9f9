import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { computedPart, goal, withComputedPart } from './capacity-page.ts';
import { constantsOf, coresFor, fleetOf } from './fleet.ts';

const root = join(import.meta.dirname, '..', '..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

describe('docs/capacity.md', () => {
  it('says what the committed results of the benchmark come to, and nothing else', () => {
    const part = computedPart(JSON.parse(read('bench/results/broadcast.json')));
    const page = read('docs/capacity.md');
    expect(page).toBe(withComputedPart(page, part));
  });
});

describe('A fleet', () => {
  const constants = {
    sockets: 20_000,
    deliveriesPerSecond: 100_000,
    t100Ms: 200,
    cpuMicrosPerDelivery: 10,
    cpuMicrosPerAcknowledged: 30,
    cpuMicrosPerHeartbeat: 25,
    cpuMicrosPerConnect: 500,
    cpuMicrosPerCounted: 1,
    cpuMicrosPerCountedFirst: 15,
    bytesPerSocket: 8000,
    kernelBytesPerSocket: 4000,
  };

  it('is reckoned from what one gateway needs', () => {
    const hundredMillion = {
      ...goal,
      devices: 100_000_000,
      withinMs: 60_000,
      pingMs: 25_000,
      arrivalMs: 1_800_000,
    };
    expect(fleetOf(constants, hundredMillion, 20_000)).toEqual({
      socketsPerGateway: 20_000,
      gateways: 5000,
      memoryBytesPerGateway: 240_000_000,
      t100Ms: 200,
      isInTime: true,
      heartbeatShare: 0.02,
      arrivalShare: (20_000 / 1800) * 0.0005,
      deathShare: 20_000 / (4999 * 2000),
    });
    expect(fleetOf(constants, hundredMillion, 7_000_000).isInTime).toBe(false);
    expect(coresFor(100_000_000, 10, 60_000)).toBeCloseTo(16.67, 2);
  });

  it('is not reckoned from figures that are not there', () => {
    expect(() => constantsOf({})).toThrow('has no figure gateway.sockets');
  });
});
