import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../foundation/index.ts';
import {
  type EventMutations,
  type GraphStore,
  openLevelStore,
  type Property,
  type StepLink,
} from '../../graph-store/index.ts';
import { createWriter, send, startTestApi } from '../api-testing.ts';
import { JsonBytes } from '../json-bytes.ts';
import { metricsWith } from '../observe/observe-testing.ts';
import { eventAt } from '../policy/policy-testing.ts';
import type { ApiServer } from '../server.ts';

const startMs = Date.UTC(2026, 0, 1);
const owners = 12;
const runs = 150;
/** Reproducible: what differs is to be found again. */
const seed = 17;

const hostileText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.constantFrom('', '"', '\\', '\u0000\u001f\u007f\u2028', '\ud800', 'x'.repeat(300), '</script>'),
);
/** 1 to 128 bytes, as the store takes them. */
const shortText = hostileText.filter((text) => text !== '' && Buffer.byteLength(text) <= 128);
const name = fc.oneof(
  fc.constantFrom('title', 'seconds', '__proto__', 'constructor', 'a', 'b', '7', '10', 'toJSON'),
  fc.stringMatching(/^[a-z][a-zA-Z]{0,20}$/),
);
const value: fc.Arbitrary<Property[1]> = fc.oneof(
  hostileText,
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(-0, 0.1, 1e21, 5e-324, 2 ** 53),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.constantFrom(0n, -1n, 2n ** 53n, 2n ** 53n - 1n, -(2n ** 53n)),
  fc.boolean(),
  fc.constant(null),
);
const nodeText = hostileText.filter((text) => text !== '' && !text.includes('\u0000') && text.isWellFormed());
const link: fc.Arbitrary<StepLink> = fc.record({
  edge: fc.constantFrom('WATCHED', 'USED', 'A_VERY_LONG_NAME_OF_AN_EDGE_BEYOND_THE_CACHE'),
  direction: fc.constantFrom('in', 'out'),
  node: fc.record({ type: fc.constantFrom('Title', 'Device', 'Session'), id: nodeText }),
});
const step = fc.record({
  domain: shortText,
  action: shortText,
  links: fc.array(link, { maxLength: 4 }),
  properties: fc.array(fc.tuple(name, value), { maxLength: 6 }),
  timeMs: fc.oneof(
    fc.integer({ min: 0, max: 86_400_000 }).map((ms) => startMs - ms),
    fc.constantFrom(0, 1, 86_399_999, 951_782_400_000, 253_402_300_799_999),
  ),
});

const drawn = fc.sample(step, { numRuns: 200, seed });

const nodeFields = fc.subarray(['type', 'id', '__typename', 'again: id'], { minLength: 1 });
const linkFields = fc
  .tuple(fc.subarray(['edge', 'direction', 'way: direction', '__typename']), fc.option(nodeFields))
  .map(([plain, node]) => [...plain, ...(node === null ? [] : [`node { ${node.join(' ')} }`])]);
const stepFields = fc
  .tuple(
    fc.subarray(['time', 'domain', 'action', 'properties', '__typename', 'at: time', 'more: properties']),
    fc.option(linkFields),
    fc.subarray(['owner { type id }', 'lineage { topic offset }'], { maxLength: 1 }),
    fc.integer({ min: 0, max: 9 }),
  )
  .map(([plain, links, seldom, draw]) => [
    ...plain,
    ...(links === null || links.length === 0 ? [] : [`links { ${links.join(' ')} }`]),
    // What rows do not tell is asked for now and then, not in half of all.
    ...(draw === 0 ? seldom : []),
  ]);
const selection = fc
  .tuple(fc.subarray(['cursor', '__typename']), stepFields, fc.boolean(), fc.boolean())
  .map(([plain, fields, twice, split]) => {
    const node = fields.length === 0 ? [] : [`node { ${fields.join(' ')} }`];
    const some = fields.slice(0, 1).map((field) => `... on JourneyEdge { node { ${field} } }`);
    const edges = [...plain, ...(split ? some : []), ...node].join(' ') || 'cursor';
    return `edges { ${edges} } ${twice ? `e: edges { ${edges} } ` : ''}pageInfo { hasNextPage startCursor endCursor }`;
  });

const halfDayMs = 43_200_000;

