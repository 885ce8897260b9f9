import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { LocalObjectStore } from './local-object-store.ts';
import { describeObjectStore, listed } from './object-store-conformance.ts';

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'journey-graph-objects-'));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

describeObjectStore('A local folder', {
  open: async () => {
    const root = folder();
    return [new LocalObjectStore(root), new LocalObjectStore(root)];
  },
});

describe('a local folder', () => {
  it('need not be there before', async () => {
    const root = join(folder(), 'a', 'b');
    const store = new LocalObjectStore(root);
    expect(await listed(store, '')).toEqual([]);
    expect(await store.create('x/y', Buffer.from('1'))).toBe(true);
    expect(await listed(new LocalObjectStore(root), 'x/')).toEqual(['x/y']);
  });

  it('neither shows nor gives away what is being written, and leaves nothing of it', async () => {
    const root = folder();
    const store = new LocalObjectStore(root);
    await store.write(
      'a',
      (async function* () {
        yield Buffer.from('1');
        expect(readdirSync(join(root, '.jg-temporary'))).toHaveLength(1);
        expect(await listed(store, '')).toEqual([]);
      })(),
    );
    await store.create('a', Buffer.from('2'));
    expect(readdirSync(join(root, '.jg-temporary'))).toEqual([]);
    await expect(store.read('.jg-temporary/x', 0, 1)).rejects.toMatchObject({ code: 'OBJECT_KEY_REFUSED' });
  });

  it('removes what killed processes left once it is old', async () => {
    const root = folder();
    const store = new LocalObjectStore(root);
    mkdirSync(join(root, '.jg-temporary'));
    for (const [name, seconds] of [
      ['old', 1_000],
      ['new', 3_000],
    ] as const) {
      writeFileSync(join(root, '.jg-temporary', name), '1');
      utimesSync(join(root, '.jg-temporary', name), seconds, seconds);
    }
    expect(await store.removeLeftovers(2_000_000)).toBe(1);
    expect(readdirSync(join(root, '.jg-temporary'))).toEqual(['new']);
  });

  it('follows links to other disks, and not in circles', async () => {
    const root = folder();
    const elsewhere = folder();
    const store = new LocalObjectStore(root);
    writeFileSync(join(elsewhere, 'file'), '1');
    symlinkSync(elsewhere, join(root, 'linked'));
    expect(await listed(store, '')).toEqual(['linked/file']);
    symlinkSync(root, join(root, 'round'));
    await expect(listed(store, 'round')).rejects.toMatchObject({ code: 'OBJECT_STORE_REFUSED' });
  });

  it('says that a person has to act when the folder cannot be written', async () => {
    const root = folder();
    writeFileSync(join(root, 'file'), '1');
    const store = new LocalObjectStore(root);
    await expect(store.create('file/below', Buffer.from('1'))).rejects.toMatchObject({
      code: 'OBJECT_STORE_REFUSED',
      message: expect.stringMatching(/file\/below.*(ENOTDIR|EEXIST)/),
    });
  });
});
