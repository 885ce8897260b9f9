import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { must, systemClock } from '../foundation/index.ts';
import { ByteReader, decodeStepValue, type StepValue } from './codec.ts';
import { expectEnds } from './conformance-ends.ts';
import { edgeTypes, events, nodes, pack } from './conformance-graphs.ts';
import { NaiveGraph } from './conformance-oracle.ts';
import { assertProperty } from './conformance-property.ts';
import { advance, ann, dark, event, hop, journeyOf, lost, propertyTimeoutOf, type StoreHarness, type Subject, source, step, watched } from './conformance-subject.ts'; // biome-ignore format: one row
import type {
  AdjacencyQuery,
  DegreeQuery,
  GraphStore,
  JourneyPage,
  JourneyQuery,
  OccurrencePosition,
  OccurrenceView,
  PackedStep,
  StepView,
} from './graph-store.ts';

const queriesPerGraph = 12;
const pagesMax = 100;
/** Times to live are drawn from 1 to 9, events' times from 0 to 6. */
const oracleNowMs = 10;

/** Every bound of every paged read, against an oracle that knows the events only. */
export function describeQueries(subject: Subject, harness: StoreHarness): void {
  describe('degree', () => describeDegree(subject));
  if (harness.answersRows === true) describe('journeys in rows', () => describeRows(subject, harness));
  it('answers hops, degrees and journeys as the oracle does, whatever graph is asked whatever question', {
    timeout: propertyTimeoutOf(harness),
  }, async () => {
    const queries = fc.array(fc.record({ hop: adjacencyQuery(), journey: journeyQuery() }), {
      minLength: 1,
      maxLength: queriesPerGraph,
    });
    const property = fc.asyncProperty(events(), queries, async (list, asked) => {
      const graph = new NaiveGraph(list);
      const store = await harness.open(systemClock);
      try {
        await store.apply(advance(await store.claim(source), 0, 1), pack(list));
        for (const query of asked) {
          await compareHop(store, graph, query.hop);
          await compareDegree(store, graph, query.hop);
          await compareJourney(store, graph, query.journey);
        }
        await compareAtOnce(
          store,
          asked.map(({ hop: query }) => query),
        );
      } finally {
        await harness.dispose(store);
      }
    });
    await assertProperty(harness.propertyRuns, property);
  });
}

/** Times, limit, rows looked at, order, what is hidden, and what the page says it left out. */
async function compareHop(store: GraphStore, graph: NaiveGraph, query: AdjacencyQuery): Promise<void> {
  const page = await store.adjacency(query);
  const occurrences = page.occurrences.map((one) => ({ ...one, lineage: null }));
  expect({ ...page, occurrences }).toEqual(graph.adjacency(query));
  const whole = graph.adjacency({ ...query, limit: 1_000, scanMax: 1_000 });
  expect(await allOccurrences(store, query)).toEqual(whole.occurrences);
}

/** Many nodes asked at once are answered as each alone, in the order in which they were asked. */
async function compareAtOnce(store: GraphStore, asked: readonly AdjacencyQuery[]): Promise<void> {
  const pages = await store.adjacencies(asked);
  expect(pages).toEqual(await Promise.all(asked.map((query) => store.adjacency(query))));
  await expectEnds(store, asked);
  const refs = [...asked.map(({ of }) => of), lost];
  expect(await store.nodes(refs)).toEqual(await Promise.all(refs.map((ref) => store.node(ref))));
}

/** Exact as far as it may look, and never less than it looked at. */
async function compareDegree(
  store: GraphStore,
  graph: NaiveGraph,
  { limit: _, after: _after, ...query }: AdjacencyQuery,
): Promise<void> {
  const { rows, visible } = graph.degree(query);
  const { count, exact } = await store.degree(query);
  expect(exact).toBe(rows <= query.scanMax);
  if (exact) expect(count).toBe(visible);
  else expect(count).toBeGreaterThanOrEqual(query.scanMax);
}

