import { describe, expect, it } from 'vitest';
import { systemClock } from '../foundation/index.ts';
import { createMemoryStore } from '../graph-store/index.ts';
import { ask, createWriter, startTestApi, stepAt, type TestApiOptions } from './api-testing.ts';
import { writeCursor } from './cursor.ts';

const dayMs = 86_400_000;
const nowMs = Date.UTC(2026, 0, 1);
const clock = { ...systemClock, now: () => nowMs };

async function journey(
  options: TestApiOptions,
  id: string,
  variables: Readonly<Record<string, unknown>> = {},
): Promise<unknown> {
  const server = await startTestApi({ clock, ...options });
  try {
    const query = `query($since: DateTime, $until: DateTime, $after: String, $first: Int) {
      journey(of: {type: "Account", id: "${id}"}, since: $since, until: $until, after: $after, first: $first) {
        edges { node { time } } pageInfo { hasPreviousPage hasNextPage endCursor }
        completeness { since complete truncatedBy limit scanned } freshness { topic freshnessMs }
      }
    }`;
    return JSON.parse((await ask(server, query, variables)).text).data.journey;
  } finally {
    await server.close();
  }
}

async function storeWith(...timesMs: readonly number[]): Promise<ReturnType<typeof createMemoryStore>> {
  const store = createMemoryStore(systemClock);
  const write = await createWriter(store);
  await write(timesMs.map((timeMs, i) => stepAt(timeMs, BigInt(i + 1))));
  return store;
}

describe('A journey', () => {
  it('without since looks back as far as the setting says and says where it began', async () => {
    const store = await storeWith(nowMs - 11 * dayMs, nowMs - 9 * dayMs);
    const limits = { lookbackMs: 10 * dayMs };
    expect(await journey({ reader: store, limits }, 'a')).toMatchObject({
      edges: [{ node: { time: '2025-12-23T00:00:00.000Z' } }],
      completeness: { since: '2025-12-22T00:00:00.000Z', complete: true, truncatedBy: null, limit: null },
    });
  });

  it('without since looks back from until when that lies before now', async () => {
    const store = await storeWith(nowMs - 31 * dayMs, nowMs - 25 * dayMs, nowMs - 9 * dayMs);
    const variables = { until: '2025-12-12T00:00:00Z' };
    expect(
      await journey({ reader: store, limits: { lookbackMs: 10 * dayMs } }, 'a', variables),
    ).toMatchObject({
      edges: [{ node: { time: '2025-12-07T00:00:00.000Z' } }],
      completeness: { since: '2025-12-02T00:00:00.000Z' },
    });
  });

  it('takes since as inclusive and until as exclusive', async () => {
    const store = await storeWith(1000, 2000);
    const variables = { since: '1970-01-01T00:00:01Z', until: '1970-01-01T00:00:02Z' };
    expect(await journey({ reader: store }, 'a', variables)).toMatchObject({
      edges: [{ node: { time: '1970-01-01T00:00:01.000Z' } }],
    });
  });

  it('says which limit ended a page, and that something lies before a later one', async () => {
    const store = await storeWith(nowMs - 2, nowMs - 1);
    const first = await journey({ reader: store }, 'a', { first: 1 });
    expect(first).toMatchObject({
      pageInfo: { hasPreviousPage: false, hasNextPage: true, endCursor: expect.any(String) },
      completeness: { complete: false, truncatedBy: 'PAGE', limit: 1 },
    });
    const after = writeCursor({ timeMs: 1, occurrence: 1n });
    expect(await journey({ reader: store }, 'a', { after })).toMatchObject({
      pageInfo: { hasPreviousPage: true, hasNextPage: false },
      completeness: { complete: true },
    });
  });

  it('takes a cursor of another journey as the moment it names', async () => {
    const store = await storeWith(nowMs - 2, nowMs - 1);
    const after = writeCursor({ timeMs: nowMs - 2, occurrence: 2n ** 64n - 1n });
    expect(await journey({ reader: store }, 'a', { after })).toMatchObject({
      edges: [{ node: { time: '2025-12-31T23:59:59.999Z' } }],
    });
    expect(await journey({ reader: store }, 'nobody', { after })).toMatchObject({ edges: [] });
  });

  it('says how fresh each topic is', async () => {
    const row = { state: 'running', reason: null, partitions: [] } as const;
    const topics = () => [
      { ...row, topic: 'games', freshnessMs: 12.5 },
      { ...row, topic: 'ads', freshnessMs: null },
    ];
    expect(await journey({ status: { topics } }, 'a')).toMatchObject({
      freshness: [
        { topic: 'games', freshnessMs: 12.5 },
        { topic: 'ads', freshnessMs: null },
      ],
    });
  });
});
