import fc from 'fast-check';
import type { EventMutations, Mutation, NodeRef, Property, PropertyValue } from '../../graph-store/index.ts';
import { holds, type Predicate } from '../where/predicate.ts';
import type { HopPlan } from './hop-read.ts';
import type { TraversalUnique } from './traversal-plan.ts';
import { type EdgeDirection, type EdgeWay, nodeKey, waysOf } from './walked-edge.ts';

/** Few nodes, types and times, so that everything meets everything. */
export const everyNode: readonly NodeRef[] = ['a', 'b', 'c', 'd', 'e', 'f'].map((id, index) => ({
  type: index < 4 ? 'Account' : 'Device',
  id,
}));
const edgeTypes = ['USED', 'KNOWS'] as const;
export const latestMs = 30;

export const someNode = fc.constantFrom(...everyNode);
const someEdgeType = fc.constantFrom(...edgeTypes);
const someTime = fc.integer({ min: 0, max: latestMs - 1 });
const someNumber = fc.integer({ min: 0, max: 3 });
const ends = { type: someEdgeType, from: someNode, to: someNode };

const someEdge = fc
  .record({ ...ends, key: fc.constantFrom(undefined, 'k'), n: someNumber })
  .map(({ key, n, ...rest }): Mutation => {
    const properties: readonly Property[] = [['n', n]];
    return { kind: 'edge', ...rest, ...(key === undefined ? {} : { key }), properties };
  });
const someMutation: fc.Arbitrary<Mutation> = fc.oneof(
  { weight: 30, arbitrary: someEdge },
  {
    weight: 4,
    arbitrary: fc.record({ node: someNode, n: someNumber }).map(({ node, n }): Mutation => {
      return { kind: 'node', node, properties: [['n', n]] };
    }),
  },
  { weight: 1, arbitrary: someNode.map((node): Mutation => ({ kind: 'node-delete', node })) },
  { weight: 2, arbitrary: fc.record(ends).map((edge): Mutation => ({ kind: 'edge-delete', ...edge })) },
);

/** Events of one mutation each; the later in the list wins at one time. */
export const someEvents: fc.Arbitrary<readonly EventMutations[]> = fc
  .oneof(
    fc.array(fc.tuple(someTime, someMutation), { maxLength: 20, size: 'max' }),
    fc.array(fc.tuple(someTime, someMutation), { maxLength: 150, size: 'max' }),
  )
  .map((list) =>
    list.map(([timeMs, mutation], index) => {
      return { timeMs, rank: index, occurrence: BigInt(index), mutations: [mutation] };
    }),
  );

export const someDirection = fc.constantFrom<EdgeDirection>('out', 'in', 'both');
export const somePredicate: fc.Arbitrary<Predicate | null> = fc.option(
  someNumber.map((value): Predicate => {
    return { kind: 'property', name: 'n', comparison: { operator: 'gte', value } };
  }),
  { freq: 2 },
);
export const someSpan = fc
  .tuple(fc.integer({ min: 0, max: 12 }), fc.integer({ min: 12, max: latestMs }))
  .map(([sinceMs, untilMs]) => ({ sinceMs, untilMs }));

export const someWalk: fc.Arbitrary<NaiveWalk> = fc
  .record({ edge: someEdgeType, direction: someDirection, where: somePredicate, span: someSpan })
  .map(({ span, ...rest }) => ({ ...rest, ...span }));

export interface NaiveWalk {
  readonly edge: string;
  readonly direction: EdgeDirection;
  readonly where: Predicate | null;
  readonly sinceMs: number;
  readonly untilMs: number;
}

export interface NaiveEdge {
  readonly parent: NodeRef;
  readonly node: NodeRef;
  readonly way: EdgeWay;
  readonly edge: string;
  readonly timeMs: number;
}

/** What of a hop's plan says which edges it may take. */
export type NaiveHop = Pick<HopPlan, 'edge' | 'direction' | 'where' | 'nodeWhere'> & {
  readonly limits: { readonly sinceMs: number; readonly untilMs: number };
};

interface Touch {
  readonly type: string;
  readonly from: NodeRef;
  readonly to: NodeRef;
  readonly timeMs: number;
  readonly properties: readonly Property[];
}

/** Walks worked out from the list of events alone: nothing is merged, ordered or bounded, so that no mistake is shared. */
export class NaiveWalks {
  /** All that an event may be about. */
  readonly nodes: readonly NodeRef[];
  readonly #events: readonly EventMutations[];
  #seen: readonly Touch[] | null = null;

  constructor(events: readonly EventMutations[], nodes = everyNode) {
    this.nodes = nodes;
    this.#events = events;
  }

