import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EventMutations, NodeRef } from '../../graph-store/index.ts';
import { runCycles } from './cycles-run.ts';
import { expandLevel, type WalkPlan } from './expand.ts';
import {
  everyNode,
  type NaiveEdge,
  type NaiveWalk,
  NaiveWalks,
  someEvents,
  someNode,
  someWalk,
} from './naive-walks-testing.ts';
import { runPaths } from './paths-run.ts';
import { runSharedNeighbours } from './shared-neighbours-run.ts';
import type { TraversalSession } from './traversal-session.ts';
import { inParts, WalkStores, walkEngines } from './walk-stores-testing.ts';
import { sessionOf, someBudget, storeOf } from './walk-testing.ts';
import { edgeKey, nodeKey, type WalkedEdge } from './walked-edge.ts';

const unlimited = Number.MAX_SAFE_INTEGER;
const someWalks = fc.uniqueArray(someWalk, { minLength: 1, maxLength: 2, selector: ({ edge }) => edge });
const someLimits = fc.record({
  edgesMax: fc.oneof(fc.constant(unlimited), fc.integer({ min: 1, max: 6 })),
  scanMax: fc.oneof(fc.constant(unlimited), fc.integer({ min: 1, max: 12 })),
  first: fc.oneof(fc.constant(unlimited), fc.integer({ min: 1, max: 4 })),
  budget: someBudget,
});
type SomeLimits = typeof someLimits extends fc.Arbitrary<infer Limits> ? Limits : never;
const noLimits: SomeLimits = { edgesMax: unlimited, scanMax: unlimited, first: unlimited, budget: {} };

function planOf({ sinceMs, untilMs, ...walk }: NaiveWalk, edgesMax: number): WalkPlan {
  const origins = { edgesFrom: 'DEFAULT', sinceFrom: 'DEFAULT', lookbackMs: 0, cutsSince: false } as const;
  return { ...walk, limits: { edgesMax, sinceMs, untilMs, ...origins } };
}

function walked(path: readonly WalkedEdge[]): string {
  return path
    .map(
      (e) => `${nodeKey(e.parent)} ${e.way} ${e.occurrence.type} ${e.occurrence.timeMs} ${nodeKey(e.node)}`,
    )
    .join();
}

function naive(path: readonly NaiveEdge[]): string {
  return path.map((e) => `${nodeKey(e.parent)} ${e.way} ${e.edge} ${e.timeMs} ${nodeKey(e.node)}`).join();
}

/** Runs it without limits, where it has to say what the list of events says, and with some, where it may say less but never claim more. */
async function assertHonest<Question, Answer>(
  stores: WalkStores,
  question: fc.Arbitrary<Question>,
  placed: (asked: Question, at: (ref: NodeRef) => NodeRef) => Question,
  run: (asked: Question, limits: SomeLimits, session: TraversalSession) => Promise<Answer>,
  check: {
    readonly whole: (asked: Question, graph: NaiveWalks, answer: Answer) => void;
    readonly part: (asked: Question, graph: NaiveWalks, answer: Answer, limits: SomeLimits) => void;
  },
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(someEvents, question, someLimits, async (events, some, limits) => {
      const place = await stores.graph();
      const asked = placed(some, place.at);
      for (const part of inParts(events)) {
        await place.write(part);
        const graph = new NaiveWalks(place.events, everyNode.map(place.at));
        const free = sessionOf(place.store);
        const whole = await run(asked, noLimits, free);
        expect(free.truncations.list()).toEqual([]);
        check.whole(asked, graph, whole);
        const session = sessionOf(place.store, limits.budget);
        const answer = await run(asked, limits, session);
        expect(session.edgesScanned).toBeLessThanOrEqual(limits.budget.rowsMax ?? unlimited);
        if (!session.truncations.any) check.whole(asked, graph, answer);
        else check.part(asked, graph, answer, limits);
      }
    }),
    { numRuns: stores.runs(300) },
  );
}

describe.each(walkEngines)('Paths on $name', (engine) => {
  const stores = new WalkStores(engine);
  const question = fc
    .record({ from: someNode, to: someNode, walks: someWalks, depthMax: fc.integer({ min: 1, max: 5 }) })
    .filter(({ from, to }) => nodeKey(from) !== nodeKey(to));
  type Question = typeof question extends fc.Arbitrary<infer One> ? One : never;
  const allPaths = ({ from, to, walks, depthMax }: Question, graph: NaiveWalks): readonly NaiveEdge[][] =>
    graph
      .simpleWalks(from, walks, depthMax)
      .filter((path) => nodeKey(path.at(-1)?.node ?? from) === nodeKey(to));

  it('are all shortest ones, and never said to be when they may not be', async () => {
    await assertHonest(
      stores,
      question,
      (asked, at) => ({ ...asked, from: at(asked.from), to: at(asked.to) }),
      ({ from, to, walks, depthMax }, { edgesMax, scanMax, first }, session) =>
        runPaths(
          { from, to, walks: walks.map((walk) => planOf(walk, edgesMax)), depthMax, first },
          session,
          scanMax,
        ),
      {
        whole: (asked, graph, paths) => {
          const all = allPaths(asked, graph);
          const least = Math.min(...all.map(({ length }) => length));
          const shortest = all.filter(({ length }) => length === least);
          expect(paths.map(walked).sort()).toEqual(shortest.map(naive).sort());
        },
        part: (asked, graph, paths, { first }) => {
          const real = new Set(allPaths(asked, graph).map(naive));
          expect(paths.map(walked).filter((path) => !real.has(path))).toEqual([]);
          expect(paths.length).toBeLessThanOrEqual(first);
          expect(new Set(paths.map(({ length }) => length)).size).toBeLessThanOrEqual(1);
        },
      },
    );
  });
});