/** Graphs to be asked, and how many of their links are hidden. */
const graphs = [
  { with: 'no hidden nodes', deletes: false, lives: {}, fewest: 0, most: 0 },
  { with: 'deleted nodes', deletes: true, lives: {}, fewest: 20, most: 120 },
  { with: 'a type of short life', deletes: false, lives: { Session: halfDayMs }, fewest: 20, most: 120 },
  { with: 'both of these', deletes: true, lives: { Session: halfDayMs }, fewest: 40, most: 200 },
];

describe.each(graphs)('A journey written from rows, with $with,', (graph) => {
  const { deletes, lives, fewest, most } = graph;
  const clock = { ...systemClock, now: () => startMs };
  let folder: string;
  let store: GraphStore;
  let server: ApiServer;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'journey-text-'));
    store = await openLevelStore({ folder }, clock);
    const write = await createWriter(store);
    await write(events());
    if (deletes) await write(deletions());
    await store.setTimeToLive({ nodes: lives, edges: {} });
    server = await startTestApi({ clock, reader: store });
  });
  afterAll(async () => {
    await server.close();
    await store.close();
    await rm(folder, { recursive: true });
  });

  async function shortAnswers(): Promise<number> {
    const text = await metricsWith(server, 'journey_graph_prepared_queries_total');
    return Number(/^journey_graph_prepared_queries_total (\d+)/m.exec(text)?.[1]);
  }

  it('is read as rows, without the links to what is hidden', async () => {
    let links = 0;
    for (let owner = 0; owner < owners; owner += 1) {
      const of = { type: 'Account', id: `account-${owner}` };
      const found = await store.journeyRows?.({
        ...{ of, sinceMs: 0, untilMs: Number.MAX_SAFE_INTEGER, domains: null, order: 'newest-first' },
        ...{ after: null, limit: 20, scanMax: 1_000, bytesMax: 2 ** 20 },
      });
      expect(found?.rows).toHaveLength(found?.steps().length ?? -1);
      links += found?.steps().flatMap((shown) => shown.links).length ?? 0;
    }
    const hidden = drawn.flatMap((all) => all.links).length - links;
    expect(hidden).toBeGreaterThanOrEqual(fewest);
    expect(hidden).toBeLessThanOrEqual(most);
  });

  it('is byte for byte what GraphQL makes of it, whatever is selected and stored', async () => {
    const before = await shortAnswers();
    // Short answers may be made of objects as well: this is called for those from rows alone.
    const texts = vi.spyOn(JsonBytes.prototype, 'end');
    await fc.assert(
      fc.asyncProperty(
        selection,
        fc.integer({ min: 0, max: owners - 1 }),
        fc.constantFrom('OLDEST_FIRST', 'NEWEST_FIRST'),
        fc.integer({ min: 1, max: 20 }),
        async (selected, owner, order, first) => {
          const query = `query($id: ID!) { journey(of: {type: "Account", id: $id}, since: "1970-01-01T00:00:00Z", first: ${first}, order: ${order}) { ${selected} } }`;
          const asked = { query, variables: { id: `account-${owner}` } };
          // Extensions are for Apollo.
          const expected = await send(server, JSON.stringify({ ...asked, extensions: {} }));
          expect(JSON.parse(expected.text)).toEqual({ data: expect.anything() });
          for (let times = 0; times < 2; times += 1)
            expect((await send(server, JSON.stringify(asked))).text).toBe(expected.text);
        },
      ),
      { numRuns: runs, seed },
    );
    expect(await shortAnswers()).toBeGreaterThan(before + runs);
    expect(texts.mock.calls.length).toBeGreaterThan(runs);
    texts.mockRestore();
  });
});

function events(): EventMutations[] {
  return drawn.map(({ timeMs, ...rest }, i) => {
    const owner = { type: 'Account', id: `account-${i % owners}` };
    return eventAt(timeMs, i + 1, [{ kind: 'step', owner, ...rest }]);
  });
}

/** Of every third title and device that is linked to, in the middle of the day: what came later is there again. */
function deletions(): EventMutations[] {
  const linked = drawn.flatMap(({ links }) => links.map(({ node }) => node));
  const deleted = linked.filter(({ type }, i) => type !== 'Session' && i % 3 === 0);
  return deleted.map((node, i) =>
    eventAt(startMs - halfDayMs, drawn.length + i + 1, [{ kind: 'node-delete', node }]),
  );
}
