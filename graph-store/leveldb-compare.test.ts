import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Clock, systemClock } from '../foundation/index.ts';
import { pack } from './conformance-graphs.ts';
import { advance, source } from './conformance-subject.ts';
import type { CompareEvent, CompareVerdict, GraphDifference } from './graph-difference.ts';
import { compareGraphs } from './leveldb-compare.ts';
import { LevelGraphSide } from './leveldb-graph-side.ts';
import { openLevel } from './leveldb-open.ts';
import { defaultLevelSettings } from './leveldb-protocol.ts';
import { restoreLevel } from './leveldb-restore.ts';
import { createMemoryStore } from './memory-store.ts';
import type { EventMutations, Mutation } from './model.ts';
import { keptForEver, type TimeToLive } from './time-to-live.ts';

const nowMs = 1_000_000;
const clock: Clock = { ...systemClock, now: () => nowMs };
const accounts = 1_000;
const origin = { schemaId: 7, subject: 'plays-value', version: 1 };

/** An account with a country that watched a title, each of its own record. */
function history(
  change: (i: number, mutations: readonly Mutation[]) => readonly Mutation[],
): EventMutations[] {
  return Array.from({ length: accounts }, (_, i): EventMutations => {
    const node = { type: 'Account', id: `a${i}` };
    const to = { type: 'Title', id: `t${i % 50}` };
    const mutations: Mutation[] = [
      { kind: 'node', node, properties: [['country', 'DE']] },
      { kind: 'edge', type: 'WATCHED', from: node, to, properties: [['seconds', 60n]] },
    ];
    const lineage = { offset: BigInt(i), origin };
    return { timeMs: i + 1, rank: 0, occurrence: BigInt(i), mutations: [...change(i, mutations)], lineage };
  });
}

const same = (_i: number, mutations: readonly Mutation[]): readonly Mutation[] => mutations;

async function sideOf(events: readonly EventMutations[], rules: TimeToLive = keptForEver) {
  const store = createMemoryStore(clock);
  const claim = await store.claim(source);
  await store.apply(advance(claim, 0, events.length), pack(events));
  await store.setTimeToLive(rules);
  const folder = await mkdtemp(join(tmpdir(), 'graph-store-compare-'));
  const db = await openLevel({ ...defaultLevelSettings, folder });
  const snapshot = await store.snapshot();
  await restoreLevel(db, snapshot);
  const moment = db.snapshot();
  onTestFinished(async () => {
    await moment.close();
    await db.close();
    await rm(folder, { recursive: true, force: true });
  });
  return { side: new LevelGraphSide(db, moment, nowMs), digest: (await store.digest()).hex };
}

async function compared(live: LevelGraphSide, other: LevelGraphSide, differencesMax = 100) {
  const found: GraphDifference[] = [];
  const verdicts: CompareVerdict[] = [];
  const take = (event: CompareEvent): void => {
    if (event.kind === 'difference') found.push(event.difference);
    if (event.kind === 'verdict') verdicts.push(event.verdict);
  };
  for await (const event of compareGraphs(live, other, differencesMax)) take(event);
  expect(verdicts).toHaveLength(1);
  return { found, verdict: verdicts[0] };
}

describe('Comparing two graphs', () => {
  it('says of equal ones that they are, by the digest that their stores give, and compares no row', async () => {
    const live = await sideOf(history(same));
    const other = await sideOf(history(same).reverse());
    const { found, verdict } = await compared(live.side, other.side);
    expect(found).toEqual([]);
    expect(verdict).toMatchObject({
      ...{ isEqual: true, rangesDiffering: 0, rowsCompared: 0, hasMore: false },
      live: { rows: 2 * accounts, digest: live.digest, sources: [{ next: String(accounts) }] },
      other: { digest: live.digest },
    });
  });

  it('finds one row that says something else, with who wrote it on both sides, looking at few', async () => {
    const live = await sideOf(history(same));
    const other = await sideOf(
      history((i, mutations) =>
        mutations.map((one) =>
          i === 434 && one.kind === 'edge' ? { ...one, properties: [['seconds', 2n ** 60n]] } : one,
        ),
      ),
    );
    const { found, verdict } = await compared(live.side, other.side);
    const lineage = {
      topic: 'plays',
      partition: 0,
      offset: '434',
      mapping: { subject: 'plays-value', version: 1 },
    };
    expect(found).toEqual([
      {
        kind: 'edge',
        what: 'Account:a434 -WATCHED-> Title:t34',
        timeMs: 435,
        occurrence: '00000000000001b2',
        live: { content: { properties: { seconds: 60 } }, lineage },
        other: { content: { properties: { seconds: '1152921504606846976' } }, lineage },
      },
    ]);
    expect(verdict).toMatchObject({ isEqual: false, rangesDiffering: 1, differences: 1, hasMore: false });
    expect(verdict?.rowsCompared).toBeLessThan(20);
  });

  it('finds what is on one side alone, and deletes', async () => {
    const live = await sideOf(history((i, mutations) => (i === 7 ? [] : mutations)));
    const node = { type: 'Account', id: 'a9' };
    const other = await sideOf(
      history((i, mutations) => (i === 9 ? [...mutations, { kind: 'node-delete', node }] : mutations)),
    );
    const { found } = await compared(live.side, other.side);
    const shown = found.map((one) => [one.kind, one.what, one.live === null, one.other?.content]);
    expect(shown.sort()).toEqual([
      ['edge', 'Account:a7 -WATCHED-> Title:t7', true, { properties: { seconds: 60 } }],
      ['node', 'Account:a7', true, { mentionedMs: 8, properties: { country: 'DE' } }],
      ['node-delete', 'Account:a9', true, { timeMs: 10 }],
    ]);
    const back = await compared(other.side, live.side);
    expect(back.found.map((one) => one.other)).toEqual([null, null, null]);
  });

  it('ends with as many differences as are wanted, and says that there are more', async () => {
    const live = await sideOf(history(same));
    const other = await sideOf([]);
    const { found, verdict } = await compared(live.side, other.side, 10);
    expect(found).toHaveLength(10);
    expect(verdict).toMatchObject({ differences: 10, hasMore: true });
    const all = await compared(live.side, other.side, 2 * accounts);
    expect(all.verdict).toMatchObject({ differences: 2 * accounts, hasMore: false });
  });

  it('goes by what readers of each can see', async () => {
    const live = await sideOf(history(same), { nodes: { Account: nowMs - 500 }, edges: {} });
    const other = await sideOf(history((i, mutations) => (i < 500 ? [] : mutations)));
    expect((await compared(live.side, other.side)).verdict).toMatchObject({ isEqual: true });
  });
});