describe('A level of a walk', () => {
  it('looks behind many events of one edge for whether there is another', async () => {
    const ann = { type: 'Account', id: 'ann' };
    const titles = [...Array.from({ length: 100 }, () => 'often'), 'once'];
    const events = titles.map((id, index): EventMutations => {
      const ends = { from: ann, to: { type: 'Title', id } };
      const edge = { kind: 'edge', type: 'WATCHED', ...ends, properties: [] } as const;
      return { timeMs: 999 - index, rank: 0, occurrence: BigInt(index), mutations: [edge] };
    });
    const walk = { edge: 'WATCHED', direction: 'out', where: null, sinceMs: 0, untilMs: 1000 } as const;
    const session = sessionOf(await storeOf(events));
    const level = { hop: 1, walks: [planOf(walk, 1)], backwards: false, scanMax: unlimited };
    const edges = await expandLevel(session, level, [ann]);
    expect(edges.map(({ node, occurrence: { timeMs } }) => [node.id, timeMs])).toEqual([['often', 999]]);
    expect(session.truncations.list()).toEqual([
      { hop: 1, kind: 'NODE_EDGES', edge: 'WATCHED', limit: 1, node: ann, nodes: 1 },
    ]);
  });

  it('names every edge type of which a node has more than its limit, and the node once for each', async () => {
    const ann = { type: 'Account', id: 'ann' };
    const events = ['WATCHED', 'LIKED', 'RATED'].flatMap((type, at) =>
      [1, 2, 3].flatMap((id): readonly EventMutations[] => {
        const other = { type: 'Account', id: `${type}-${id}` };
        const edges = [{ from: ann, to: other }, { from: other, to: ann }]; // biome-ignore format: one row
        return edges.map((ends, back) => ({
          timeMs: 10 * at + id,
          rank: 0,
          occurrence: BigInt(100 * at + 10 * id + back),
          mutations: [{ kind: 'edge', type, ...ends, properties: [] }],
        }));
      }),
    );
    const walk = { direction: 'both', where: null, sinceMs: 0, untilMs: 1000 } as const;
    const session = sessionOf(await storeOf(events));
    const limits = { WATCHED: 2, LIKED: 1, RATED: 3 };
    const walks = Object.entries(limits).map(([edge, most]) => planOf({ ...walk, edge }, most));
    await expandLevel(session, { hop: 1, walks, backwards: false, scanMax: unlimited }, [ann]);
    expect(session.truncations.list()).toEqual([
      { hop: 1, kind: 'NODE_EDGES', edge: 'WATCHED', limit: 2, node: ann, nodes: 1 },
      { hop: 1, kind: 'NODE_EDGES', edge: 'LIKED', limit: 1, node: ann, nodes: 1 },
    ]);
  });
});

describe.each(walkEngines)('Cycles on $name', (engine) => {
  const stores = new WalkStores(engine);
  const question = fc.record({
    through: someNode,
    walks: someWalks,
    depthMax: fc.integer({ min: 1, max: 4 }),
  });
  type Question = typeof question extends fc.Arbitrary<infer One> ? One : never;
  const edgesOf = (path: readonly NaiveEdge[]): readonly string[] =>
    path.map(({ parent, node, way, edge }) => {
      const [from, to] = way === 'out' ? [parent, node] : [node, parent];
      return `${edge}\0${nodeKey(from)}\0${nodeKey(to)}`;
    });
  const allCycles = ({ through, walks, depthMax }: Question, graph: NaiveWalks): ReadonlySet<string> => {
    const back = graph
      .simpleWalks(through, walks, depthMax)
      .filter((path) => nodeKey(path.at(-1)?.node ?? through) === nodeKey(through))
      .map(edgesOf)
      .filter((edges) => new Set(edges).size === edges.length);
    return new Set(back.map((edges) => [...edges].sort().join('\n')));
  };
  const found = (cycles: readonly (readonly WalkedEdge[])[]): readonly string[] =>
    cycles.map((cycle) => cycle.map(edgeKey).sort().join('\n'));

  it('are all ways back, the shortest first, and never said to be when they may not be', async () => {
    await assertHonest(
      stores,
      question,
      (asked, at) => ({ ...asked, through: at(asked.through) }),
      ({ through, walks, depthMax }, { edgesMax, scanMax, first }, session) =>
        runCycles(
          { through, walks: walks.map((walk) => planOf(walk, edgesMax)), depthMax, first },
          session,
          scanMax,
        ),
      {
        whole: (asked, graph, cycles) => {
          expect([...found(cycles)].sort()).toEqual([...allCycles(asked, graph)].sort());
          const lengths = cycles.map(({ length }) => length);
          expect(lengths).toEqual([...lengths].sort((a, b) => a - b));
        },
        part: (asked, graph, cycles, { first }) => {
          const real = allCycles(asked, graph);
          expect(found(cycles).filter((cycle) => !real.has(cycle))).toEqual([]);
          expect(cycles.length).toBeLessThanOrEqual(first);
        },
      },
    );
  });
});