/** The page itself, and all pages from there to the end. */
async function compareJourney(store: GraphStore, graph: NaiveGraph, query: JourneyQuery): Promise<void> {
  const page = await store.journey(query);
  expect({ ...page, steps: page.steps.map(withoutLineage) }).toEqual(graph.journey(query));
  await expectRows(store, query, page);
  const whole = graph.journey({ ...query, limit: 1_000, scanMax: 1_000 });
  expect(await allSteps(store, query)).toEqual(whole.steps);
}

/** What `journeyRows` answers is what `journey` does; nothing where the engine has none of its own. */
async function expectRows(store: GraphStore, query: JourneyQuery, page: JourneyPage): Promise<void> {
  const found = await store.journeyRows?.(query);
  if (found === undefined) return;
  const { rows, scanned, more, truncated, last } = found;
  const steps = found.steps();
  expect({ steps, scanned, more, truncated, last }).toEqual(page);
  const places = rows?.map((row) => [row.timeMs, row.position()]);
  if (places !== undefined)
    expect(places).toEqual(steps.map(({ timeMs, occurrence }) => [timeMs, { timeMs, occurrence }]));
  const contents = steps.map(({ domain, action, links, properties }) => ({
    domain,
    action,
    links,
    properties,
  }));
  if (rows !== null) expect(rows.map(contentOf)).toEqual(contents);
}

/** What its bytes say. */
function contentOf({ value, at }: PackedStep): StepValue {
  return decodeStepValue(new ByteReader(value, at));
}

function describeRows(subject: Subject, harness: StoreHarness): void {
  const rowsOf = async () => (await subject.store.journeyRows?.(journeyOf(ann)))?.rows;
  const linksIn = (row: PackedStep) => contentOf(row).links.map(({ node }) => node.id);
  const linksOf = async () => (await rowsOf())?.map(linksIn);

  it('are rows while no node is hidden, in their order', async () => {
    await subject.apply(event(3, [step('d')]), event(4, [step('e', lost)]));
    expect((await rowsOf())?.map(({ timeMs }) => timeMs)).toEqual([4, 3]);
    const page = await subject.store.journey(journeyOf(ann));
    await expectRows(subject.store, journeyOf(ann), page);
  });
  it('are rows without the links to nodes that were deleted, and with those of steps that came later', async () => {
    await subject.apply(event(3, [step('d')]), event(4, [step('e', lost)]));
    await subject.apply(event(5, [{ kind: 'node-delete', node: dark }]));
    await subject.apply(event(5, [step('f')]), event(6, [step('g')]));
    expect(await linksOf()).toEqual([['dark'], [], ['lost'], []]);
    await expectRows(subject.store, journeyOf(ann), await subject.store.journey(journeyOf(ann)));
  });
  it('are rows without the links to nodes that are kept no longer', async () => {
    await subject.apply(event(3, [step('d')]), event(4, [step('e', lost)]));
    await subject.store.setTimeToLive({ nodes: { Title: 10 }, edges: {} });
    subject.nowMs = 13;
    expect(await linksOf()).toEqual([['lost'], []]);
    subject.nowMs = 14;
    expect(await linksOf()).toEqual([[], []]);
    await subject.store.setTimeToLive({ nodes: {}, edges: {} });
    expect(await linksOf()).toEqual([['lost'], ['dark']]);
  });
  it('are the rows as they lie while it is nodes of other types or ids that are hidden', async () => {
    await subject.apply(event(3, [step('d')]));
    await subject.store.setTimeToLive({ nodes: { Other: 1 }, edges: {} });
    subject.nowMs = 100;
    await subject.apply(event(4, [{ kind: 'node-delete', node: { type: 'Titles', id: 'dark' } }]));
    expect(await linksOf()).toEqual([['dark']]);
    await subject.apply(event(4, [{ kind: 'node-delete', node: lost }]));
    expect(await linksOf()).toEqual([['dark']]);
  });
  it('count the links that are left out where steps are looked for by their edges, and in the bytes of a page', async () => {
    await subject.apply(event(3, [step('d')]), event(4, [step('e')]));
    const asked = journeyOf(ann, { edgeTypes: ['WATCHED'], bytesMax: 40 });
    const before = await subject.store.journeyRows?.(asked);
    await subject.apply(event(5, [{ kind: 'node-delete', node: dark }]));
    const { rows, ...page } = must(await subject.store.journeyRows?.(asked), 'this engine answers rows');
    expect(rows?.map(linksIn)).toEqual([[]]);
    expect(page).toMatchObject({ scanned: before?.scanned, more: before?.more, last: before?.last });
  });
  it('are what the oracle says, whatever was deleted or is kept for a while only', {
    timeout: propertyTimeoutOf(harness),
  }, async () => {
    const life = fc.option(fc.integer({ min: 4, max: 9 }), { nil: Number.POSITIVE_INFINITY });
    const queries = fc.array(journeyQuery(), { minLength: 1, maxLength: queriesPerGraph });
    const lives = fc.record({ A: life, B: life });
    const property = fc.asyncProperty(events(), queries, lives, async (list, drawn, ofTypes) => {
      const kept = Object.entries(ofTypes).filter(([, ttlMs]) => Number.isFinite(ttlMs));
      const ttlMs = new Map(kept);
      const graph = new NaiveGraph(list, (type) => oracleNowMs - (ttlMs.get(type) ?? oracleNowMs + 1));
      const store = await harness.open({ ...systemClock, now: () => oracleNowMs });
      try {
        await store.apply(advance(await store.claim(source), 0, 1), pack(list));
        await store.setTimeToLive({ nodes: Object.fromEntries(kept), edges: {} });
        for (const query of [...nodes.map((of) => journeyOf(of)), ...drawn]) {
          await compareJourney(store, graph, query);
          expect((await store.journeyRows?.(query))?.rows).toBeInstanceOf(Array);
        }
      } finally {
        await harness.dispose(store);
      }
    });
    await assertProperty(harness.propertyRuns, property);
  });
}

