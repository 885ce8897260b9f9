import fc from 'fast-check';
import type { AdjacencyPage, EdgeView, GraphStore, JourneyPage, NodeView } from './graph-store.ts';
import type { EventMutations, Mutation, NodeProperty, NodeRef, Property } from './model.ts';
import { createMutationBatch, type MutationBatch } from './mutation-batch.ts';

/** A small world, so that random events meet each other at the same nodes and times. */
export const nodes: readonly NodeRef[] = [
  { type: 'A', id: 'x' },
  { type: 'A', id: 'xx' },
  { type: 'B', id: '__proto__' },
  { type: 'B', id: '🎮' },
];
export const edgeTypes = ['E', 'EE'] as const;
const times = 6;
/** By name: of the values that the small world has, all can be folded so. */
const folds = new Map([['p', 'set'], ['q', 'first'], ['r', 'max']] as const); // biome-ignore format: one row
const origin = { schemaId: 7, subject: 'plays-value', version: 1 };

export function pack(events: readonly EventMutations[]): MutationBatch {
  const batch = createMutationBatch(1024);
  for (const event of events) batch.add(event);
  return batch;
}

/** Distinct events: each has its own occurrence id, as the model demands of different events. */
export function events(): fc.Arbitrary<EventMutations[]> {
  const node = fc.constantFrom(...nodes);
  const type = fc.constantFrom(...edgeTypes);
  const value = fc.oneof(
    fc.constant(null),
    fc.boolean(),
    fc.integer({ min: 0, max: 2 }),
    fc.bigInt({ min: 0n, max: 2n }),
    fc.constantFrom('', 'a', 'b', 'é'),
  );
  const properties: fc.Arbitrary<Property[]> = fc.uniqueArray(
    fc.tuple(fc.constantFrom('p', 'q', 'r', '__proto__'), value),
    { maxLength: 3, selector: ([name]) => name },
  );
  const change = fc.record({
    set: fc.constantFrom('add', 'remove', 'replace'),
    elements: fc.uniqueArray(fc.constantFrom<Property[1]>('a', 'b', 'é', 1, 2n ** 60n, true), {
      minLength: 1,
      maxLength: 3,
    }),
  });
  const nodeProperties: fc.Arbitrary<NodeProperty[]> = fc.uniqueArray(
    fc.oneof(
      fc.tuple(fc.constantFrom('p', 'q', 'r', '__proto__'), value),
      fc.tuple(fc.constantFrom('q', 's', 'set'), change),
    ),
    { maxLength: 3, selector: ([name]) => name },
  );
  const key = fc.constantFrom(undefined, undefined, 'k', 'kk', 'é\0');
  const keyed = fc.tuple(key, node, node, type).map(([one, from, to, of]) => ({
    type: of,
    from,
    to,
    ...(one === undefined ? {} : { key: one }),
  }));
  const links = fc.array(fc.record({ edge: type, direction: fc.constantFrom('out', 'in'), node }), {
    maxLength: 2,
  });
  const domain = fc.constantFrom('d', 'dd');
  const mutation: fc.Arbitrary<Mutation> = fc.oneof(
    fc.record({ kind: fc.constant('node' as const), node, properties: nodeProperties }),
    fc.tuple(keyed, properties).map(([edge, of]) => ({ kind: 'edge' as const, ...edge, properties: of })),
    fc.record({ kind: fc.constant('step' as const), owner: node, domain, action: domain, links, properties }),
    fc.record({ kind: fc.constant('node-delete' as const), node }),
    keyed.map((edge) => ({ kind: 'edge-delete' as const, ...edge })),
  );
  const event = fc.record({
    timeMs: fc.integer({ min: 0, max: times }),
    rank: fc.constantFrom(0, 0, 1, 255, 256, Number.MAX_SAFE_INTEGER),
    mutations: fc.array(mutation, { minLength: 1, maxLength: 3 }),
  });
  return fc.array(event, { minLength: 1, maxLength: 25 }).map((list) =>
    list.map((one, i) => ({
      ...one,
      occurrence: BigInt(i) * 0x1fff_ffff_ffff_fffn,
      // Of some only, and of lengths that differ: no answer but lineage itself may depend on it.
      ...(i % 3 === 0 ? {} : { lineage: { offset: 2n ** BigInt(i * 2), origin } }),
    })),
  );
}

export interface Reads {
  readonly digest: string;
  readonly nodes: readonly (NodeView | null)[];
  readonly journeys: readonly JourneyPage[];
  readonly adjacency: readonly AdjacencyPage[];
  readonly edges: readonly (EdgeView | null)[];
}

/** What a reader can see of the small world, through every kind of read and with limits that bite; not its lineage, which depends on order. */
export async function readEverything(store: GraphStore): Promise<Reads> {
  const reads: Reads = {
    digest: (await store.digest()).hex,
    nodes: await Promise.all(nodes.map((ref) => store.node(ref))),
    journeys: await Promise.all(nodes.flatMap((of) => journeys(store, of))),
    adjacency: await Promise.all(nodes.flatMap((of) => hops(store, of))),
    edges: await Promise.all(
      nodes.flatMap((from) =>
        nodes.flatMap((to) =>
          edgeTypes.flatMap((type) => [
            store.edge({ type, from, to, key: null, folds: new Map(), scanMax: 7 }),
            store.edge({ type, from, to, key: 'k', folds, scanMax: 100 }),
          ]),
        ),
      ),
    ),
  };
  return {
    ...reads,
    nodes: reads.nodes.map((view) => (view === null ? null : { ...view, lineage: null })),
    journeys: reads.journeys.map((page) => ({
      ...page,
      steps: page.steps.map((step) => ({ ...step, lineage: null })),
    })),
    adjacency: reads.adjacency.map((page) => ({
      ...page,
      occurrences: page.occurrences.map((occurrence) => ({ ...occurrence, lineage: null })),
    })),
    edges: reads.edges.map((view) => (view === null ? null : { ...view, lineage: null })),
  };
}

function journeys(store: GraphStore, of: NodeRef): Promise<JourneyPage>[] {
  const all = { of, sinceMs: 0, untilMs: Number.MAX_SAFE_INTEGER, after: null, domains: null, bytesMax: 1e6 };
  return (['oldest-first', 'newest-first'] as const).flatMap((order) => [
    store.journey({ ...all, order, limit: 100, scanMax: 100 }),
    store.journey({ ...all, order, limit: 2, scanMax: 3, domains: ['d'] }),
    store.journey({ ...all, order, limit: 2, scanMax: 9, after: { timeMs: 3, occurrence: 2n ** 63n } }),
    store.journey({ ...all, order, limit: 3, scanMax: 9, sinceMs: 2, untilMs: 5 }),
    store.journey({ ...all, order, limit: 9, scanMax: 9, bytesMax: 40 }),
  ]);
}

function hops(store: GraphStore, of: NodeRef): Promise<AdjacencyPage>[] {
  const all = { of, sinceMs: 0, untilMs: Number.MAX_SAFE_INTEGER };
  return edgeTypes.flatMap((type) =>
    (['out', 'in'] as const).flatMap((direction) => [
      store.adjacency({ ...all, type, direction, limit: 100, scanMax: 100 }),
      store.adjacency({ ...all, type, direction, limit: 2, scanMax: 5, sinceMs: 1 }),
    ]),
  );
}
