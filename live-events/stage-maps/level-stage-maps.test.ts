import { mkdtemp, readdir, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { LevelStageMaps } from './level-stage-maps.ts';

describe('The store of stage maps', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'level-stage-maps-'));
    onTestFinished(() => rm(folder, { recursive: true }));
  });

  it('refuses by name a second owner, what another version wrote and what is damaged', async () => {
    const maps = await LevelStageMaps.open(folder);
    await expect(LevelStageMaps.open(folder)).rejects.toMatchObject({ code: 'LIVE_MAPS_LOCKED' });
    await maps.close();
    const db = new ClassicLevel(folder);
    const [format = 'none'] = await db.keys().all();
    await db.put(format, '99');
    await db.close();
    await expect(LevelStageMaps.open(folder)).rejects.toMatchObject({ code: 'LIVE_MAPS_FORMAT' });
    const manifest = (await readdir(folder)).find((name) => name.startsWith('MANIFEST'));
    await truncate(join(folder, manifest ?? 'none'), 3);
    await expect(LevelStageMaps.open(folder)).rejects.toMatchObject({ code: 'LIVE_MAPS_CORRUPT' });
  });

  it('says by name when its disk does not take or give', async () => {
    const maps = await LevelStageMaps.open(folder);
    await maps.close();
    await expect(maps.coverage('e')).rejects.toMatchObject({ code: 'LIVE_MAPS_READ_FAILED' });
    await expect(maps.drop('e')).rejects.toMatchObject({ code: 'LIVE_MAPS_WRITE_FAILED' });
  });
});
