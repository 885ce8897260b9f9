import { describe, expect, it } from 'vitest';
import type { SourcePartition, SourceStatus } from '../graph-store/index.ts';
import type { SourceEnd } from './event-source.ts';
import { LagMeter } from './lag-meter.ts';
import { noFates } from './pipeline-status.ts';

const source: SourcePartition = { cluster: 'c', topic: 't', topicId: 'i', partition: 0 };
const upTo = (end: bigint, low = 0n): readonly SourceEnd[] => [{ source, low, end }];
const applied = (next: bigint, newestEventMs = 0): readonly SourceStatus[] => [
  { source, epoch: 1, next, fates: noFates, newestEventMs },
];

describe('The lag meter', () => {
  it('counts records of a partition that nobody has ever claimed, from its first one on', () => {
    expect(new LagMeter().observe(upTo(10n, 4n), [], 1000)).toEqual([{ source, records: 6n, waitedMs: 0 }]);
  });

  it('says of what it has never seen caught up how long ago the newest applied event was', () => {
    const meter = new LagMeter();
    expect(meter.observe(upTo(10n), applied(4n, 200), 1000)[0]?.waitedMs).toBe(800);
    expect(meter.observe(upTo(10n), applied(6n, 900), 2000)[0]?.waitedMs).toBe(1100);
  });

  it('does not say of a quiet topic that its first new record has waited for as long as the quiet lasted', () => {
    const meter = new LagMeter();
    expect(meter.observe(upTo(10n), applied(10n, 1), 90_000)[0]).toMatchObject({ records: 0n, waitedMs: 0 });
    expect(meter.observe(upTo(11n), applied(10n, 1), 95_000)[0]).toMatchObject({
      records: 1n,
      waitedMs: 5000,
    });
  });

  it('counts from when it first looked where nothing was ever applied', () => {
    const meter = new LagMeter();
    meter.observe(upTo(3n), [], 1000);
    expect(meter.observe(upTo(3n), applied(0n), 4000)[0]?.waitedMs).toBe(3000);
  });

  it('never waits a negative time, whatever clocks the events come from', () => {
    expect(new LagMeter().observe(upTo(10n), applied(4n, 5000), 1000)[0]?.waitedMs).toBe(0);
  });

  it('takes a recreated topic for another one', () => {
    const meter = new LagMeter();
    meter.observe(upTo(10n), applied(10n, 500), 1000);
    const again = { ...source, topicId: 'j' };
    expect(meter.observe([{ source: again, low: 0n, end: 7n }], applied(10n, 500), 2000)).toEqual([
      { source: again, records: 7n, waitedMs: 0 },
    ]);
  });
});
