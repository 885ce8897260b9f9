import { mkdtemp, open, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { must, systemClock } from '../foundation/index.ts';
import { events, pack } from './conformance-graphs.ts';
import { advance, ann, dark, event, named, source, step, watched } from './conformance-subject.ts';
import { decodeDeletedTypes, encodeDeletedTypes } from './deleted-types.ts';
import { reverseKey } from './graph-key.ts';
import { LevelInspection } from './leveldb-inspection.ts';
import { indexKeyOf } from './leveldb-node-index.ts';
import { openLevel } from './leveldb-open.ts';
import { defaultLevelSettings } from './leveldb-protocol.ts';
import { openLevelStore } from './leveldb-store.ts';
import { LevelVerifier } from './leveldb-verify.ts';
import { originKey } from './lineage.ts';
import { encodePosition, positionKey } from './position.ts';
import { printableKey } from './row-checker.ts';
import {
  edgeTombstoneKey,
  graphRange,
  metaKey,
  nodeKey,
  nodePrefix,
  rowKind,
  rowKindOf,
  timeBytes,
  tombstoneKey,
} from './rows.ts';
import type { StoreVerdict } from './store-inspection.ts';
import { Expiry, keptForEver } from './time-to-live.ts';

/** LevelDB itself, as somebody else's program would open it. */
type Raw = ClassicLevel<Buffer, Buffer>;

const occurrence = {
  node: ann,
  type: 'WATCHED',
  timeMs: 1,
  occurrence: 77n,
  other: dark,
  key: null,
} as const;
const outKey = reverseKey({ ...occurrence, kind: 'in', node: dark, other: ann });
const inKey = reverseKey({ ...occurrence, kind: 'out' });
const origin = { schemaId: 7, subject: 'plays-value', version: 1 };

describe('Verifying a LevelDB store', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'graph-store-verify-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function fill(): Promise<string> {
    const store = await openLevelStore({ folder }, systemClock);
    const all = [
      {
        ...event(1, [named('a'), watched(dark), step('d')]),
        occurrence: 77n,
        lineage: { offset: 5n, origin },
      },
      event(2, [{ kind: 'node-delete', node: { type: 'Title', id: 'gone' } }]),
      event(3, [{ kind: 'edge-delete', type: 'LIKED', from: ann, to: dark }]),
      ...fc
        .sample(events(), { numRuns: 20, seed: 5 })
        .flat()
        .map((one, i) => ({ ...one, occurrence: BigInt(1000 + i) })),
    ];
    await store.apply(advance(await store.claim(source), 0, all.length), pack(all));
    const { hex } = await store.digest();
    await store.close();
    return hex;
  }

  async function verified(faultsMax = 10): Promise<StoreVerdict> {
    const store = await openLevelStore({ folder }, systemClock);
    try {
      for await (const seen of store.verify(faultsMax)) if (seen.kind === 'verdict') return seen.verdict;
      throw new TypeError('verifying ended without a verdict');
    } finally {
      await store.close();
    }
  }

  /** A reverse row of a type that has no time to live. */
  async function otherEdge(): Promise<Buffer> {
    const found: Buffer[] = [];
    await change(async (db) => {
      for await (const key of db.keys({ ...graphRange }))
        if (rowKindOf(key) === rowKind.in && !key.equals(inKey)) found.push(key);
    });
    return must(found[0], 'there are other edges');
  }

  /** As a bug or somebody else's program might. */
  async function change(work: (db: Raw) => Promise<void>): Promise<void> {
    const db: Raw = new ClassicLevel(folder, { keyEncoding: 'buffer', valueEncoding: 'buffer' });
    await work(db);
    await db.close();
  }

  it('finds nothing wrong with what the product wrote, counts it, and says where it stands', async () => {
    const digest = await fill();
    const verdict = await verified();
    expect(verdict).toMatchObject({ digest, faults: 0, firstFaults: [] });
    expect(verdict.sources).toMatchObject([{ source, epoch: 1 }]);
    const { rows } = verdict;
    expect(rows.occurrences).toBeGreaterThan(10);
    expect(rows.reverseOccurrences).toBe(rows.occurrences);
    expect(Object.values(rows).filter((count) => count === 0)).toEqual([]);
  });

  const value = async (db: Raw, key: Buffer): Promise<Buffer> =>
    must(await db.get(key), 'the store holds the row');
  const damages: [string, (db: Raw) => Promise<void>, Buffer, RegExp][] = [
    ['a reverse row is missing', (db) => db.del(inKey), outKey, /seen from its end is not there/],
    ['a forward row is missing', (db) => db.del(outKey), inKey, /seen from its start is not there/],
    [
      'a reverse row says something else',
      async (db) =>
        db.put(
          inKey,
          Buffer.concat([
            Buffer.of(0),
            (await value(db, inKey)).subarray(1 + must((await value(db, inKey))[0], 'a length')),
          ]),
        ),
      outKey,
      /seen from its end says something else/,
    ],
    ['an origin is missing', (db) => db.del(originKey(1)), outKey, /names origin 1, which is not there/],
    [
      'a node is cut off',
      async (db) => db.put(nodeKey(ann), (await value(db, nodeKey(ann))).subarray(0, -1)),
      nodeKey(ann),
      /does not end where it says/,
    ],
    [
      'the index lacks a node',
      (db) => db.del(indexKeyOf(nodeKey(ann))),
      nodeKey(ann),
      /index of nodes by type does not have this node/,
    ],
    [
      'a tombstone is too long',
      (db) => db.put(tombstoneKey(ann), Buffer.alloc(9)),
      tombstoneKey(ann),
      /eight bytes/,
    ],
    [
      'a step says more than it says',
      async (db) =>
        db.put(await stepKey(db), Buffer.concat([await value(db, await stepKey(db)), Buffer.of(1)])),
      nodePrefix(ann),
      /does not end where it says/,
    ],
    [
      'a key has no kind',
      (db) => db.put(Buffer.concat([nodePrefix(ann), Buffer.from('?')]), Buffer.of(0)),
      Buffer.concat([nodePrefix(ann), Buffer.from('?')]),
      /unknown kind/,
    ],
    [
      'a key is of nobody',
      (db) => db.put(Buffer.from('what\x1b[31m'), Buffer.of(0)),
      Buffer.from('what\x1b[31m'),
      /no row of ours/,
    ],
    [
      'a position is another partition’s',
      (db) =>
        db.put(
          Buffer.from('p[]'),
          encodePosition({
            source,
            epoch: 1,
            next: 1n,
            fates: { consumed: 0, applied: 0, superseded: 0, filtered: 0, deadLettered: 0 },
            newestEventMs: 0,
          }),
        ),
      Buffer.from('p[]'),
      /position cannot be read/,
    ],
    [
      'a position is no JSON',
      (db) => db.put(Buffer.from(positionKey(source)), Buffer.from('{')),
      Buffer.from(positionKey(source)),
      /position cannot be read/,
    ],
    [
      'an edge’s tombstone is empty',
      (db) => db.put(edgeTombstoneKey('LIKED', ann, dark, null), Buffer.alloc(0)),
      edgeTombstoneKey('LIKED', ann, dark, null),
      /eight bytes/,
    ],
    [
      'the deleted types are missing',
      (db) => db.del(metaKey.deletedTypes),
      metaKey.deletedTypes,
      /tombstones of edges of type LIKED, which this row does not name/,
    ],
    [
      'the deleted types lack a type of nodes',
      async (db) => {
        const { nodes, edges } = decodeDeletedTypes(await value(db, metaKey.deletedTypes));
        const others = new Set([...nodes].filter((type) => type !== 'Title'));
        await db.put(metaKey.deletedTypes, encodeDeletedTypes({ nodes: others, edges }));
      },
      metaKey.deletedTypes,
      /tombstones of nodes of type Title, which this row does not name/,
    ],
  ];

  it.each(damages.map(([name, work, key, what]) => ({ name, work, key, what })))(
    'names the row at fault: $name',
    async ({ work, key, what, name }) => {
      await fill();
      await change(work);
      if (name === 'a position is no JSON') {
        // Such a store cannot be opened at all: its writer reads its positions first.
        await expect(verified()).rejects.toMatchObject({ code: expect.stringMatching(/^STORE_/) });
        return;
      }
      const verdict = await verified(1000);
      expect(verdict.faults).toBeGreaterThan(0);
      expect(verdict.firstFaults.map((fault) => fault.key).join('\n')).toContain(printableKey(key));
      expect(verdict.firstFaults.map((fault) => fault.what).join('\n')).toMatch(what);
      expect(JSON.stringify(verdict.firstFaults)).not.toContain('\\u001b');
    },
  );

  it.each([
    ['deleted types that are no JSON', metaKey.deletedTypes, '{', /something was deleted cannot be read/],
    [
      'deleted types without edges',
      metaKey.deletedTypes,
      '{"nodes":["Title"]}',
      /something was deleted cannot/,
    ],
    ['times to live that are no JSON', metaKey.timeToLive, '{', /times to live cannot be read/],
    ['times to live that are no numbers', metaKey.timeToLive, '{"nodes":{"A":"1"},"edges":{}}', /times to/],
  ])('names %s, which a running store does not see', async (_, key, text, what) => {
    await fill();
    const db = await openLevel({ ...defaultLevelSettings, folder });
    await db.put(key, Buffer.from(text));
    const snapshot = db.snapshot();
    const seen: unknown[] = [];
    for await (const one of new LevelVerifier(db, snapshot, new Expiry(keptForEver, 0), 10).run())
      seen.push(one);
    await snapshot.close();
    await db.close();
    expect(seen.at(-1)).toMatchObject({
      verdict: { faults: 1, firstFaults: [{ key: printableKey(key), what: expect.stringMatching(what) }] },
    });
  });

  it('takes no fault at an occurrence that time to live hides and a sweep has removed from one end, and one at any other', async () => {
    await fill();
    const store = await openLevelStore({ folder }, systemClock);
    await store.setTimeToLive({ nodes: {}, edges: { WATCHED: 1_000 } });
    await store.close();
    await change((db) => db.del(inKey));
    expect(await verified()).toMatchObject({ faults: 0 });
    // What differs elsewhere has all rows looked up one by one.
    const seen = await otherEdge();
    await change((db) => db.del(seen));
    const { faults, firstFaults } = await verified();
    expect(faults).toBe(1);
    expect(firstFaults).toMatchObject([{ what: expect.stringMatching(/seen from its end is not there/) }]);
  });

  it('names as many as it was told to and counts the rest', async () => {
    await fill();
    await change((db) => db.del(originKey(1)));
    const verdict = await verified(2);
    expect(verdict.firstFaults).toHaveLength(2);
    expect(verdict.faults).toBeGreaterThan(2);
  });

  it('says where files cannot be read, and ends', async () => {
    await fill();
    await change((db) => db.compactRange(Buffer.from('a'), Buffer.from('z')));
    const store = await openLevelStore({ folder }, systemClock);
    const table = must(
      (await readdir(folder)).find((name) => name.endsWith('.ldb')),
      'there is a table',
    );
    const file = await open(join(folder, table), 'r+');
    await file.write(Buffer.alloc(2000, 0xff), 0, null, 0);
    await file.close();
    const seen: unknown[] = [];
    for await (const one of store.verify(10)) seen.push(one);
    await store.close();
    expect(seen.at(-1)).toMatchObject({
      kind: 'verdict',
      verdict: { firstFaults: [{ what: expect.stringMatching(/cannot be read/) }] },
    });
  });

  it('holds at one moment while batches go on being applied', async () => {
    const digest = await fill();
    const store = await openLevelStore({ folder }, systemClock);
    const claim = await store.claim(source);
    const at = Number(claim.next);
    const verifying = store.verify(10);
    const first = await verifying.next();
    await store.apply(advance(claim, at, at + 1), pack([event(9, [watched(dark), named('z')])]));
    expect(first.value).toMatchObject({ kind: 'progress' });
    for await (const seen of verifying) {
      if (seen.kind === 'verdict')
        expect(seen.verdict).toMatchObject({ digest, faults: 0, sources: [{ next: String(at) }] });
    }
    expect((await store.digest()).hex).not.toBe(digest);
    await store.close();
  });
});

