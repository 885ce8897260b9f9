import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../foundation/index.ts';
import { createMemoryStore, type EventMutations } from '../graph-store/index.ts';
import { ask, createWriter, startTestApi, stepAt } from './api-testing.ts';
import { pageBytesMax } from './journey-field.ts';
import type { ApiServer } from './server.ts';

interface Page {
  readonly edges: readonly { readonly cursor: string; readonly node: { readonly time: string } }[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
  readonly completeness: { readonly complete: boolean; readonly truncatedBy: string | null };
}

const query = `query($first: Int, $after: String, $order: JourneyOrder!, $domains: [String!]) {
  journey(of: {type: "Account", id: "a"}, since: "1970-01-01T00:00:00Z", first: $first, after: $after, order: $order,
    domains: $domains) {
    edges { cursor node { time } } pageInfo { hasNextPage endCursor } completeness { complete truncatedBy }
  }
}`;

async function page(server: ApiServer, variables: Readonly<Record<string, unknown>>): Promise<Page> {
  const { text } = await ask(server, query, variables);
  return JSON.parse(text).data.journey;
}

/** Follows cursors to the end; `between` runs after each page. */
async function allCursors(
  server: ApiServer,
  variables: Readonly<Record<string, unknown>>,
  between: () => Promise<void>,
): Promise<string[]> {
  const cursors: string[] = [];
  let after: string | null = null;
  for (let pages = 0; pages < 200; pages += 1) {
    const { edges, pageInfo, completeness }: Page = await page(server, { ...variables, after });
    cursors.push(...edges.map(({ cursor }) => cursor));
    expect(completeness.complete).toBe(!pageInfo.hasNextPage);
    if (!pageInfo.hasNextPage) return cursors;
    expect(pageInfo.endCursor).not.toBeNull();
    after = pageInfo.endCursor;
    await between();
  }
  throw new Error('the pages do not end');
}

const step = fc
  .tuple(
    fc.integer({ min: 0, max: 9 }),
    fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    fc.constantFrom('d', 'e'),
  )
  .map(([timeMs, occurrence, domain]) => stepAt(timeMs, occurrence, domain));
const steps = fc.uniqueArray(step, { maxLength: 25, selector: (one) => one.occurrence });

describe('Pages of a journey', () => {
  it('come to the unpaged list, in both orders, also while scanning is cut short and steps are being added', async () => {
    await fc.assert(
      fc.asyncProperty(
        steps,
        fc.array(steps, { maxLength: 3 }),
        fc.constantFrom('OLDEST_FIRST', 'NEWEST_FIRST'),
        fc.constantFrom(null, ['d']),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 7 }),
        async (first, later, order, domains, size, scanRowsMax) => {
          const store = createMemoryStore(systemClock);
          const write = await createWriter(store);
          await write(first);
          const paged = await startTestApi({ reader: store, limits: { scanRowsMax } });
          const whole = await startTestApi({ reader: store });
          try {
            const before = await page(whole, { first: 500, order, domains });
            const waiting: EventMutations[][] = [...later];
            const cursors = await allCursors(paged, { first: size, order, domains }, async () => {
              await write(waiting.shift() ?? []);
            });
            const after = await page(whole, { first: 500, order, domains });
            const inOrder = after.edges.map(({ cursor }) => cursor);
            // Nothing there from the start is missed or repeated, and nothing is out of order.
            expect(cursors).toEqual(inOrder.filter((cursor) => cursors.includes(cursor)));
            expect(cursors).toEqual(expect.arrayContaining(before.edges.map(({ cursor }) => cursor)));
            if (later.length === 0) expect(cursors).toEqual(inOrder);
          } finally {
            await Promise.all([paged.close(), whole.close()]);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('that are empty because the scan was cut short still say where to go on', async () => {
    const store = createMemoryStore(systemClock);
    const write = await createWriter(store);
    await write([stepAt(1, 1n, 'e'), stepAt(2, 2n, 'e'), stepAt(3, 3n, 'd')]);
    const server = await startTestApi({ reader: store, limits: { scanRowsMax: 2 } });
    try {
      const asked = { first: 1, order: 'OLDEST_FIRST', domains: ['d'] };
      const empty = await page(server, asked);
      expect(empty).toMatchObject({
        edges: [],
        pageInfo: { hasNextPage: true },
        completeness: { truncatedBy: 'SCAN' },
      });
      const next = await page(server, { ...asked, after: empty.pageInfo.endCursor });
      expect(next.edges.map(({ node }) => node.time)).toEqual(['1970-01-01T00:00:00.003Z']);
    } finally {
      await server.close();
    }
  });

  it('end by their size as well, say so, and go on', async () => {
    const store = createMemoryStore(systemClock);
    const write = await createWriter(store);
    // A quarter of a page in each step.
    const text = 'x'.repeat(2 ** 16);
    const texts = Array.from(
      { length: pageBytesMax / 4 / text.length },
      (_, i) => [`text${i}`, text] as const,
    );
    const large = (timeMs: number): EventMutations => ({
      timeMs,
      rank: 0,
      occurrence: BigInt(timeMs),
      mutations: [
        {
          kind: 'step',
          owner: { type: 'Account', id: 'a' },
          domain: 'd',
          action: 'x',
          links: [],
          properties: texts,
        },
      ],
    });
    await write([1, 2, 3, 4, 5, 6].map(large));
    const server = await startTestApi({ reader: store });
    try {
      const first = await page(server, { first: 500, order: 'OLDEST_FIRST' });
      expect(first.edges).toHaveLength(4);
      expect(first.completeness).toEqual({ complete: false, truncatedBy: 'BYTES' });
      const after = first.pageInfo.endCursor;
      const rest = await page(server, { first: 500, order: 'OLDEST_FIRST', after });
      expect(rest.edges).toHaveLength(2);
      expect(rest.completeness).toEqual({ complete: true, truncatedBy: null });
    } finally {
      await server.close();
    }
  });
});
