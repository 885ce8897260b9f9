import { mkdtemp, readdir, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { OutageError, StopError } from '../foundation/index.ts';
import { SideDatabase, type SideDatabaseFailures } from './index.ts';

const stop = (code: string) => (cause: Error) => new StopError(code, cause.message, { cause });
const outage = (code: string) => (cause: Error) => new OutageError(code, cause.message, { cause });
const failures: SideDatabaseFailures = {
  locked: stop('LOCKED'),
  corrupt: stop('CORRUPT'),
  failed: outage('FAILED'),
  otherFormat: (found) => new StopError('OTHER_FORMAT', `it has format ${found}`),
  unread: outage('UNREAD'),
  unwritten: outage('UNWRITTEN'),
};

describe('SideDatabase', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'side-database-'));
    onTestFinished(() => rm(folder, { recursive: true }));
  });

  const level = (path = folder): ClassicLevel<string, Buffer> =>
    new ClassicLevel(path, { keyEncoding: 'utf8', valueEncoding: 'buffer' });
  const open = (format = '1'): Promise<SideDatabase<string>> =>
    SideDatabase.open(level(), failures, async (side) => {
      await side.claim('format', format);
      return side;
    });
  const put = async (key: string): Promise<void> => {
    const db = level();
    await db.put(key, Buffer.from('x'));
    await db.close();
  };

  it('gives back after it was opened again what was written into it', async () => {
    const side = await open();
    await side.write((db) => db.put('a', Buffer.from('b')));
    await side.close();
    const again = await open();
    expect(String(await again.read((db) => db.get('a')))).toBe('b');
    await again.close();
  });

  it('says whether it has a format before it is claimed', async () => {
    const had = (): Promise<boolean> =>
      SideDatabase.open(level(), failures, async (side) => {
        const has = await side.hasFormat('format', '1');
        await side.claim('format', '1');
        await side.close();
        return has;
      });
    expect([await had(), await had()]).toEqual([false, true]);
  });

  it('is not opened in another format, nor where somebody else wrote without one', async () => {
    await (await open()).close();
    const other = { code: 'OTHER_FORMAT', message: 'it has format 1' };
    await expect(open('2')).rejects.toMatchObject(other);
    await rm(folder, { recursive: true });
    await put('a');
    const unknown = { code: 'OTHER_FORMAT', message: 'it has format unknown' };
    await expect(open()).rejects.toMatchObject(unknown);
  });

  it('has its owner say that another has it open', async () => {
    const side = await open();
    const cause = { code: 'LEVEL_LOCKED' };
    await expect(open()).rejects.toMatchObject({ code: 'LOCKED', cause });
    await side.close();
  });

  it('has its owner say that it is damaged', async () => {
    await (await open()).close();
    const manifest = (await readdir(folder)).find((name) => name.startsWith('MANIFEST'));
    await truncate(join(folder, manifest ?? 'none'), 3);
    await expect(open()).rejects.toMatchObject({ code: 'CORRUPT' });
  });

  it('has its owner say that its folder cannot be opened at all', async () => {
    await put('a');
    const inAFile = level(join(folder, 'CURRENT', 'below'));
    const opening = SideDatabase.open(inAFile, failures, async () => 'open');
    await expect(opening).rejects.toMatchObject({ code: 'FAILED', cause: { code: 'ENOTDIR' } });
  });

  it('leaves nothing open when loading fails, and passes on what is no failure of LevelDB', async () => {
    const loading = SideDatabase.open(level(), failures, async () => JSON.parse('{'));
    await expect(loading).rejects.toThrow(SyntaxError);
    await (await open()).close();
  });

  it('takes a failure of LevelDB while loading for one of opening', async () => {
    const loading = SideDatabase.open(level(), failures, async (side) => {
      await side.close();
      await side.claim('format', '1');
    });
    await expect(loading).rejects.toMatchObject({
      code: 'FAILED',
      cause: { code: 'LEVEL_DATABASE_NOT_OPEN' },
    });
  });

  it('has its owner say that it cannot be read or written, and passes on anything else', async () => {
    const side = await open();
    const bug = new TypeError('a bug');
    const failing = (): Promise<never> => Promise.reject(bug);
    await expect(side.read(failing)).rejects.toBe(bug);
    await expect(side.write(failing)).rejects.toBe(bug);
    await side.close();
    await expect(side.read((db) => db.get('a'))).rejects.toMatchObject({ code: 'UNREAD' });
    // A batch of a closed database fails before there is a promise.
    const writing = side.write((db) => db.batch().put('a', Buffer.from('b')).write());
    await expect(writing).rejects.toMatchObject({ code: 'UNWRITTEN' });
  });
});
