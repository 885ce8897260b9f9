import { copyFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { OutageError } from '../foundation/index.ts';
import {
  defaultEmbeddedLogSettings,
  EmbeddedLog,
  type EmbeddedLogSettings,
  openEmbeddedLog,
} from './embedded-log.ts';
import { readFailure, writeFailure } from './embedded-log-error.ts';
import { LogRows } from './embedded-log-rows.ts';

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

/** A write may be on disk for a while before whoever waits for it hears so. */
class SlowRows extends LogRows {
  #hold: { readonly told: PromiseWithResolvers<void>; readonly written: PromiseWithResolvers<void> } | null =
    null;

  holdNext() {
    this.#hold = { told: Promise.withResolvers(), written: Promise.withResolvers() };
    return this.#hold;
  }

  override async write(...write: Parameters<LogRows['write']>): Promise<void> {
    await super.write(...write);
    this.#hold?.written.resolve();
    await this.#hold?.told.promise;
    this.#hold = null;
  }
}

async function keysFrom(gte: string, lt: string): Promise<readonly Buffer[]> {
  const db = new ClassicLevel<Buffer, Buffer>(folder, { keyEncoding: 'buffer', valueEncoding: 'buffer' });
  try {
    return await db.keys({ gte: Buffer.from(gte), lt: Buffer.from(lt) }).all();
  } finally {
    await db.close();
  }
}

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

  it('has taken away what lies beyond its retention when it acknowledges, also for whoever opens it after a crash', async () => {
    const log = await openEmbeddedLog({ ...settings, retentionBytesMax: 100 });
    await log.createTopic('views', 1);
    for (const text of ['a', 'b', 'c', 'd']) await log.append('views', 0, [record(text)]);
    expect(log.ends('views')).toEqual([{ low: 2n, end: 4n }]);
    await expect(log.read('views', 0, 1n, 1_000)).rejects.toMatchObject({ code: 'LOG_OFFSET_OUT_OF_RANGE' });
    expect((await log.read('views', 0, 2n, 1_000)).records.map(({ value }) => String(value))).toEqual([
      'c',
      'd',
    ]);
    // The files as a killed process leaves them.
    const copy = await mkdtemp(join(tmpdir(), 'embedded-log-copy-'));
    const files = (await readdir(folder)).filter((name) => name !== 'LOCK');
    for (const name of files) await copyFile(join(folder, name), join(copy, name));
    const again = await openEmbeddedLog({ ...settings, folder: copy });
    expect(again.ends('views')).toEqual([{ low: 2n, end: 4n }]);
    await again.close();
    await log.close();
    await rm(copy, { recursive: true });
  });

  it('never calls rows damaged that retention has taken away from under a reader', async () => {
    const rows = new SlowRows(folder, settings.cacheBytes);
    const log = new EmbeddedLog(rows, { ...settings, retentionBytesMax: 1 }, await rows.open());
    const topic = await log.createTopic('views', 1);
    await log.append('views', 0, [record('a')]);
    const { told, written } = rows.holdNext();
    const appending = log.append('views', 0, [record('b')]);
    await written.promise;
    expect(log.ends('views')).toEqual([{ low: 0n, end: 1n }]);
    const reading = log.read('views', 0, 0n, 1_000);
    const refused = expect(reading).rejects.toMatchObject({ code: 'LOG_OFFSET_OUT_OF_RANGE' });
    // By another look at the rows, the reader has found them gone as well.
    await expect(rows.read(topic, 0, 0n, 1n, 1_000)).rejects.toMatchObject({ code: 'LOG_CORRUPT' });
    told.resolve();
    await refused;
    expect(await appending).toBe(1n);
    await log.close();
  });

  it('keeps what one append brings, however large', async () => {
    const log = await openEmbeddedLog({ ...settings, retentionBytesMax: 1, chunkBytesMax: 1 });
    await log.createTopic('views', 1);
    await log.append('views', 0, [record('a'), record('b')]);
    await log.append('views', 0, [record('c'), record('d')]);
    expect(log.ends('views')).toEqual([{ low: 2n, end: 4n }]);
    await log.close();
  });

  it('fails appends and reads by name while its files cannot be used, and heals by itself', async () => {
    const tight = { ...settings, retentionBytesMax: 100 };
    const rows = new LogRows(folder, settings.cacheBytes);
    const log = new EmbeddedLog(rows, tight, await rows.open());
    await log.createTopic('views', 2);
    await log.append('views', 0, [record('a'), record('b')]);
    await rows.close();
    const context = { topic: 'views', partition: 1, offset: 0n };
    const lost = { code: 'LOG_READ_FAILED', reaction: 'outage', context: { ...context, partition: 0 } };
    await expect(log.read('views', 0, 0n, 1_000)).rejects.toMatchObject(lost);
    // Retention has to read first.
    const retained = log.append('views', 0, [record('c')]);
    const plain = log.append('views', 1, [record('x')]);
    await expect(retained).rejects.toMatchObject(lost);
    await expect(plain).rejects.toMatchObject({ code: 'LOG_WRITE_FAILED', reaction: 'outage', context });
    expect(log.ends('views')).toEqual([
      { low: 0n, end: 2n },
      { low: 0n, end: 0n },
    ]);
    expect(await log.append('views', 1, [record('y')])).toBe(0n);
    expect(await log.append('views', 0, [record('d')])).toBe(2n);
    expect(log.ends('views')).toEqual([
      { low: 2n, end: 3n },
      { low: 0n, end: 1n },
    ]);
    await log.close();
  });

  it('is opened again for readers alone, when opening failed before and nobody writes any more', async () => {
    class Rows extends LogRows {
      failures = 1;
      override async open(): Promise<string> {
        this.failures -= 1;
        if (this.failures >= 0) throw new OutageError('LOG_OPEN_FAILED', 'no room');
        return await super.open();
      }
    }
    const rows = new Rows(folder, settings.cacheBytes);
    rows.failures = 0;
    const log = new EmbeddedLog(rows, settings, await rows.open());
    await log.createTopic('views', 1);
    await log.append('views', 0, [record('a')]);
    await rows.close();
    const lost = { reaction: 'outage', code: 'LOG_WRITE_FAILED' };
    await expect(log.append('views', 0, [record('b')])).rejects.toMatchObject(lost);
    rows.failures = 2;
    await expect(log.append('views', 0, [record('b')])).rejects.toMatchObject({ code: 'LOG_OPEN_FAILED' });
    await expect(log.read('views', 0, 0n, 1_000)).rejects.toMatchObject({ code: 'LOG_OPEN_FAILED' });
    const reads = await Promise.all([log.read('views', 0, 0n, 1_000), log.read('views', 0, 0n, 1_000)]);
    expect(reads.map(({ next }) => next)).toEqual([1n, 1n]);
    await log.close();
  });

  it('creates no topic that is not durable, and is asked again', async () => {
    const rows = new LogRows(folder, settings.cacheBytes);
    const log = new EmbeddedLog(rows, settings, await rows.open());
    await rows.close();
    await expect(log.createTopic('views', 1)).rejects.toMatchObject({ code: 'LOG_WRITE_FAILED' });
    expect(log.topics()).toEqual([]);
    const [one, other] = await Promise.all([log.createTopic('views', 1), log.createTopic('views', 1)]);
    expect(other.topicId).toBe(one.topicId);
    await log.close();
  });

  it('answers a second creation of a topic only once the first is durable', async () => {
    const rows = new LogRows(folder, settings.cacheBytes);
    const log = new EmbeddedLog(rows, settings, await rows.open());
    const first = log.createTopic('views', 1);
    const second = log.createTopic('views', 1).then(async (topic) => {
      expect(await rows.topics()).toEqual([topic]);
      return topic;
    });
    expect(await second).toEqual(await first);
    await log.close();
  });

  it('leaves no row of a deleted topic behind, whoever waits to append', async () => {
    const log = await openEmbeddedLog({ ...settings, pendingBytesMax: 1 });
    await log.createTopic('views', 1);
    const waiting = ['a', 'b', 'c', 'd'].map((text) => log.append('views', 0, [record(text)]));
    const settled = Promise.allSettled(waiting);
    await log.deleteTopic('views');
    const refused = (await settled).filter((result) => result.status === 'rejected');
    expect(refused.length).toBeGreaterThan(0);
    for (const { reason } of refused) expect(reason).toMatchObject({ code: 'LOG_NO_TOPIC' });
    await log.close();
    expect(await keysFrom('c', 'e')).toEqual([]);
  });

  it('finishes a deletion that a crash interrupted when it is opened', async () => {
    const log = await openEmbeddedLog(settings);
    const topic = await log.createTopic('views', 1);
    await log.append('views', 0, [record('a')]);
    await log.close();
    const rows = new LogRows(folder, settings.cacheBytes);
    await rows.open();
    await rows.markDeleted(topic);
    await rows.close();
    expect((await keysFrom('c', 'e')).length).toBe(2);
    const again = await openEmbeddedLog(settings);
    expect(again.topics()).toEqual([]);
    await again.close();
    expect(await keysFrom('c', 'e')).toEqual([]);
  });

  it('lets appends wait, in their order, while too many bytes are not durable', async () => {
    const log = await openEmbeddedLog({ ...settings, pendingBytesMax: 1 });
    await log.createTopic('views', 1);
    const texts = ['a', 'b', 'c', 'd', 'e'];
    expect(await Promise.all(texts.map((text) => log.append('views', 0, [record(text)])))).toEqual([
      0n,
      1n,
      2n,
      3n,
      4n,
    ]);
    const { records } = await log.read('views', 0, 0n, 1_000);
    expect(records.map(({ value }) => String(value))).toEqual(texts);
    await log.close();
    // One row each: none was gathered while another was under way.
    expect((await keysFrom('c', 'd')).length).toBe(5);
  });

  it.each([
    ['too many headers', Array.from({ length: 65_536 }, () => ({ key: 'h', value: null }))],
    ['too long a header name', [{ key: 'h'.repeat(65_536), value: null }]],
    ['too long a header name of many-byte characters', [{ key: '€'.repeat(30_000), value: null }]],
  ])('refuses a record with %s, and goes on', async (_, headers) => {
    const log = await openEmbeddedLog(settings);
    await log.createTopic('views', 1);
    const before = log.append('views', 0, [record('a')]);
    const refused = log.append('views', 0, [record('b'), { ...record('c'), headers }]);
    const context = { topic: 'views', partition: 0 };
    await expect(refused).rejects.toMatchObject({
      code: 'LOG_RECORD_TOO_LARGE',
      reaction: 'refused',
      context,
    });
    expect(await before).toBe(0n);
    expect(await log.append('views', 0, [record('d')])).toBe(1n);
    await log.close();
  });

  it('takes the longest header name and the greatest number of headers', async () => {
    const log = await openEmbeddedLog(settings);
    await log.createTopic('views', 1);
    const headers = Array.from({ length: 65_535 }, () => ({ key: 'h', value: null }));
    headers[7] = { key: 'n'.repeat(65_535), value: null };
    await log.append('views', 0, [{ ...record('a'), headers }]);
    const { records } = await log.read('views', 0, 0n, 1_000);
    expect(records[0]?.headers).toEqual(headers);
    await log.close();
  });

  it('calls a table that the database cannot read damaged, and names the place', async () => {
    let log = await openEmbeddedLog(settings);
    await log.createTopic('views', 1);
    await log.append('views', 0, [record('a'), record('b')]);
    await log.close();
    // Opening turns what was appended into a table.
    log = await openEmbeddedLog(settings);
    await log.close();
    log = await openEmbeddedLog(settings);
    const tables = (await readdir(folder)).filter((name) => name.endsWith('.ldb'));
    expect(tables.length).toBeGreaterThan(0);
    await log.close();
    for (const table of tables) {
      const path = join(folder, table);
      const bytes = await readFile(path);
      await writeFile(path, bytes.fill(0, bytes.length - 48));
    }
    await expect(openEmbeddedLog(settings)).rejects.toMatchObject({ code: 'LOG_CORRUPT', reaction: 'stop' });
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

  it.each([
    ['an input/output error', 'LEVEL_IO_ERROR', 'LOG_READ_FAILED', 'LOG_WRITE_FAILED', 'outage'],
    ['a damaged table', 'LEVEL_CORRUPTION', 'LOG_CORRUPT', 'LOG_CORRUPT', 'stop'],
  ])('says of %s what it means and where it was', (_, code, reading, writing, reaction) => {
    const error = Object.assign(new Error('bad block'), { code });
    const context = { topic: 'views', partition: 1, offset: 9n };
    expect(readFailure(error, context)).toMatchObject({ code: reading, reaction, context, cause: error });
    expect(writeFailure(error, context)).toMatchObject({ code: writing, reaction, context, cause: error });
  });
});
