import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { must, systemClock } from '../../foundation/index.ts';
import {
  createMemoryStore,
  type JourneyPage,
  type JourneyQuery,
  type StepView,
} from '../../graph-store/index.ts';
import { createWriter } from '../api-testing.ts';
import { foldRepeats } from './fold-repeats.ts';
import { owner, queryOf, stepEvents, storeOf } from './journey-testing.ts';
import { inOrder } from './journey-view.ts';
import { boundsOf, type PageBounds } from './page-bounds.ts';
import { type Session, sessionsOf } from './sessions.ts';
import { transitionsOf } from './transitions.ts';

const nowMs = 45;
const order = fc.constantFrom('oldest-first' as const, 'newest-first' as const);

/** A page somewhere inside a journey, and the whole journey. */
const pages = fc.record({
  events: stepEvents(),
  order,
  sinceMs: fc.integer({ min: 0, max: 20 }),
  untilMs: fc.oneof(fc.integer({ min: 20, max: 41 }), fc.constant(8.64e15)),
  limit: fc.integer({ min: 1, max: 8 }),
  scanMax: fc.integer({ min: 1, max: 8 }),
  pagesBefore: fc.integer({ min: 0, max: 2 }),
});

async function pageOf({
  events,
  pagesBefore,
  ...rest
}: typeof pages extends fc.Arbitrary<infer T> ? T : never): Promise<{
  readonly whole: readonly StepView[];
  readonly steps: readonly StepView[];
  readonly bounds: PageBounds;
}> {
  const store = await storeOf(events);
  const whole = (await store.journey(queryOf())).steps;
  let query: JourneyQuery = queryOf(rest);
  let page: JourneyPage = await store.journey(query);
  for (let i = 0; i < pagesBefore && page.more; i += 1) {
    query = { ...query, after: page.last };
    page = await store.journey(query);
  }
  return { whole, steps: inOrder(page.steps, query.order), bounds: boundsOf(query, page, nowMs) };
}

function naiveSessions(steps: readonly StepView[], gapMs: number): readonly (readonly StepView[])[] {
  const starts = steps.flatMap((step, i) => {
    const before = steps[i - 1];
    return before === undefined || step.timeMs - before.timeMs > gapMs ? [i] : [];
  });
  return starts.map((start, i) => steps.slice(start, starts[i + 1] ?? steps.length));
}

