import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLog, systemClock } from '../foundation/index.ts';
import { createMemoryStore } from '../graph-store/index.ts';
import { defaultEmbeddedLogSettings, type EmbeddedLogSettings, openEmbeddedLog } from './embedded-log.ts';
import { EmbeddedLogDeadLetters } from './embedded-log-dead-letters.ts';
import { EmbeddedLogSource } from './embedded-log-source.ts';
import { Pipeline } from './pipeline.ts';

let folder = '';
let settings: EmbeddedLogSettings = { ...defaultEmbeddedLogSettings, folder };
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'embedded-log-'));
  settings = { ...defaultEmbeddedLogSettings, folder };
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const record = (text: string) => ({
  timestampMs: 5,
  key: null,
  value: Buffer.from(text),
  headers: [{ key: 'h', value: null }],
});

describe('the embedded log', () => {
  it('gives back after reopening what was appended, from any offset', async () => {
    const log = await openEmbeddedLog({ ...settings, chunkBytesMax: 60 });
    const { topicId } = await log.createTopic('views', 2);
    const bases = await Promise.all([
      log.append('views', 1, [record('a'), record('b'), record('c')]),
      log.append('views', 1, [record('d')]),
    ]);
    expect(bases).toEqual([0n, 3n]);
    await log.close();
    const again = await openEmbeddedLog(settings);
    expect(again.cluster).toBe(log.cluster);
    expect(again.topics()).toEqual([{ topic: 'views', topicId, partitions: 2 }]);
    const { records, next } = await again.read('views', 1, 1n, 1_000_000);
    expect(next).toBe(4n);
    expect(records.map(({ offset, value }) => `${offset}${value}`)).toEqual(['1b', '2c', '3d']);
    expect(records[0]).toMatchObject({ timestampMs: 5, key: null, headers: [{ key: 'h', value: null }] });
    expect(await again.append('views', 1, [record('e')])).toBe(4n);
    await again.close();
  });

  it('gives a recreated topic another id and none of the old records', async () => {
    const log = await openEmbeddedLog(settings);
    const first = await log.createTopic('views', 1);
    await log.append('views', 0, [record('a')]);
    await log.deleteTopic('views');
    const second = await log.createTopic('views', 1);
    expect(second.topicId).not.toBe(first.topicId);
    expect(log.ends('views')).toEqual([{ low: 0n, end: 0n }]);
    await log.close();
  });

  it('deletes the oldest chunks beyond its retention and keeps the low watermark', async () => {
    const log = await openEmbeddedLog({ ...settings, retentionBytesMax: 100 });
    await log.createTopic('views', 1);
    for (const text of ['a', 'b', 'c', 'd']) await log.append('views', 0, [record(text)]);
    // Closing waits for the deletes, which come after the acknowledgement.
    await log.close();
    const again = await openEmbeddedLog(settings);
    expect(again.ends('views')).toEqual([{ low: 2n, end: 4n }]);
    await again.close();
  });

  it('refuses a folder of another format', async () => {
    const db = new ClassicLevel(folder);
    await db.put('!format', '99');
    await db.close();
    await expect(openEmbeddedLog(settings)).rejects.toMatchObject({ code: 'LOG_FORMAT', reaction: 'stop' });
  });

  it('names topic, partition and offset of a damaged row', async () => {
    const log = await openEmbeddedLog(settings);
    await log.createTopic('views', 1);
    await log.append('views', 0, [record('a')]);
    await log.close();
    const db = new ClassicLevel<Buffer, Buffer>(folder, { keyEncoding: 'buffer', valueEncoding: 'buffer' });
    for await (const [key, row] of db.iterator({ gte: Buffer.from('c'), lt: Buffer.from('d') })) {
      await db.put(key, row.subarray(0, row.length - 1));
    }
    await db.close();
    const context = { topic: 'views', partition: 0, offset: 0n };
    await expect(openEmbeddedLog(settings)).rejects.toMatchObject({ code: 'LOG_CORRUPT', context });
  });

  it('feeds a pipeline that goes on where the one before ended, and takes its dead letters', async () => {
    const log = await openEmbeddedLog(settings);
    await log.createTopic('views', 1);
    const store = createMemoryStore();
    const retry = { baseMs: 1, maxMs: 10 };
    const live = async (records: number): Promise<void> => {
      const ending = new AbortController();
      let left = records;
      const source = new EmbeddedLogSource(
        log,
        { topic: 'views', readBytesMax: 1_000, retry },
        systemClock,
        () => 0,
      );
      const pipeline = new Pipeline(
        {
          source,
          store,
          deadLetters: new EmbeddedLogDeadLetters(log),
          processor: { process: () => ({ kind: 'filtered' }), load: async () => undefined },
          clock: systemClock,
          random: () => 0,
          log: silentLog,
          freshness: {
            recordFreshness: () => {
              left -= 1;
              if (left === 0) ending.abort();
            },
          },
        },
        {
          batchEventsMax: 1,
          batchBytesMax: 1_000,
          inFlightBytesMax: 1_000,
          sliceMs: 5,
          onGap: 'stop',
          retry,
        },
      );
      await pipeline.run(ending.signal);
    };
    await log.append('views', 0, [record('a'), record('b')]);
    await live(2);
    const running = live(1);
    await log.append('views', 0, [record('c')]);
    await running;
    expect((await store.sources())[0]).toMatchObject({
      next: 3n,
      epoch: 2,
      fates: { consumed: 3, filtered: 3 },
    });
    await log.close();
  });
});
