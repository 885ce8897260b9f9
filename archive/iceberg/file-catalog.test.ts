import { copyFileSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LocalObjectStore } from '../local-object-store.ts';
import { describeCatalog, loadedBy, withSnapshot } from './catalog-conformance.ts';
import { FileCatalog } from './file-catalog.ts';
import { folderOfTest, testMetadata } from './iceberg-testing.ts';

const table = 'member_playback';
const warehouse = 'file:///warehouse';

function open(root: string): FileCatalog {
  return new FileCatalog(new LocalObjectStore(root), warehouse);
}

describeCatalog('A folder', {
  table,
  warehouse,
  folder: table,
  open: async () => {
    const root = folderOfTest();
    return [open(root), open(root)];
  },
});

describe('The folder catalog', () => {
  async function withVersions(count: number): Promise<{ catalog: FileCatalog; metadataFolder: string }> {
    const root = folderOfTest();
    const catalog = open(root);
    await catalog.swap(table, null, testMetadata({ warehouse, name: table }));
    const metadataFolder = join(root, table, 'metadata');
    const committed = Math.min(count, 5);
    for (let version = 2; version <= committed; version += 1) {
      const base = await loadedBy(catalog, table);
      await catalog.swap(table, base, withSnapshot(base.metadata, BigInt(version)));
    }
    // A synced commit each would take its time.
    for (let version = committed + 1; version <= count; version += 1) {
      const before = join(metadataFolder, `v${committed}.metadata.json`);
      copyFileSync(before, join(metadataFolder, `v${version}.metadata.json`));
    }
    return { catalog, metadataFolder };
  }

  for (const [what, hint] of [
    ['is behind', '1'],
    ['is far behind', '1'],
    ['is rubbish', '../../etc'],
    ['names what is not there', '900'],
  ] as const) {
    it(`finds the newest version when its hint ${what}`, async () => {
      const { catalog, metadataFolder } = await withVersions(what === 'is far behind' ? 40 : 5);
      writeFileSync(join(metadataFolder, 'version-hint.text'), hint);
      expect((await loadedBy(catalog, table)).token).toBe(what === 'is far behind' ? '40' : '5');
    });
  }

  it('finds the newest version without a hint, and after v9 comes v10', async () => {
    const { catalog, metadataFolder } = await withVersions(11);
    rmSync(join(metadataFolder, 'version-hint.text'));
    expect((await loadedBy(catalog, table)).token).toBe('11');
  });

  it('logs the versions before, a hundred at most, by the URI of other readers', async () => {
    const { catalog } = await withVersions(3);
    const { metadata } = await loadedBy(catalog, table);
    expect(metadata.metadataLog.map((entry) => entry.file)).toEqual([
      'file:///warehouse/member_playback/metadata/v1.metadata.json',
      'file:///warehouse/member_playback/metadata/v2.metadata.json',
    ]);
    const long = {
      ...metadata,
      metadataLog: Array.from({ length: 150 }, (_, ms) => ({ timestampMs: ms, file: 'x' })),
    };
    await catalog.swap(table, await loadedBy(catalog, table), long);
    const logged = (await loadedBy(catalog, table)).metadata.metadataLog;
    expect(logged.length).toBe(100);
    expect(logged.at(-1)?.file).toContain('/v3.metadata.json');
  });

  it('takes no commit on a version that went while its writer slept', async () => {
    const { catalog, metadataFolder } = await withVersions(5);
    const asleep = { ...(await loadedBy(catalog, table)), token: '2' };
    rmSync(join(metadataFolder, 'v1.metadata.json'));
    rmSync(join(metadataFolder, 'v2.metadata.json'));
    rmSync(join(metadataFolder, 'v3.metadata.json'));
    expect(await catalog.swap(table, asleep, withSnapshot(asleep.metadata, 99n))).toBe(false);
    expect(readdirSync(metadataFolder)).not.toContain('v3.metadata.json');
    expect((await loadedBy(catalog, table)).token).toBe('5');
  });

  it('forgets versions that its log has no more, when they are old, and none besides', async () => {
    const { catalog, metadataFolder } = await withVersions(104);
    const base = await loadedBy(catalog, table);
    expect(await catalog.forget(table, base, 0)).toBe(0);
    const old = new Date(1_000_000);
    for (const version of [1, 2, 50]) utimesSync(join(metadataFolder, `v${version}.metadata.json`), old, old);
    expect(await catalog.forget(table, base, 2_000_000)).toBe(2);
    expect(readdirSync(metadataFolder).filter((name) => /^v[123]\./.test(name))).toEqual([
      'v3.metadata.json',
    ]);
    expect((await loadedBy(catalog, table)).token).toBe('104');
  });

  it('names the file of damaged metadata', async () => {
    const { catalog, metadataFolder } = await withVersions(2);
    writeFileSync(join(metadataFolder, 'v2.metadata.json'), '{"format-version": 2, "location": ');
    await expect(catalog.load(table)).rejects.toMatchObject({
      code: 'TABLE_METADATA_DAMAGED',
      message: expect.stringContaining('member_playback/metadata/v2.metadata.json is no JSON'),
    });
  });
});