describe('Sessions of a page', () => {
  it('are the runs of steps without a pause longer than the gap', async () => {
    await fc.assert(
      fc.asyncProperty(pages, fc.integer({ min: 1, max: 15 }), async (of, gapMs) => {
        const { steps, bounds } = await pageOf(of);
        const found = sessionsOf(steps, gapMs, 'Device', bounds);
        expect(found.map(({ mayBeginEarlier: _, mayEndLater: __, ...session }) => session)).toEqual(
          naiveSessions(steps, gapMs).map((group) => ({
            startMs: Math.min(...group.map(({ timeMs }) => timeMs)),
            endMs: Math.max(...group.map(({ timeMs }) => timeMs)),
            steps: group.length,
            domains: [...new Set(group.map(({ domain }) => domain))],
            devices: [
              ...new Set(
                group.flatMap(({ links }) =>
                  links.flatMap(({ node }) => (node.type === 'Device' ? [node.id] : [])),
                ),
              ),
            ],
          })),
        );
      }),
    );
  });

  it('that claim to be whole are whole in the whole journey, whatever page shows them', async () => {
    await fc.assert(
      fc.asyncProperty(pages, fc.integer({ min: 1, max: 15 }), async (of, gapMs) => {
        const { whole, steps, bounds } = await pageOf(of);
        const all = sessionsOf(whole, gapMs, 'Device', { earlierMs: -1, laterMs: Number.POSITIVE_INFINITY });
        for (const session of sessionsOf(steps, gapMs, 'Device', bounds)) {
          if (!session.mayBeginEarlier) expect(all.some((one) => sameStart(one, session))).toBe(true);
          if (!session.mayEndLater) expect(all.some((one) => sameEnd(one, session))).toBe(true);
          if (session.mayBeginEarlier || session.mayEndLater) continue;
          expect(all).toContainEqual(session);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('that nothing can join are not flagged', () => {
    const steps = [100, 110, 500].map(stepWithout);
    const bounds = { earlierMs: 50, laterMs: 600 };
    expect(sessionsOf(steps, 49, 'Device', bounds)).toMatchObject([
      { startMs: 100, endMs: 110, steps: 2, mayBeginEarlier: false, mayEndLater: false },
      { startMs: 500, mayBeginEarlier: false, mayEndLater: false },
    ]);
    expect(sessionsOf(steps, 50, 'Device', bounds)[0]).toMatchObject({ mayBeginEarlier: true });
    expect(sessionsOf(steps, 100, 'Device', bounds)[1]).toMatchObject({ mayEndLater: true });
  });
});

function stepWithout(timeMs: number): StepView {
  return {
    owner,
    timeMs,
    occurrence: 1n,
    domain: 'd',
    action: 'a',
    links: [],
    properties: [],
    lineage: null,
  };
}

function sameStart(a: Session, b: Session): boolean {
  return a.startMs === b.startMs;
}

function sameEnd(a: Session, b: Session): boolean {
  return a.endMs === b.endMs;
}

describe('Transitions of a page', () => {
  it('are the neighbours that lie at different places, steps without a place left out', async () => {
    await fc.assert(
      fc.asyncProperty(pages, async (of) => {
        const { steps } = await pageOf(of);
        const placeOf = ({ links }: StepView) =>
          links.find(({ node }) => node.type === 'Device')?.node.id ?? null;
        const placed = steps.filter((step) => placeOf(step) !== null);
        const naive = placed.flatMap((step, i) => {
          const before = placed[i - 1];
          if (before === undefined || placeOf(before) === placeOf(step)) return [];
          const { timeMs } = step;
          return [{ from: placeOf(before), to: placeOf(step), timeMs, afterMs: timeMs - before.timeMs }];
        });
        expect(transitionsOf(steps, placeOf)).toEqual(naive);
      }),
    );
  });
});

describe('Folding', () => {
  it('makes one of each longest run that says the same, at the place of its last step', async () => {
    await fc.assert(
      fc.asyncProperty(stepEvents(), order, async (events, way) => {
        const { steps } = await (await storeOf(events)).journey(queryOf({ order: way }));
        const folded = foldRepeats(steps);
        let at = 0;
        for (const { step, count, firstMs, lastMs } of folded) {
          const run = steps.slice(at, at + count);
          at += count;
          expect(step).toBe(run.at(-1));
          expect(new Set(run.map(naiveKey)).size).toBe(1);
          expect([firstMs, lastMs]).toEqual([
            Math.min(...run.map(({ timeMs }) => timeMs)),
            Math.max(...run.map(({ timeMs }) => timeMs)),
          ]);
          const next = steps[at];
          if (next !== undefined) expect(naiveKey(next)).not.toBe(naiveKey(step));
        }
        expect(at).toBe(steps.length);
      }),
    );
  });

  it('pages through a journey without loss or repeat while other steps are being written', async () => {
    await fc.assert(
      fc.asyncProperty(
        stepEvents(),
        stepEvents(6),
        order,
        fc.integer({ min: 1, max: 5 }),
        async (events, extra, way, limit) => {
          const store = createMemoryStore(systemClock);
          const write = await createWriter(store);
          await write(events);
          const before = (await store.journey(queryOf({ order: way }))).steps.map(
            ({ occurrence }) => occurrence,
          );
          const later = extra.map((event) => ({ ...event, occurrence: event.occurrence + 1000n }));
          const seen: bigint[] = [];
          let query = queryOf({ order: way, limit });
          for (let pages = 0; ; pages += 1) {
            const page = await store.journey(query);
            const folded = foldRepeats(page.steps);
            const counts = folded.reduce((sum, { count }) => sum + count, 0);
            expect(counts).toBe(page.steps.length);
            seen.push(...page.steps.map(({ occurrence }) => occurrence));
            if (!page.more) break;
            // The cursor of the last edge, as a client would pass it.
            query = { ...query, after: must(folded.at(-1), 'a page without a filter has steps').step };
            const event = later[pages];
            if (event !== undefined) await write([event]);
          }
          expect(new Set(seen).size).toBe(seen.length);
          expect(seen.filter((occurrence) => occurrence < 1000n)).toEqual(before);
        },
      ),
    );
  });
});

function naiveKey({ domain, action, links }: StepView): string {
  const texts = links.map(({ edge, direction, node }) => `${edge} ${direction} ${node.type} ${node.id}`);
  return `${domain} ${action} ${texts.sort().join(',')}`;
}