function describeDegree(subject: Subject): void {
  const degreeOf = (of: typeof ann, direction: 'out' | 'in', changes: Partial<DegreeQuery> = {}) => {
    const { limit: _, ...query } = hop(of, direction);
    return subject.store.degree({ ...query, ...changes });
  };

  it('counts what a hop would show, at both sides and within times', async () => {
    for (let timeMs = 1; timeMs <= 6; timeMs += 1)
      await subject.apply(event(timeMs, [watched(timeMs % 2 === 0 ? dark : lost)]));
    expect(await degreeOf(ann, 'out')).toEqual({ count: 6, exact: true });
    expect(await degreeOf(dark, 'in')).toEqual({ count: 3, exact: true });
    expect(await degreeOf(ann, 'in')).toEqual({ count: 0, exact: true });
    expect(await degreeOf(ann, 'out', { sinceMs: 2, untilMs: 5 })).toEqual({ count: 3, exact: true });
    expect(await degreeOf(ann, 'out', { sinceMs: 5, untilMs: 5 })).toEqual({ count: 0, exact: true });
    expect(await degreeOf(ann, 'out', { type: 'WATCHE' })).toEqual({ count: 0, exact: true });
  });
  it('leaves out what a delete hides, of the edge or of either end', async () => {
    const third = { type: 'Title', id: 'third' };
    await subject.apply(event(3, [watched(dark), watched(lost), watched(third)]));
    await subject.apply(event(4, [{ kind: 'edge-delete', type: 'WATCHED', from: ann, to: dark }]));
    await subject.apply(event(4, [{ kind: 'node-delete', node: lost }]));
    expect(await degreeOf(ann, 'out')).toEqual({ count: 1, exact: true });
    await subject.apply(event(5, [{ kind: 'node-delete', node: ann }]));
    expect(await degreeOf(ann, 'out')).toEqual({ count: 0, exact: true });
    expect(await degreeOf(third, 'in')).toEqual({ count: 0, exact: true });
  });
  it('leaves out what is kept no longer', async () => {
    await subject.apply(event(3, [watched(dark)]), event(9, [watched(lost)]));
    await subject.store.setTimeToLive({ nodes: {}, edges: { WATCHED: 10 } });
    subject.nowMs = 15;
    expect(await degreeOf(ann, 'out')).toEqual({ count: 1, exact: true });
  });
  it('says that it estimates beyond the rows it may look at', async () => {
    const title = (i: number) => ({ type: 'Title', id: `t${i}` });
    const batch = Array.from({ length: 50 }, (_, i) => event(i + 1, [watched(title(i))]));
    await subject.apply(...batch);
    expect(await degreeOf(ann, 'out', { scanMax: 50 })).toEqual({ count: 50, exact: true });
    const few = await degreeOf(ann, 'out', { scanMax: 10 });
    expect(few.exact).toBe(false);
    expect(few.count).toBeGreaterThanOrEqual(10);
  });
}

