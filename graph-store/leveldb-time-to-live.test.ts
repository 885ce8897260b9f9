import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../foundation/index.ts';
import { crashAdvance, crashBatch, crashSource } from './crash-testing-batches.ts';
import type { GraphStore } from './graph-store.ts';
import { openLevel } from './leveldb-open.ts';
import { defaultLevelSettings } from './leveldb-protocol.ts';
import { openLevelStore } from './leveldb-store.ts';
import { MutationBatch } from './mutation-batch.ts';
import type { PackedMutations } from './packed-format.ts';
import { metaKey } from './rows.ts';

/** A batch that no packer makes: the writing thread ends at it. */
class DamagedBatch extends MutationBatch {
  override take(): PackedMutations {
    return { ...super.take(), buffer: new Uint8Array([99, 1, 2]).buffer, lengthBytes: 3 };
  }
}

describe('Times to live of the LevelDB store while it cannot be opened again', () => {
  const declaredBy = { nodes: { Ad: ['ads-value', 'plays-value'] }, edges: { SAW: ['ads-value'] } };
  const rules = { nodes: { Ad: 5, Old: 7 }, edges: { SAW: 9 }, declaredBy };
  let around: string;
  let folder: string;
  let store: GraphStore;
  beforeEach(async () => {
    around = await mkdtemp(join(tmpdir(), 'graph-store-ttl-'));
    folder = join(around, 'store');
    store = await openLevelStore({ folder }, systemClock);
  });
  afterEach(async () => {
    await store.close();
    await rm(around, { recursive: true });
  });

  /** Ends the writing thread and puts a file where the folder was. */
  async function breakStore(): Promise<void> {
    const { epoch } = await store.claim(crashSource);
    await store.apply(crashAdvance(epoch, 0), crashBatch(0));
    const crashing = store.apply(crashAdvance(epoch, 1), new DamagedBatch());
    await expect(crashing).rejects.toMatchObject({ code: 'STORE_WRITER_CRASHED' });
    await rename(folder, `${folder}.away`);
    await writeFile(folder, '');
    await expect(store.claim(crashSource)).rejects.toMatchObject({ reaction: 'outage' });
  }

  async function mendFolder(): Promise<void> {
    await rm(folder);
    await rename(`${folder}.away`, folder);
  }

  it('are what they were, and a sweep is an outage', async () => {
    await store.setTimeToLive(rules);
    await breakStore();
    expect(store.timeToLive()).toEqual(rules);
    await expect(store.sweep(null, 10)).rejects.toMatchObject({ reaction: 'outage' });
    await expect(store.setTimeToLive({ nodes: {}, edges: {} })).rejects.toMatchObject({ reaction: 'outage' });
    expect(store.timeToLive()).toEqual(rules);
    await mendFolder();
    await store.claim(crashSource);
    expect(store.timeToLive()).toEqual(rules);
    await store.close();
    store = await openLevelStore({ folder }, systemClock);
    expect(store.timeToLive()).toEqual(rules);
  });

  it('are read again when the store is opened again', async () => {
    await store.setTimeToLive(rules);
    await breakStore();
    await mendFolder();
    // Such as a write that was durable although its caller was told that it failed.
    const changed = { nodes: { Account: 5 }, edges: {} };
    const level = await openLevel({ ...defaultLevelSettings, folder });
    await level.put(metaKey.timeToLive, Buffer.from(JSON.stringify(changed)));
    await level.close();
    const account = { type: 'Account', id: 'a0' };
    await store.claim(crashSource);
    expect(store.timeToLive()).toEqual(changed);
    expect(await store.node(account)).toBeNull();
    await store.setTimeToLive(rules);
    expect(await store.node(account)).not.toBeNull();
  });
});