describe.each(walkEngines)('Shared neighbours on $name', (engine) => {
  const stores = new WalkStores(engine);
  const question = fc.record({ of: someNode, walk: someWalk, minShared: fc.integer({ min: 1, max: 3 }) });
  type Question = typeof question extends fc.Arbitrary<infer One> ? One : never;
  /** `id: neighbours` of each other node that shares any. */
  const sharing = ({ of, walk }: Question, graph: NaiveWalks): ReadonlyMap<string, readonly string[]> => {
    const neighboursOf = (node: typeof of): readonly string[] =>
      [...new Set(graph.edgesOf(node, walk).map((edge) => nodeKey(edge.node)))].filter(
        (one) => one !== nodeKey(of),
      );
    const own = new Set(neighboursOf(of));
    const others = graph.nodes.filter((node) => nodeKey(node) !== nodeKey(of));
    return new Map(
      others.map((node) => [
        nodeKey(node),
        neighboursOf(node)
          .filter((one) => own.has(one))
          .sort(),
      ]),
    );
  };

  it('are counted for every other node, and never said to be when they may not be', async () => {
    await assertHonest(
      stores,
      question,
      (asked, at) => ({ ...asked, of: at(asked.of) }),
      ({ of, walk, minShared }, { edgesMax, scanMax, first }, session) => {
        const plan = planOf(walk, edgesMax);
        return runSharedNeighbours({ of, walk: plan, back: plan, minShared, first }, session, scanMax);
      },
      {
        whole: (asked, graph, nodes) => {
          const expected = [...sharing(asked, graph)].filter(
            ([, through]) => through.length >= asked.minShared,
          );
          const answered = nodes.map(
            ({ node, through }) => [nodeKey(node), through.map(nodeKey).sort()] as const,
          );
          expect(new Map(answered)).toEqual(new Map(expected));
          const counts = nodes.map(({ through }) => through.length);
          expect(counts).toEqual([...counts].sort((a, b) => b - a));
        },
        part: (asked, graph, nodes, { first }) => {
          const real = sharing(asked, graph);
          for (const { node, through } of nodes) {
            expect(real.get(nodeKey(node))).toEqual(expect.arrayContaining(through.map(nodeKey)));
          }
          expect(nodes.length).toBeLessThanOrEqual(first);
        },
      },
    );
  });
});

describe('Shared neighbours', () => {
  it('are not looked for through a neighbour of very many, and the answer names it', async () => {
    const used = (account: string, device: string, index: number): EventMutations => {
      const ends = { from: { type: 'Account', id: account }, to: { type: 'Device', id: device } };
      const edge = { kind: 'edge', type: 'USED', ...ends, properties: [] } as const;
      return { timeMs: index, rank: 0, occurrence: BigInt(index), mutations: [edge] };
    };
    const crowd = Array.from({ length: 40 }, (_, index) => used(`a${index}`, 'router', index));
    const events = [...crowd, used('a1', 'phone', 50), used('a2', 'phone', 51)];
    const walk = { edge: 'USED', direction: 'out', where: null, sinceMs: 0, untilMs: 100 } as const;
    const session = sessionOf(await storeOf(events));
    const plan = { of: { type: 'Account', id: 'a1' }, walk: planOf(walk, 20), back: planOf(walk, 20) };
    const nodes = await runSharedNeighbours({ ...plan, minShared: 1, first: 50 }, session, unlimited);
    const phone = { type: 'Device', id: 'phone' };
    expect(nodes).toEqual([{ node: { type: 'Account', id: 'a2' }, through: [phone], timeMs: 51 }]);
    const router = { type: 'Device', id: 'router' };
    expect(session.truncations.list()).toEqual([
      { hop: 2, kind: 'SUPERNODE', limit: 20, edge: 'USED', node: router, nodes: 1 },
    ]);
  });
});
