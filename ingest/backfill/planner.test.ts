import { describe, expect, it } from 'vitest';
import { must, systemClock } from '../../foundation/index.ts';
import { createMemoryStore } from '../../graph-store/index.ts';
import { decodePlan, encodePlan, planId } from './backfill-plan.ts';
import { backfillOf, everything, plan, request, rowOf, rowsBetween } from './backfill-testing.ts';
import { hiddenTypes } from './hidden-types.ts';
import { MemoryArchive, type MemoryFile } from './memory-archive.fake.ts';
import type { PlanParts, PlanRequest } from './planner.ts';

const file = (key: string, from: number, until: number, own: Partial<MemoryFile> = {}): MemoryFile => ({
  key,
  partition: 0,
  rows: rowsBetween(from, until),
  ...own,
});
const codesOf = async (
  archive: MemoryArchive,
  own: Partial<PlanRequest> = {},
  parts: Partial<PlanParts> = {},
) => (await plan(archive, own, parts)).refusals.map(({ code }) => code);

describe('A plan', () => {
  const archive = new MemoryArchive([
    file('b', 100, 200),
    file('a', 0, 100),
    file('c', 0, 50, { partition: 3 }),
  ]);

  it('has its files in order, counts, bytes, an estimate and a life', async () => {
    const made = await plan(archive, {}, { rowsPerSecond: 50 });
    expect(made).toMatchObject({
      topic: 'views',
      topicId: 'archived',
      files: [{ key: 'a' }, { key: 'b' }, { key: 'c' }],
      rows: 250,
      estimateMs: 5_000,
      warnings: [],
      refusals: [],
      life: [0, 3].map((partition) => ({
        ...{ cluster: 'archive', topic: 'views', partition },
        topicId: `backfill:${made.id}`,
      })),
    });
    expect(made.id).toMatch(/^[0-9a-f]{32}$/);
    expect((await plan(archive)).estimateMs).toBeNull();
  });

  it('has the same id whenever the same is applied, and another one whenever something else is', async () => {
    const { id } = await plan(archive);
    expect((await plan(archive, {}, { clock: { ...systemClock, now: () => 5 } })).id).toBe(id);
    const others = await Promise.all([
      plan(archive, { topic: 'other' }),
      plan(archive, { into: { shadow: 's' } }),
      plan(archive, { repeat: 1 }),
      plan(archive, { filter: { ...everything, fromMs: 1_000 } }),
      plan(archive, { filter: { ...everything, untilMs: 2_000 } }),
      plan(archive, { filter: { ...everything, partitions: [0, 3] } }),
      plan(archive, { filter: { ...everything, fromOffset: 0n } }),
      plan(archive, { into: { shadow: 's' } }, { identities: [{ cluster: 'c', topicId: 'archived' }] }),
      plan(archive, {}, { snapshotId: '7759336863195767433' }),
      plan(archive, {}, { archive: 'elsewhere' }),
      plan(archive, {}, { subjects: [{ subject: 's', version: 1, appliedVersions: [], tables: [] }] }),
      plan(archive, {}, { subjects: [{ subject: 's', version: 2, appliedVersions: [], tables: [] }] }),
      plan(new MemoryArchive([file('a', 0, 99)])),
      plan(new MemoryArchive([file('a2', 0, 99)])),
    ]);
    expect(new Set([id, ...others.map((one) => one.id)]).size).toBe(others.length + 1);
  });

  it('comes back from its file as it was frozen, with offsets beyond 2^53, and not when it was changed', async () => {
    const far = 2n ** 60n;
    const one = await plan(
      new MemoryArchive([file('a', 0, 1, { said: { firstOffset: far, lastOffset: far } })]),
    );
    const bytes = encodePlan(one);
    expect(decodePlan(bytes, 'p')).toEqual(one);
    expect(planId(decodePlan(bytes, 'p'))).toBe(one.id);
    const text = Buffer.from(bytes).toString();
    for (const changed of [text.replace('"a"', '"b"'), text.slice(0, -20), '{}'])
      expect(() => decodePlan(Buffer.from(changed), 'p')).toThrow(
        expect.objectContaining({ code: 'BACKFILL_PLAN_DAMAGED' }),
      );
  });

  it('warns of gaps, overlaps and holes, and stops at a gap that nothing explains', async () => {
    const odd = rowsBetween(300, 400).filter(({ offset }) => offset % 2n === 0n);
    const gappy = new MemoryArchive([
      file('a', 0, 100),
      file('b', 150, 250),
      { ...file('c', 250, 251), rows: odd, said: { firstOffset: 250n } },
    ]);
    const made = await plan(gappy);
    expect(made.warnings).toEqual([
      { kind: 'gap', partition: 0, from: 100n, until: 150n, before: 'a', behind: 'b' },
      { kind: 'holes', partition: 0, offsets: 99n },
    ]);
    expect(made.refusals).toEqual([
      {
        code: 'BACKFILL_GAP',
        message: expect.stringContaining('offsets 100 to 149 of partition 0, between a and b'),
      },
    ]);
    expect(await codesOf(gappy, { allow: { gaps: true, rewrite: false } })).toEqual([]);
    expect(
      await codesOf(
        gappy,
        {},
        { isExplained: (p, from, until) => p === 0 && from === 100n && until === 150n },
      ),
    ).toEqual([]);
    const overlapping = new MemoryArchive([file('a', 0, 100), file('b', 60, 90), file('c', 95, 200)]);
    expect((await plan(overlapping)).warnings).toEqual([
      { kind: 'overlap', partition: 0, from: 60n, until: 90n, files: ['a', 'b'] },
      { kind: 'overlap', partition: 0, from: 95n, until: 100n, files: ['a', 'c'] },
    ]);
  });

  it('takes files that lie in no wanted time for no gap', async () => {
    const late = rowsBetween(100, 200).map((row) => ({ ...row, timestampMs: 9_000_000 }));
    const days = new MemoryArchive([
      file('a', 0, 100),
      { ...file('b', 100, 200), rows: late },
      file('c', 200, 300),
    ]);
    const made = await plan(days, { filter: { ...everything, untilMs: 8_000_000 } });
    expect(made).toMatchObject({ files: [{ key: 'a' }, { key: 'c' }], warnings: [], refusals: [] });
  });

  it.each([
    ['no file', new MemoryArchive([]), {}, ['BACKFILL_EMPTY']],
    [
      'two topics of one name',
      new MemoryArchive([file('a', 0, 9), file('b', 0, 9, { topicId: 'new' })]),
      {},
      ['BACKFILL_TOPIC_IDS'],
    ],
    [
      'more rows than offsets',
      new MemoryArchive([file('a', 0, 9, { said: { rows: 10 } })]),
      {},
      ['BACKFILL_FILE_IMPOSSIBLE'],
    ],
    [
      'too many files of one offset',
      new MemoryArchive(Array.from({ length: 33 }, (_, i) => file(`f${i}`, 0, 9))),
      {},
      ['BACKFILL_OVERLAP_TOO_DEEP'],
    ],
    [
      'one of two topics of a name',
      new MemoryArchive([file('a', 0, 9), file('b', 0, 9, { topicId: 'new' })]),
      { topicId: 'new' },
      [],
    ],
  ] as const)('of %s is refused by name, or not', async (_, files, own, codes) => {
    expect(await codesOf(files, own)).toEqual(codes);
  });

  it('moves the positions of its topic when the whole history goes into a shadow, and else says that nobody can switch to it', async () => {
    const whole = new MemoryArchive([file('a', 0, 9), file('c', 0, 9, { partition: 1 })]);
    const [old, own] = ['recreated', 'archived'].map((topicId) => ({ cluster: 'c', topicId }));
    const identities = [must(old, 'a first'), must(own, 'a second')];
    const shadow = { into: { shadow: 's' } };
    const made = await plan(whole, shadow, { identities });
    expect(made).toMatchObject({ identity: own, warnings: [] });
    expect(made.life).toEqual([0, 1].map((partition) => ({ ...own, topic: 'views', partition })));
    for (const [other, isWhole] of [
      [await plan(whole, shadow, { identities: identities.slice(0, 1) }), true],
      [await plan(whole, { ...shadow, filter: { ...everything, partitions: [0] } }, { identities }), false],
      [await plan(whole, { ...shadow, filter: { ...everything, fromMs: 0 } }, { identities }), false],
      [await plan(whole, { ...shadow, allow: { gaps: true, rewrite: false } }, { identities }), false],
      [await plan(whole, { ...shadow, skipExpired: true }, { identities }), false],
    ] as const) {
      expect(other).toMatchObject({ identity: null, warnings: [{ kind: 'own-life', isWhole }] });
      expect(other.life.every(({ topicId }) => topicId === `backfill:${other.id}`)).toBe(true);
    }
    expect(await plan(whole, {}, { identities })).toMatchObject({ identity: null, warnings: [] });
    const late = await plan(new MemoryArchive([file('b', 5, 9)]), shadow, { identities });
    expect(late.warnings).toEqual([{ kind: 'begins-late', partition: 0, from: 5n }]);
  });

  it.each([
    [
      'another mapping wrote the graph',
      { version: 3, appliedVersions: [2, 3], tables: [] },
      'mapping-differs',
    ],
    ['its mapping looks rows up', { version: 3, appliedVersions: [3], tables: ['titles'] }, 'look-ups'],
  ] as const)('into live is refused when %s, unless rewriting is allowed', async (_, one, kind) => {
    const parts = { subjects: [{ subject: 'views-value', ...one }] };
    const made = await plan(archive, {}, parts);
    expect(made.warnings).toEqual([expect.objectContaining({ kind, subject: 'views-value' })]);
    expect(made.refusals).toEqual([expect.objectContaining({ code: 'BACKFILL_REWRITES' })]);
    expect(await codesOf(archive, { allow: { gaps: false, rewrite: true } }, parts)).toEqual([]);
    expect(await codesOf(archive, { into: { shadow: 's' } }, parts)).toEqual([]);
  });

  it('says what time to live hides already, and of which types something was deleted', async () => {
    const rules = { nodes: { Account: 1_000 }, edges: {} };
    const mapped = { nodes: ['Account'], edges: [] };
    const deleted = (nodes: readonly string[]) => ({ nodes: new Set(nodes), edges: new Set<string>() });
    // Rows are of 1,000 to 1,200 ms.
    const hidden = hiddenTypes(rules, mapped, deleted([]), 2_100);
    expect(hidden).toMatchObject({ hidesAll: true, types: [{ type: 'Account', beforeMs: 1_100 }] });
    const kept = await plan(archive, {}, { hidden });
    expect(kept.warnings).toEqual([{ kind: 'hidden', types: ['Account'], beforeMs: 1_100 }]);
    expect(kept.refusals).toEqual([]);
    const swept = hiddenTypes(rules, mapped, deleted(['Account']), 2_100);
    const behind = await plan(archive, {}, { hidden: swept });
    const tombstones = { kind: 'tombstones', types: ['Account'], beforeMs: 1_100 };
    expect(behind).toMatchObject({ warnings: [{ kind: 'hidden' }, tombstones], refusals: [] });
    const younger = await plan(archive, { filter: { ...everything, fromMs: 1_100 } }, { hidden: swept });
    expect(younger.warnings).toEqual([]);
    const beside = await plan(archive, { into: { shadow: 's' } }, { hidden: swept });
    expect(beside.warnings.map(({ kind }) => kind)).toEqual(['hidden', 'own-life']);
    const skipped = await plan(archive, { skipExpired: true }, { hidden });
    expect(skipped.files.map(({ key }) => key)).toEqual(['b']);
    expect(skipped.warnings).toContainEqual({ kind: 'expired', files: 2, rows: 150 });
    const partly = hiddenTypes(rules, { nodes: ['Account', 'Title'], edges: [] }, deleted([]), 2_100);
    expect((await plan(archive, { skipExpired: true }, { hidden: partly })).files.length).toBe(3);
  });

  it('that is refused does not run, and says every reason', async () => {
    const bad = new MemoryArchive([file('a', 0, 9), { ...file('b', 19, 20), rows: [rowOf(1, 19)] }]);
    const parts = { subjects: [{ subject: 's', version: 2, appliedVersions: [1], tables: [] }] };
    const store = createMemoryStore(systemClock);
    const { run } = backfillOf(store, await plan(bad, request, parts), bad);
    await expect(run.run(new AbortController().signal)).rejects.toMatchObject({
      ...{ code: 'BACKFILL_GAP', reaction: 'refused' },
      message: expect.stringMatching(/offsets 9 to 18.*written anew/),
    });
    expect(await store.sources()).toEqual([]);
    expect(run.progress().state).toBe('planned');
  });
});
