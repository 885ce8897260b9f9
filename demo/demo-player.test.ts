import { describe, expect, it } from 'vitest';
import { type Clock, OutageError } from '../foundation/index.ts';
import { type DemoLimits, DemoPlayer, type DemoRecord, featuredAccountId } from './index.ts';

const limits: DemoLimits = { partitions: 2, eventsPerSecond: 100, historyMembers: 20, activeMembers: 10 };

function fixture(failure: () => Error | null = () => null) {
  const written: { topic: string; partition: number; record: DemoRecord }[] = [];
  let nowMs = Date.UTC(2026, 0, 2);
  let ids = 0;
  let state = 42;
  const clock: Clock = {
    now: () => nowMs,
    sleep: async (delayMs) => {
      nowMs += Math.ceil(delayMs);
    },
  };
  const random = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  const player = new DemoPlayer(
    {
      log: {
        append: async (topic, partition, records) => {
          const error = failure();
          if (error !== null) throw error;
          for (const record of records) written.push({ topic, partition, record });
        },
      },
      encode: (_topic, fields) =>
        Buffer.from(
          JSON.stringify(fields, (_, value) => (typeof value === 'bigint' ? Number(value) : value)),
        ),
      clock,
      random,
      newId: () => `id-${++ids}`,
    },
    limits,
  );
  return { player, written, clock, now: () => nowMs };
}

describe('DemoPlayer', () => {
  it('writes a past day in which the featured member crosses six domains', async () => {
    const { player, written } = fixture();
    await player.writeHistory();
    const own = written.filter(
      ({ record }) => Buffer.from(record.key ?? []).toString() === featuredAccountId,
    );
    const domains = new Set(own.map(({ topic }) => topic.split('.')[0]));
    expect([...domains].sort()).toEqual(['ads', 'devices', 'games', 'identity', 'live', 'streaming']);
  });

  it('writes each partition in event-time order and nothing from the future', async () => {
    const { player, written, now } = fixture();
    await player.writeHistory();
    const lastMs = new Map<string, number>();
    for (const { topic, partition, record } of written) {
      const lane = `${topic}/${partition}`;
      expect(record.timestampMs).toBeGreaterThanOrEqual(lastMs.get(lane) ?? 0);
      expect(record.timestampMs).toBeLessThanOrEqual(now());
      lastMs.set(lane, record.timestampMs);
    }
    expect(written.length).toBeGreaterThan(200);
  });

  it('keeps to its rate and sends some records twice and some as rubbish', async () => {
    const { player, written, clock } = fixture();
    const stop = new AbortController();
    const startMs = clock.now();
    const sleep = clock.sleep.bind(clock);
    clock.sleep = async (delayMs) => {
      await sleep(delayMs);
      if (clock.now() - startMs >= 60_000) stop.abort();
    };
    await player.play(stop.signal);
    const rubbish = written.filter(({ record }) => record.value?.length === 9).length;
    expect(rubbish).toBeGreaterThanOrEqual(11);
    expect(written.length).toBeGreaterThan(6000);
    expect(written.length).toBeLessThan(6000 * 1.04);
  });

  it('rests while the log is down, goes on by itself and does not hide a bug', async () => {
    let error: Error | null = null;
    let failures = 0;
    const { player, written, clock } = fixture(() => {
      if (error !== null) failures += 1;
      return error;
    });
    const stop = new AbortController();
    const startMs = clock.now();
    const sleep = clock.sleep.bind(clock);
    clock.sleep = async (delayMs) => {
      await sleep(delayMs);
      const seconds = (clock.now() - startMs) / 1000;
      error = seconds >= 10 && seconds < 40 ? new OutageError('DISK_FULL', 'no room') : null;
      if (seconds >= 60) stop.abort();
    };
    await player.play(stop.signal);
    expect(failures).toBeGreaterThan(2);
    expect(failures).toBeLessThan(200);
    expect(written.length).toBeGreaterThan(2000);
    expect(written.length).toBeLessThan(4000);

    error = new TypeError('a bug');
    clock.sleep = sleep;
    await expect(player.play(new AbortController().signal)).rejects.toBe(error);
  });
});
