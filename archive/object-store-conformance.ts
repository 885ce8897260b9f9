import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { ObjectStore } from './object-store.ts';

export interface StoreHarness {
  /** Two handles on one empty store, as two processes have them. */
  open(): Promise<readonly [ObjectStore, ObjectStore]>;
}

/** The promises of the port, run on every store. */
export function describeObjectStore(name: string, harness: StoreHarness): void {
  describe(`${name} keeps the promises of an object store`, () => {
    it('reads back what was written, whole and in parts, and through another handle', async () => {
      const [store, other] = await harness.open();
      const bytes = randomBytes(300_000);
      expect(await store.write('a/b c/ü.bin', chunks(bytes, 70_000))).toBe(300_000);
      expect(await other.size('a/b c/ü.bin')).toBe(300_000);
      expect(Buffer.from(await other.read('a/b c/ü.bin', 0, 300_000)).equals(bytes)).toBe(true);
      expect(await other.read('a/b c/ü.bin', 100, 104)).toEqual(new Uint8Array(bytes.subarray(100, 104)));
      expect(await other.read('a/b c/ü.bin', 299_998, 400_000)).toEqual(
        new Uint8Array(bytes.subarray(299_998)),
      );
      expect(await other.read('a/b c/ü.bin', 300_000, 300_010)).toEqual(new Uint8Array());
      expect(await other.read('a/b c/ü.bin', 5, 5)).toEqual(new Uint8Array());
    });

    it('keeps an empty object and one written over another', async () => {
      const [store] = await harness.open();
      expect(await store.write('x', chunks(Buffer.alloc(0), 1))).toBe(0);
      expect(await store.size('x')).toBe(0);
      expect(await store.read('x', 0, 10)).toEqual(new Uint8Array());
      await store.write('x', chunks(Buffer.from('second'), 2));
      expect(Buffer.from(await store.read('x', 0, 10)).toString()).toBe('second');
    });

    it('shows nothing of an object whose parts fail, and throws their error', async () => {
      const [store, other] = await harness.open();
      const failing = async function* (): AsyncGenerator<Uint8Array> {
        yield randomBytes(100_000);
        throw new Error('the rows ran out');
      };
      await expect(store.write('t/half', failing())).rejects.toThrow('the rows ran out');
      await expect(other.size('t/half')).rejects.toMatchObject({ code: 'OBJECT_MISSING' });
      expect(await listed(other, '')).toEqual([]);
    });

    it('says what is missing', async () => {
      const [store] = await harness.open();
      await store.write('a/b', chunks(Buffer.from('1'), 1));
      for (const key of ['none', 'a/none', 'a'])
        await expect(store.size(key)).rejects.toMatchObject({ code: 'OBJECT_MISSING' });
      await expect(store.read('none', 0, 1)).rejects.toMatchObject({ code: 'OBJECT_MISSING' });
      await expect(store.read('none', 0, 1)).rejects.toThrow(/"none"/);
    });

    it('lists by prefix in the order of keys', async () => {
      const [store] = await harness.open();
      const keys = [
        't/a-b',
        't/a.x',
        't/a/c',
        't/a/d',
        't/a0',
        't/b/1',
        't/é',
        't/\u{ffee}',
        't/\u{1f600}',
        'u',
      ];
      for (const key of [...keys].reverse()) await store.write(key, chunks(Buffer.from(key), 9));
      expect(await listed(store, '')).toEqual(keys);
      expect(await listed(store, 't/a')).toEqual(keys.slice(0, 5));
      expect(await listed(store, 't/a/')).toEqual(['t/a/c', 't/a/d']);
      expect(await listed(store, 't/a/c')).toEqual(['t/a/c']);
      expect(await listed(store, 'none/x')).toEqual([]);
      for await (const { key, bytes, modifiedMs } of store.list('')) {
        expect(bytes).toBe(Buffer.byteLength(key));
        expect(Math.abs(modifiedMs - Date.now())).toBeLessThan(3_600_000);
      }
    });

    it('creates once', async () => {
      const [store, other] = await harness.open();
      expect(await store.create('m/v1.json', Buffer.from('one'))).toBe(true);
      expect(await other.create('m/v1.json', Buffer.from('two'))).toBe(false);
      expect(Buffer.from(await other.read('m/v1.json', 0, 9)).toString()).toBe('one');
      expect(await listed(store, '')).toEqual(['m/v1.json']);
    });

    it('lets one of many win who create at once', async () => {
      const stores = await harness.open();
      for (let round = 0; round < 5; round += 1) {
        const key = `race/v${round}`;
        const tries = Array.from({ length: 8 }, (_, index) => Buffer.from(`writer ${index}`));
        const results = await Promise.all(
          tries.map((bytes, index) => (stores[index % 2] ?? stores[0]).create(key, bytes)),
        );
        expect(results.filter(Boolean)).toHaveLength(1);
        const winner = tries[results.indexOf(true)];
        expect(Buffer.from(await stores[0].read(key, 0, 99)).equals(winner ?? Buffer.alloc(0))).toBe(true);
      }
    });

    it('replaces, and removes what is there or not', async () => {
      const [store] = await harness.open();
      await store.replace('hint', Buffer.from('1'));
      await store.replace('hint', Buffer.from('22'));
      expect(Buffer.from(await store.read('hint', 0, 9)).toString()).toBe('22');
      await store.remove('hint');
      await store.remove('hint');
      await store.remove('never/was');
      expect(await listed(store, '')).toEqual([]);
    });

    it.each(['', '/', 'a//b', '/etc/passwd', '..', '../x', 'a/../b', 'a/.', 'a/', 'a\0b', 'x'.repeat(1_025)])(
      'refuses the key %j wherever one is given',
      async (key) => {
        const [store] = await harness.open();
        const refusal = { code: 'OBJECT_KEY_REFUSED' };
        await expect(store.size(key)).rejects.toMatchObject(refusal);
        await expect(store.read(key, 0, 1)).rejects.toMatchObject(refusal);
        await expect(store.write(key, chunks(Buffer.from('1'), 1))).rejects.toMatchObject(refusal);
        await expect(store.create(key, Buffer.from('1'))).rejects.toMatchObject(refusal);
        await expect(store.replace(key, Buffer.from('1'))).rejects.toMatchObject(refusal);
        await expect(store.remove(key)).rejects.toMatchObject(refusal);
        expect(await listed(store, '')).toEqual([]);
      },
    );

    it('refuses to list outside of itself', async () => {
      const [store] = await harness.open();
      for (const prefix of ['../', '..', 'a/../', '/', 'a//'])
        await expect(listed(store, prefix)).rejects.toMatchObject({ code: 'OBJECT_KEY_REFUSED' });
    });

    it('stops writing when it is told to', async () => {
      const [store] = await harness.open();
      const stop = new AbortController();
      const endless = async function* (): AsyncGenerator<Uint8Array> {
        for (let part = 0; part < 1_000; part += 1) {
          if (part === 3) stop.abort();
          yield randomBytes(1_000);
        }
      };
      await expect(store.write('endless', endless(), stop.signal)).rejects.toThrow(/abort/i);
      expect(await listed(store, '')).toEqual([]);
    });
  });
}

export async function* chunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

export async function listed(store: ObjectStore, prefix: string): Promise<readonly string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(prefix)) keys.push(key);
  return keys;
}
