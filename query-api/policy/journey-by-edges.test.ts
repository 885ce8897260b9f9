import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type EventMutations,
  encodeStepValue,
  type GraphReader,
  type JourneyPage,
  type JourneyQuery,
  type StepMutation,
} from '../../graph-store/index.ts';
import { AuthorizedReader } from './authorized-reader.ts';
import { Grant } from './grant.ts';
import { callerWith, eventAt, policyFrom, storeWith } from './policy-testing.ts';

const policy = policyFrom(`
version: 1
scopes:
  own:
    operations: [journey]
    nodes:
      Account: { rows: all, fields: all }
      Title: { rows: [{ property: tenant, equalsClaim: tenant }], fields: all }
    edges: { WATCHED: { fields: all }, LIKED: { fields: all } }
    steps: { '*': { fields: all } }
`);
const me = { type: 'Account', id: 'me' };
const titleOf = (tenant: string): { readonly type: string; readonly id: string } => ({
  type: 'Title',
  id: tenant,
});

interface Step {
  readonly timeMs: number;
  readonly links: readonly (readonly [edge: string, tenant: string])[];
  readonly size: number;
}

/** Numbered by occurrence: among steps of one time the later is behind. */
function eventsOf(steps: readonly Step[]): readonly EventMutations[] {
  const titles = ['mine', 'theirs'].map((tenant, at) =>
    eventAt(1, at, [{ kind: 'node', node: titleOf(tenant), properties: [['tenant', tenant]] }]),
  );
  const written = steps.map(({ timeMs, links, size }, at) => {
    const step: StepMutation = {
      kind: 'step',
      owner: me,
      domain: 'd',
      action: `did-${at}`,
      links: links.map(([edge, tenant]) => ({ edge, direction: 'out', node: titleOf(tenant) })),
      properties: [['text', 'x'.repeat(size)]],
    };
    return eventAt(timeMs, 10 + at, [step]);
  });
  return [...titles, ...written];
}

async function readerOf(steps: readonly Step[]): Promise<GraphReader> {
  return new AuthorizedReader(
    await storeWith(eventsOf(steps)),
    new Grant(policy, callerWith(['own'], { tenant: 'mine' })),
  );
}

function watched(change: Partial<JourneyQuery> = {}): JourneyQuery {
  const bounds = { sinceMs: 0, untilMs: 9999, after: null, limit: 25, scanMax: 1000, bytesMax: 100_000 };
  return { of: me, domains: null, edgeTypes: ['WATCHED'], order: 'oldest-first', ...bounds, ...change };
}

async function allPages(reader: GraphReader, query: JourneyQuery): Promise<readonly JourneyPage[]> {
  const pages: JourneyPage[] = [];
  for (let { after } = query; pages.length < 100; ) {
    const page = await reader.journey({ ...query, after });
    pages.push(page);
    if (!page.more) break;
    after = page.last;
  }
  return pages;
}

const link = fc.tuple(fc.constantFrom('WATCHED', 'LIKED'), fc.constantFrom('mine', 'theirs'));
const someSteps = fc.array(
  fc.record({
    timeMs: fc.integer({ min: 1000, max: 1004 }),
    links: fc.array(link, { maxLength: 3 }),
    size: fc.integer({ min: 0, max: 300 }),
  }),
  { maxLength: 30 },
);

describe('A journey by edge types of a caller who sees some of the nodes', () => {
  it('has on its pages each step with a link that is shown, once and in order, and each page as many as fit', async () => {
    const limits = fc.record({
      limit: fc.integer({ min: 1, max: 6 }),
      bytesMax: fc.integer({ min: 1, max: 1000 }),
      order: fc.constantFrom('oldest-first' as const, 'newest-first' as const),
      edgeTypes: fc.subarray(['WATCHED', 'LIKED'], { minLength: 1 }),
    });
    await fc.assert(
      fc.asyncProperty(someSteps, limits, async (steps, asked) => {
        const { limit, bytesMax, order, edgeTypes } = asked;
        const pages = await allPages(await readerOf(steps), watched(asked));
        const expected = steps
          .map(({ timeMs, links }, at) => ({ timeMs, links, at }))
          .filter(({ links }) =>
            links.some(([edge, tenant]) => edgeTypes.includes(edge) && tenant === 'mine'),
          )
          .sort((a, b) => a.timeMs - b.timeMs || a.at - b.at)
          .map(({ at }) => `did-${at}`);
        const inOrder = order === 'oldest-first' ? expected : expected.toReversed();
        expect(pages.flatMap((page) => page.steps.map(({ action }) => action))).toEqual(inOrder);
        for (const [at, { steps: shown, scanned, more, truncated, last }] of pages.entries()) {
          const sizes = shown.map((step) => encodeStepValue(step).length);
          const sizeOf = (count: number): number => sizes.slice(0, count).reduce((sum, one) => sum + one, 0);
          expect(shown.length).toBeLessThanOrEqual(limit);
          if (shown.length > 0) expect(sizeOf(shown.length - 1)).toBeLessThan(bytesMax);
          expect(more).toBe(at < pages.length - 1);
          expect(truncated).toBe(more && shown.length < limit);
          if (truncated) expect(sizeOf(shown.length)).toBeGreaterThanOrEqual(bytesMax);
          expect(scanned).toBe(shown.length);
          expect(last?.occurrence ?? null).toBe(shown.at(-1)?.occurrence ?? null);
          for (const { links } of shown) expect(links.map(({ node }) => node.id)).not.toContain('theirs');
        }
      }),
      { numRuns: 150 },
    );
  });

  it('keeps its bound on bytes over all rounds that it reads, whatever they passed over', async () => {
    const large: Step = { timeMs: 1000, links: [['WATCHED', 'mine']], size: 1000 };
    const hidden: Step = { timeMs: 1000, links: [['WATCHED', 'theirs']], size: 0 };
    const steps = Array.from({ length: 30 }, () => [large, ...Array.from({ length: 26 }, () => hidden)]);
    const page = await (await readerOf(steps.flat())).journey(watched({ bytesMax: 3000 }));
    expect(page).toMatchObject({ scanned: 3, more: true, truncated: true });
    expect(page.steps.map(({ action }) => action)).toEqual(['did-0', 'did-27', 'did-54']);
  });

  it('ends where the bound on rows does, and is refused where it holds nothing because of it', async () => {
    const steps = Array.from({ length: 12 }, (_, at): Step => {
      return { timeMs: 1000 + at, links: [['WATCHED', at === 2 ? 'mine' : 'theirs']], size: 0 };
    });
    const reader = await readerOf(steps);
    const page = await reader.journey(watched({ scanMax: 5 }));
    expect(page).toMatchObject({ scanned: 5, more: true, truncated: true });
    expect(page.steps.map(({ action }) => action)).toEqual(['did-2']);
    await expect(reader.journey(watched({ scanMax: 5, after: page.last }))).rejects.toThrow(
      'More than 5 rows of this journey',
    );
  });
});