async function stepKey(db: Raw): Promise<Buffer> {
  const prefix = nodePrefix(ann);
  for await (const key of db.keys({ gte: prefix })) if (rowKindOf(key) === rowKind.step) return key;
  throw new TypeError('there is no step');
}

describe('Figures of a LevelDB store', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'graph-store-stats-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('count every row of a small store, by kind and type', async () => {
    const store = await openLevelStore({ folder }, systemClock);
    const batch = [event(10, [named('a'), watched(dark)]), event(20, [step('d'), watched(dark)])];
    await store.apply(advance(await store.claim(source), 0, 2, { newestEventMs: 20 }), pack(batch));
    const counted = await store.stats(true);
    expect(counted).toMatchObject({
      exact: true,
      rows: 6,
      rowsByKind: { nodes: 1, steps: 1, occurrences: 2, reverseOccurrences: 2, origins: 0 },
      oldestEventMs: 10,
      newestEventMs: 20,
      estimate: { nodes: 2, edges: 1 },
      sources: [{ source, next: '2' }],
    });
    expect(counted.rowsByType).toContainEqual({ kind: 'steps', type: 'Account', rows: 1 });
    expect(counted.rowsByType).toContainEqual({ kind: 'occurrences', type: 'WATCHED', rows: 2 });
    expect(counted.bytesOnDisk).toBeGreaterThan(0);
    // The sample takes in all of so small a store.
    expect(await store.stats(false)).toMatchObject({ exact: true, rows: 6 });
    await store.close();
  });

  const count = 150_000;
  async function fillLarge(): Promise<void> {
    await (await openLevelStore({ folder }, systemClock)).close();
    const db: Raw = new ClassicLevel(folder, { keyEncoding: 'buffer', valueEncoding: 'buffer' });
    await db.open();
    const batch = db.batch();
    for (let i = 0; i < count; i += 1) {
      const node = { type: 'T', id: String(i * 6_700_417 + 10_000_000) };
      batch.put(
        i % 3 === 0 ? tombstoneKey(node) : nodeKey(node),
        Buffer.concat([timeBytes(i), Buffer.of(0)]),
      );
    }
    await batch.write();
    await db.compactRange(Buffer.from('a'), Buffer.from('z'));
    await db.close();
  }

  it('are extrapolated from a sample of a large one', async () => {
    await fillLarge();
    const store = await openLevelStore({ folder }, systemClock);
    const { exact, rows, rowsByKind, levels } = await store.stats(false);
    expect(exact).toBe(false);
    expect(rows / count).toBeGreaterThan(0.8);
    expect(rows / count).toBeLessThan(1.2);
    expect(rowsByKind.nodeTombstones / rows).toBeCloseTo(1 / 3, 1);
    expect(levels.reduce((sum, { files }) => sum + files, 0)).toBeGreaterThan(0);
    expect(await store.stats(true)).toMatchObject({ exact: true, rows: count });
    const stopped = store.stats(true, AbortSignal.abort());
    await expect(stopped).rejects.toMatchObject({ code: 'STORE_READ_FAILED', reaction: 'outage' });
    await store.close();
  });

  it('are no longer counted once nobody wants them', async () => {
    await fillLarge();
    const estimate = { nodes: 0, edges: 0, relativeError: 0 };
    const inspection = new LevelInspection({ ...defaultLevelSettings, folder }, { kind: 'count', estimate });
    await inspection.ready();
    const stop = new AbortController();
    inspection.stopOn(stop.signal);
    const counting = inspection.replies().next();
    stop.abort();
    await expect(counting).rejects.toMatchObject({
      code: 'STORE_READ_FAILED',
      message: expect.stringMatching(/^Counting .* was stopped before it had ended/),
    });
    await inspection.exited;
  });

  it('count rows that say nothing apart, exactly and in a sample', async () => {
    await fillLarge();
    const db: Raw = new ClassicLevel(folder, { keyEncoding: 'buffer', valueEncoding: 'buffer' });
    const nobody = Buffer.concat([nodePrefix({ type: 'T', id: '1' }), Buffer.from('?')]);
    await db.put(nobody, Buffer.of(0));
    // The sample begins with the first row of all.
    await db.put(Buffer.from('g\0\0\0\0cut off'), Buffer.of(0));
    await db.close();
    const store = await openLevelStore({ folder }, systemClock);
    expect(await store.stats(true)).toMatchObject({ exact: true, rows: count + 2, unknownRows: 2 });
    const sampled = await store.stats(false);
    expect(sampled.exact).toBe(false);
    expect(sampled.unknownRows).toBeGreaterThan(0);
    await store.close();
  });
});
