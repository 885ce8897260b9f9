import { randomBytes } from 'node:crypto';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../foundation/index.ts';
import { checkConditionalWrites } from './conditional-writes.ts';
import { LocalObjectStore } from './local-object-store.ts';
import { chunks, describeObjectStore, listed } from './object-store-conformance.ts';
import { temporaryStore } from './parquet/parquet-testing.ts';
import { S3ObjectStore } from './s3-object-store.ts';
import { FakeS3 } from './s3-testing.ts';

const limits = {
  attemptsMax: 4,
  attemptTimeoutMs: 10_000,
  backoff: { baseMs: 1, maxMs: 5 },
  connectionsMax: 8,
};

interface Opened {
  readonly fake: FakeS3;
  open(part?: {
    prefix?: string;
    secretAccessKey?: string;
    attemptTimeoutMs?: number;
    bucket?: string;
  }): S3ObjectStore;
}

async function opened(): Promise<Opened> {
  const fake = new FakeS3();
  const endpoint = await fake.start();
  onTestFinished(() => fake.stop());
  return {
    fake,
    open: ({
      prefix = 'a/warehouse',
      secretAccessKey,
      attemptTimeoutMs = 10_000,
      bucket = fake.bucket,
    } = {}) => {
      const target = { endpoint, region: fake.region, bucket, prefix, pathStyle: true, partBytes: 100_000 };
      const credentials = {
        ...fake.credentials,
        ...(secretAccessKey === undefined ? {} : { secretAccessKey }),
      };
      const parts = { credentials: async () => credentials, clock: systemClock, random: () => 0.5 };
      const store = new S3ObjectStore(target, parts, { ...limits, attemptTimeoutMs });
      onTestFinished(() => store.close());
      return store;
    },
  };
}

describeObjectStore('An S3 bucket', {
  open: async () => {
    const { open } = await opened();
    return [open(), open()];
  },
});

