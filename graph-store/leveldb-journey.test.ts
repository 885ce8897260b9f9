import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClassicLevel, type Snapshot } from 'classic-level';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../foundation/index.ts';
import { pack } from './conformance-graphs.ts';
import { advance, ann, event, journeyOf, source, step } from './conformance-subject.ts';
import { readJourney } from './leveldb-journey.ts';
import { Moment } from './leveldb-moment.ts';
import { openLevel } from './leveldb-open.ts';
import { defaultLevelSettings } from './leveldb-protocol.ts';
import { openLevelStore } from './leveldb-store.ts';
import { originRange } from './lineage.ts';
import { timeBytes, tombstoneKey } from './rows.ts';
import { Expiry, keptForEver } from './time-to-live.ts';

describe('A journey of which the rows were read', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'graph-store-journey-'));
    const store = await openLevelStore({ folder }, systemClock);
    const origin = { schemaId: 7, subject: 'plays-value', version: 1 };
    const one = { ...event(3, [step('d')]), lineage: { offset: 5n, origin } };
    await store.apply(advance(await store.claim(source), 0, 1), pack([one]));
    await store.close();
  });
  afterEach(() => rm(folder, { recursive: true }));

  /** Its steps are decoded when the store is closed already. */
  async function stepsRead() {
    const store = await openLevelStore({ folder }, systemClock);
    const found = await store.journeyRows?.(journeyOf(ann));
    await store.close();
    return found?.steps();
  }

  it('is decoded without the store', async () => {
    expect(await stepsRead()).toMatchObject([{ timeMs: 3, lineage: { topic: 'plays', offset: 5n } }]);
  });

  it('is decoded without the store where the origin that a row names is gone', async () => {
    const db = new ClassicLevel<Buffer, Buffer>(folder, { keyEncoding: 'buffer', valueEncoding: 'buffer' });
    await db.clear(originRange);
    await db.close();
    expect(await stepsRead()).toMatchObject([{ timeMs: 3, lineage: null }]);
  });

  it.each([1, 40])(
    'is told by the moment of its rows, whatever of %i linked nodes was deleted since',
    async (count) => {
      const linked = Array.from({ length: count }, (_, i) => ({ type: 'Title', id: `${i}` }));
      const owner = { type: 'Account', id: 'bob' };
      const store = await openLevelStore({ folder }, systemClock);
      const links = linked.map((node) => ({ edge: 'WATCHED', direction: 'out', node }) as const);
      const one = event(3, [{ ...step('d'), owner, links }]);
      await store.apply(advance(await store.claim(source), 1, 2), pack([one]));
      await store.close();
      const db = await openLevel({ ...defaultLevelSettings, folder });
      onTestFinished(() => db.close());
      const deleted = { nodes: new Set(['Title']), edges: new Set<string>() };
      const linksAt = async (snapshot: Snapshot) => {
        const moment = new Moment(db, { snapshot, settled: 0 }, new Expiry(keptForEver, 0), deleted);
        const page = await readJourney(db, moment, journeyOf(owner), () => null);
        return page.steps().map((shown) => shown.links.length);
      };
      await using before = db.snapshot();
      for (const node of linked) await db.put(tombstoneKey(node), timeBytes(3));
      await using after = db.snapshot();
      expect(await linksAt(before)).toEqual([count]);
      expect(await linksAt(after)).toEqual([0]);
    },
  );
});