function adjacencyQuery(): fc.Arbitrary<AdjacencyQuery> {
  return fc.record({
    of: fc.constantFrom(...nodes),
    type: fc.constantFrom(...edgeTypes),
    direction: fc.constantFrom('out', 'in'),
    sinceMs: fc.integer({ min: 0, max: 7 }),
    untilMs: fc.oneof(fc.integer({ min: 0, max: 8 }), fc.constant(Number.MAX_SAFE_INTEGER)),
    after: fc.option(occurrencePosition(), { nil: null }),
    limit: fc.integer({ min: 1, max: 8 }),
    scanMax: fc.integer({ min: 1, max: 10 }),
    endsOnly: fc.boolean(),
  });
}

function occurrencePosition(): fc.Arbitrary<OccurrencePosition> {
  return fc.record({
    timeMs: fc.integer({ min: 0, max: 7 }),
    occurrence: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    far: fc.constantFrom(...nodes),
    key: fc.constantFrom(null, 'k'),
  });
}

/** Page by page, each from where the one before looked last. */
async function allOccurrences(store: GraphStore, first: AdjacencyQuery): Promise<OccurrenceView[]> {
  const found: OccurrenceView[] = [];
  let query = first;
  for (let pages = 0; pages < pagesMax; pages += 1) {
    const page = await store.adjacency(query);
    found.push(...page.occurrences.map((one) => ({ ...one, lineage: null })));
    if (page.occurrences.length < query.limit && !page.truncated) return found;
    query = { ...query, after: page.last };
  }
  throw new Error(`a hop has no end after ${pagesMax} pages`);
}

function journeyQuery(): fc.Arbitrary<JourneyQuery> {
  const after = fc.record({
    timeMs: fc.integer({ min: 0, max: 7 }),
    occurrence: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  });
  return fc.record({
    of: fc.constantFrom(...nodes),
    sinceMs: fc.integer({ min: 0, max: 5 }),
    untilMs: fc.oneof(fc.integer({ min: 0, max: 8 }), fc.constant(Number.MAX_SAFE_INTEGER)),
    domains: fc.constantFrom<(readonly string[] | null)[]>(null, ['d'], ['dd'], ['d', 'dd'], []),
    edgeTypes: fc.constantFrom<(readonly string[] | null)[]>(null, null, ['E'], ['EE'], ['E', 'EE']),
    order: fc.constantFrom('oldest-first', 'newest-first'),
    after: fc.oneof(fc.constant(null), after),
    limit: fc.integer({ min: 1, max: 5 }),
    scanMax: fc.integer({ min: 1, max: 8 }),
    bytesMax: fc.constant(2 ** 20),
  });
}

/** Page by page, each from where the one before ended. */
async function allSteps(store: GraphStore, first: JourneyQuery): Promise<StepView[]> {
  const steps: StepView[] = [];
  let query = first;
  for (let pages = 0; pages < pagesMax; pages += 1) {
    const page = await store.journey(query);
    steps.push(...page.steps.map(withoutLineage));
    if (!page.more) return steps;
    query = { ...query, after: page.last };
  }
  throw new Error(`a journey has no end after ${pagesMax} pages`);
}

function withoutLineage(step: StepView): StepView {
  return { ...step, lineage: null };
}