describe('an S3 bucket', () => {
  it('takes a list that is cut off without a way on for an outage, not for its end', async () => {
    const { fake, open } = await opened();
    for (const key of ['a', 'b', 'c', 'd']) await open().replace(key, Buffer.from('1'));
    expect(await listed(open(), '')).toEqual(['a', 'b', 'c', 'd']);
    fake.forgetsTokens = true;
    await expect(listed(open(), '')).rejects.toMatchObject({ code: 'OBJECT_STORE_FAILED' });
  });

  it('keeps all keys below its prefix, and sees none beside it', async () => {
    const { fake, open } = await opened();
    await open({ prefix: '' }).replace('a/warehouse-2/x', Buffer.from('1'));
    await open().replace('t/x', Buffer.from('1'));
    expect([...fake.objects.keys()].sort()).toEqual(['a/warehouse-2/x', 'a/warehouse/t/x']);
    expect(await listed(open(), '')).toEqual(['t/x']);
    expect(open().location).toBe('s3://archive-bucket/a/warehouse');
  });

  it('sends large objects in parts and completes them once', async () => {
    const { fake, open } = await opened();
    const bytes = randomBytes(250_001);
    expect(await open().write('large', chunks(bytes, 33_000))).toBe(250_001);
    expect(fake.objects.get('a/warehouse/large')?.bytes.equals(bytes)).toBe(true);
    expect(fake.requests.filter((request) => request.startsWith('PUT'))).toHaveLength(3);
    expect(fake.uploads.size).toBe(0);
  });

  it('gives a failed upload up, and removes those of killed writers once they are old', async () => {
    const { fake, open } = await opened();
    const failing = async function* (): AsyncGenerator<Uint8Array> {
      yield randomBytes(150_000);
      expect(fake.uploads.size).toBe(1);
      throw new Error('the rows ran out');
    };
    await expect(open().write('half', failing())).rejects.toThrow('the rows ran out');
    expect(fake.uploads.size).toBe(0);
    fake.uploads.set('left', { key: 'a/warehouse/left over', parts: new Map() });
    expect(await open().removeLeftovers(Date.parse('2025-12-31'))).toBe(0);
    expect(await open().removeLeftovers(Date.parse('2026-01-02'))).toBe(1);
    expect(fake.uploads.size).toBe(0);
  });

  it.each([
    'lost',
    'done-and-lost',
    'cut',
    { status: 503, code: 'SlowDown' },
    { status: 500, code: 'InternalError' },
    { status: 403, code: 'RequestTimeTooSkewed' },
  ] as const)('tries again after %j, whatever it was doing', async (mishap) => {
    const { fake, open } = await opened();
    const store = open();
    const bytes = randomBytes(250_000);
    const steps: (() => Promise<unknown>)[] = [
      () => store.write('k', chunks(bytes, 60_000)),
      () => store.size('k'),
      async () => expect(Buffer.from(await store.read('k', 0, 250_000)).equals(bytes)).toBe(true),
      async () => expect(await listed(store, '')).toEqual(['k']),
      async () => expect(await store.create('c', Buffer.from('mine'))).toBe(true),
      async () => expect(await store.create('c', Buffer.from('other'))).toBe(false),
      () => store.replace('k', Buffer.from('1')),
      () => store.remove('k'),
    ];
    for (const step of steps) {
      fake.mishaps.push(mishap, null, mishap, null, mishap, null, mishap, null, mishap, null);
      await step();
      fake.mishaps.length = 0;
    }
    expect([...fake.objects]).toHaveLength(1);
    expect(fake.objects.get('a/warehouse/c')?.bytes.toString()).toBe('mine');
    // One that was begun without our hearing of it is a leftover.
    await store.removeLeftovers(Date.now());
    expect(fake.uploads.size).toBe(0);
  });

  it('says that it is out of reach after so many attempts, without any secret', async () => {
    const { fake, open } = await opened();
    fake.mishaps.push(
      'lost',
      'lost',
      { status: 503, code: 'SlowDown' },
      { status: 503, code: 'SlowDown' },
      null,
    );
    const reading = open().size('t/x');
    await expect(reading).rejects.toMatchObject({ code: 'OBJECT_STORE_FAILED', reaction: 'outage' });
    const message = await reading.catch(String);
    expect(message).toMatch(/HEAD a\/warehouse\/t\/x in 4 attempts: 503/);
    expect(message).not.toMatch(/very\/secret|AKIDFAKE|token\/of/);
    expect(fake.requests).toHaveLength(4);
  });

  it('waits for a clock that is wrong, and says that it is', async () => {
    const { fake, open } = await opened();
    const skewed = { status: 403, code: 'RequestTimeTooSkewed' };
    const store = open();
    for (const ask of [() => store.replace('x', Buffer.from('1')), () => store.size('x')]) {
      fake.mishaps.push(skewed, skewed, skewed, skewed);
      await expect(ask()).rejects.toMatchObject({
        code: 'OBJECT_STORE_FAILED',
        reaction: 'outage',
        message: expect.stringContaining("403 RequestTimeTooSkewed (this machine's clock is wrong"),
      });
    }
    fake.mishaps.push({ status: 403, code: 'AccessDenied' });
    await expect(store.size('x')).rejects.toMatchObject({ code: 'OBJECT_STORE_REFUSED' });
  });

  it('waits for an answer only so long', async () => {
    const { fake, open } = await opened();
    await open().replace('x', Buffer.from('1'));
    fake.mishaps.push('silent');
    expect(await open({ attemptTimeoutMs: 50 }).size('x')).toBe(1);
    fake.mishaps.push('silent', 'silent', 'silent', 'silent');
    await expect(open({ attemptTimeoutMs: 20 }).size('x')).rejects.toThrow(/no answer within 20 ms/);
  });

  it('stops at once when it is told to, also while it waits', async () => {
    const { fake, open } = await opened();
    fake.mishaps.push('silent');
    const stop = new AbortController();
    const reading = open().size('x', stop.signal);
    setImmediate(() => stop.abort());
    await expect(reading).rejects.toThrow(/abort/i);
  });

  it('knows its own object again when every answer to creating it was lost', async () => {
    const { fake, open } = await opened();
    fake.mishaps.push('done-and-lost', 'lost', 'lost', 'lost');
    expect(await open().create('v1', Buffer.from('mine'))).toBe(true);
    fake.mishaps.push('lost', 'lost', 'lost', 'lost');
    await expect(open().create('v2', Buffer.from('mine'))).rejects.toMatchObject({
      code: 'OBJECT_STORE_FAILED',
    });
    fake.mishaps.push('lost', 'lost', 'lost', 'lost');
    await expect(open().create('v1', Buffer.from('other'))).rejects.toMatchObject({
      code: 'OBJECT_STORE_FAILED',
    });
  });

  it.each<[string, Parameters<Opened['open']>[0], RegExp]>([
    ['a wrong secret', { secretAccessKey: 'guessed' }, /403 SignatureDoesNotMatch/],
    ['a bucket that is not there', { bucket: 'nobodys' }, /404 NoSuchBucket/],
  ])('says that a person has to act for %s', async (_what, part, reason) => {
    const { fake, open } = await opened();
    const writing = open(part).replace('x', Buffer.from('1'));
    await expect(writing).rejects.toMatchObject({ code: 'OBJECT_STORE_REFUSED', reaction: 'stop' });
    const message = await writing.catch(String);
    expect(message).toMatch(reason);
    expect(message).not.toMatch(/guessed|very\/secret|token\/of/);
    expect(fake.requests).toHaveLength(1);
  });
});

describe('checking that a store creates only once', () => {
  it('passes stores that do and leaves nothing', async () => {
    const { open } = await opened();
    for (const store of [open(), temporaryStore()]) {
      await checkConditionalWrites(store, 'metadata/.probe-1');
      expect(await listed(store, '')).toEqual([]);
    }
  });

  it('stops before a store that ignores the condition', async () => {
    const { fake, open } = await opened();
    fake.ignoresConditions = true;
    const checking = checkConditionalWrites(open(), 'metadata/.probe-1');
    await expect(checking).rejects.toMatchObject({ code: 'OBJECT_STORE_UNCONDITIONAL', reaction: 'stop' });
    expect(fake.objects.size).toBe(0);
  });

  it('stops before one that creates nothing', async () => {
    const store = new LocalObjectStore('/nowhere');
    store.create = async () => false;
    store.remove = async () => undefined;
    await expect(checkConditionalWrites(store, 'p')).rejects.toThrow(/refuses an object that is not there/);
  });
});
