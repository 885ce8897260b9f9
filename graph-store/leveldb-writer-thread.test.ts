import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { crashAdvance, crashSource } from './crash-testing-batches.ts';
import { openLevel } from './leveldb-open.ts';
import { defaultLevelSettings } from './leveldb-protocol.ts';
import { LevelWriterThread } from './leveldb-writer-thread.ts';

it('refuses a claim by name once the writing thread of a LevelDB store has ended', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'graph-store-thread-'));
  const settings = { ...defaultLevelSettings, folder };
  const shared = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  const db = await openLevel(settings, shared);
  const thread = await LevelWriterThread.start(settings, shared);
  try {
    const crashed = { code: 'STORE_WRITER_CRASHED', reaction: 'outage' };
    const { epoch } = await thread.claim(crashSource);
    // No packer makes such a batch: the thread ends at it.
    const damaged = { buffer: new Uint8Array([99, 1, 2]).buffer, lengthBytes: 3, eventCount: 1, origins: [] };
    await expect(thread.apply(crashAdvance(epoch, 0), damaged)).rejects.toMatchObject(crashed);
    // One that comes before the thread's end is said would be refused by that; the next one by nobody.
    await expect(thread.claim(crashSource)).rejects.toMatchObject(crashed);
    await expect(thread.claim(crashSource)).rejects.toMatchObject(crashed);
  } finally {
    await thread.close();
    await db.close();
    await rm(folder, { recursive: true });
  }
});
