import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../foundation/index.ts';
import { createMemoryStore } from '../../graph-store/index.ts';
import { createWriter } from '../api-testing.ts';
import { conditions, memberIds, membersByOracle, worlds } from './audience-graphs-testing.ts';
import type { SegmentRun } from './audience-segments.ts';
import { openTestAudiences } from './audience-testing.ts';
import type { Condition } from './condition.ts';

const everybody: Condition = { kind: 'all', of: [] };
const abandoned = (): Error => new Error('abandoned');

describe('segments of a frozen audience', () => {
  it('are those of its members for whom a condition holds, asked of all at once or of some', async () => {
    await using test = await openTestAudiences();
    let asked = 0;
    await fc.assert(
      fc.asyncProperty(worlds(), conditions(), conditions(), async (events, who, where) => {
        const graph = createMemoryStore(systemClock);
        await (await createWriter(graph))(events);
        const audience = await test.frozen(graph, who, `segments-${++asked}`);
        if (audience.state !== 'READY') throw new Error(JSON.stringify(audience));
        const run: SegmentRun = { reader: graph, signal: new AbortController().signal, abandoned };
        const { segments } = test.audiences;
        const { id } = audience.row;
        const found: string[] = [];
        for await (const ids of segments.holding(id, where, run)) found.push(...ids);
        const members = membersByOracle(events, who);
        const holding = membersByOracle(events, where);
        expect(found.sort()).toEqual(members.filter((one) => holding.includes(one)));
        const first = await segments.firstHolding('Account', [where, everybody], memberIds, run);
        const there = membersByOracle(events, everybody);
        expect(first).toEqual(
          memberIds.map((one) => (holding.includes(one) ? 0 : there.includes(one) ? 1 : null)),
        );
        const inOrder = await test.idsOf(id);
        const positions = await segments.positionsOf(id, [...inOrder, 'nobody']);
        expect(positions).toEqual([...inOrder.keys(), null]);
        expect(await segments.idsAt(id, [...inOrder.keys()].reverse())).toEqual([...inOrder].reverse());
        await test.audiences.delete(id);
      }),
      { numRuns: 150 },
    );
    expect(asked).toBeGreaterThanOrEqual(150);
  });

  it('end when they are told to, and are refused of an audience that is not there', async () => {
    await using test = await openTestAudiences();
    const graph = createMemoryStore(systemClock);
    const audience = await test.frozen(graph, everybody);
    if (audience.state !== 'READY') throw new Error(JSON.stringify(audience));
    const run: SegmentRun = { reader: graph, signal: AbortSignal.abort(), abandoned };
    const first = (id: string) => test.audiences.segments.holding(id, everybody, run).next();
    await expect(first(audience.row.id)).rejects.toThrow('abandoned');
    await expect(first('other')).rejects.toMatchObject({ code: 'AUDIENCE_UNKNOWN' });
  });
});