  /** One of each pair: by its newest event that fits. */
  edgesOf(parent: NodeRef, { edge, direction, where, sinceMs, untilMs }: NaiveWalk): readonly NaiveEdge[] {
    return waysOf(direction).flatMap((way) => {
      const newest = new Map<string, NaiveEdge>();
      for (const touch of this.#visible()) {
        const [near, far] = way === 'out' ? [touch.from, touch.to] : [touch.to, touch.from];
        const fits = touch.type === edge && touch.timeMs >= sinceMs && touch.timeMs < untilMs;
        if (!fits || nodeKey(near) !== nodeKey(parent)) continue;
        if (where !== null && !holds(where, (name) => touch.properties.find(([one]) => one === name)?.[1]))
          continue;
        const before = newest.get(nodeKey(far));
        if (before !== undefined && before.timeMs >= touch.timeMs) continue;
        newest.set(nodeKey(far), { parent, node: far, way, edge, timeMs: touch.timeMs });
      }
      return [...newest.values()];
    });
  }

  hop(frontier: readonly NodeRef[], plan: NaiveHop, passedOver: ReadonlySet<string>): readonly NaiveEdge[] {
    const { nodeWhere, limits } = plan;
    return frontier
      .flatMap((parent) => this.edgesOf(parent, { ...plan, ...limits }))
      .filter(({ node }) => !passedOver.has(nodeKey(node)))
      .filter(({ node }) => nodeWhere === null || holds(nodeWhere, (name) => this.#property(node, name)));
  }

  /** The edges of each hop. */
  traverse(
    from: readonly NodeRef[],
    hops: readonly NaiveHop[],
    unique: TraversalUnique,
  ): readonly (readonly NaiveEdge[])[] {
    const visited = new Set(from.map(nodeKey));
    let frontier = from;
    return hops.map((plan) => {
      const edges = this.hop(frontier, plan, unique === 'traversal' ? visited : new Set());
      frontier = [...new Map(edges.map(({ node }) => [nodeKey(node), node])).values()];
      for (const node of frontier) visited.add(nodeKey(node));
      return edges;
    });
  }

  /** All walks of at most so many edges on which no node comes twice; one that ends where it began is a cycle. */
  simpleWalks(from: NodeRef, walks: readonly NaiveWalk[], edgesMax: number): readonly NaiveEdge[][] {
    const found: NaiveEdge[][] = [];
    const go = (path: NaiveEdge[], at: NodeRef): void => {
      if (path.length === edgesMax) return;
      const next = walks.flatMap((walk) => this.edgesOf(at, walk));
      for (const edge of next) {
        const home = nodeKey(edge.node) === nodeKey(from);
        if (path.some(({ node }) => nodeKey(node) === nodeKey(edge.node))) continue;
        const longer = [...path, edge];
        found.push(longer);
        if (!home) go(longer, edge.node);
      }
    };
    go([], from);
    return found;
  }

  #visible(): readonly Touch[] {
    this.#seen ??= this.#look();
    return this.#seen;
  }

  #look(): readonly Touch[] {
    return this.#events.flatMap(({ timeMs, mutations }) =>
      mutations.flatMap((mutation) => {
        if (mutation.kind !== 'edge') return [];
        const { type, from, to, key, properties } = mutation;
        const hiddenMs = this.#deletedMs(
          (one) =>
            (one.kind === 'node-delete' && [from, to].some((end) => nodeKey(end) === nodeKey(one.node))) ||
            (one.kind === 'edge-delete' &&
              one.type === type &&
              nodeKey(one.from) === nodeKey(from) &&
              nodeKey(one.to) === nodeKey(to) &&
              one.key === key),
        );
        return timeMs > hiddenMs ? [{ type, from, to, timeMs, properties }] : [];
      }),
    );
  }

  #deletedMs(hides: (mutation: Mutation) => boolean): number {
    const times = this.#events.filter(({ mutations }) => mutations.some(hides)).map(({ timeMs }) => timeMs);
    return Math.max(-1, ...times);
  }

  #property(node: NodeRef, name: string): PropertyValue | undefined {
    const hiddenMs = this.#deletedMs(
      (one) => one.kind === 'node-delete' && nodeKey(one.node) === nodeKey(node),
    );
    let found: { readonly timeMs: number; readonly value: PropertyValue } | null = null;
    for (const { timeMs, mutations } of this.#events) {
      for (const mutation of mutations) {
        if (mutation.kind !== 'node' || nodeKey(mutation.node) !== nodeKey(node) || timeMs <= hiddenMs)
          continue;
        const value = mutation.properties.find(([one]) => one === name)?.[1];
        if (typeof value !== 'number' || (found !== null && timeMs < found.timeMs)) continue;
        found = { timeMs, value };
      }
    }
    return found?.value;
  }
}
