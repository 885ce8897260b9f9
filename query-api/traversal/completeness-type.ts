import {
  GraphQLBoolean,
  GraphQLEnumType,
  GraphQLFloat,
  GraphQLInt,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLString,
} from 'graphql';
import { freshnessType } from '../journey-type.ts';
import { nodeRefType } from '../node-type.ts';
import { dateTimeScalar } from '../scalars.ts';
import type { HopLimits, LimitOrigin } from './hop-limits.ts';
import type { TraversalSession } from './traversal-session.ts';
import type { Truncation, TruncationKind } from './truncations.ts';

/** Limits of one hop or, where a walk has no hops of its own, of one edge type. */
export interface LimitsInForce {
  readonly hop: number | null;
  readonly edge: string;
  readonly limits: HopLimits;
}

export interface CompletenessAnswer {
  readonly complete: boolean;
  readonly truncatedAt: readonly Truncation[];
  readonly limit: number | null;
  readonly edgesScanned: number;
  readonly limitsInForce: readonly LimitsInForce[];
}

export function completenessOf(
  { truncations, edgesScanned }: TraversalSession,
  limitsInForce: readonly LimitsInForce[],
): CompletenessAnswer {
  const truncatedAt = truncations.list();
  const limit = truncatedAt[0]?.limit ?? null;
  return { complete: truncatedAt.length === 0, truncatedAt, limit, edgesScanned, limitsInForce };
}

const kinds: Readonly<Record<TruncationKind, string>> = {
  HOP_EDGES: 'The hop has as many edges as it may; there are more.',
  NODE_EDGES: 'As many edges of one node were followed as may be; it has more.',
  LOOKBACK: 'Edges older than the lookback were asked for and not looked at.',
  SCAN: 'As many rows of one node were looked at as may be; it may have more edges.',
  SUPERNODE: 'A neighbour has so many neighbours itself that it was passed over.',
  ANSWER: 'The answer has as many entries as it may; there are more.',
  STEPS: 'As many ways were tried as may be.',
  EDGES: 'As many rows were looked at as all traversals of one query may.',
  HELD: 'As many nodes and edges are held in memory as all traversals of one query may.',
  BYTES: 'What is held in memory is as large as that of all traversals of one query may be.',
  DEADLINE: 'The time ended.',
};

const kindType = new GraphQLEnumType({
  name: 'TraversalLimitKind',
  values: Object.fromEntries(Object.entries(kinds).map(([name, description]) => [name, { description }])),
});

const origins: Readonly<Record<LimitOrigin, string>> = {
  DEFAULT: 'Nobody set it.',
  SETTINGS: 'The setting for all hops.',
  DEPTH: 'The setting for this depth.',
  EDGE_TYPE: 'The setting for this edge type.',
  QUERY: 'The query lowered it.',
};

const originType = new GraphQLNonNull(
  new GraphQLEnumType({
    name: 'LimitOrigin',
    description: 'Each beats those before it; a query can only lower what they allow.',
    values: Object.fromEntries(Object.entries(origins).map(([name, description]) => [name, { description }])),
  }),
);

const truncationType = new GraphQLObjectType<Truncation>({
  name: 'TraversalTruncation',
  description: 'Where something was left out, and why.',
  fields: {
    hop: { type: new GraphQLNonNull(GraphQLInt), description: 'The first is 1.' },
    kind: { type: new GraphQLNonNull(kindType) },
    limit: {
      type: new GraphQLNonNull(GraphQLFloat),
      description: "That limit's value: edges, rows, bytes or milliseconds.",
    },
    edge: { type: GraphQLString, description: 'Edge type; null where it has to do with none.' },
    node: { type: nodeRefType, description: 'The first node at which it happened.' },
    nodes: { type: new GraphQLNonNull(GraphQLInt), description: 'At how many nodes it happened.' },
  },
});

const limitsType = new GraphQLObjectType<LimitsInForce>({
  name: 'HopLimits',
  description: 'What was in force before anything was read, and where it came from.',
  fields: {
    hop: { type: GraphQLInt, description: 'The first is 1; null where it holds for every one.' },
    edge: { type: new GraphQLNonNull(GraphQLString) },
    edges: { type: new GraphQLNonNull(GraphQLInt), resolve: ({ limits }) => limits.edgesMax },
    edgesFrom: { type: originType, resolve: ({ limits }) => limits.edgesFrom },
    since: {
      type: new GraphQLNonNull(dateTimeScalar),
      description: 'Nothing before this time was looked at.',
      resolve: ({ limits }) => limits.sinceMs,
    },
    sinceFrom: { type: originType, resolve: ({ limits }) => limits.sinceFrom },
  },
});

const traversalCompletenessType = new GraphQLNonNull(
  new GraphQLObjectType<CompletenessAnswer>({
    name: 'TraversalCompleteness',
    description: 'What the answer did not look at.',
    fields: {
      complete: {
        type: new GraphQLNonNull(GraphQLBoolean),
        description:
          'True when nothing is left out of what was asked for; without `since`, that is what the lookback in force reaches.',
      },
      truncatedAt: {
        type: new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(truncationType))),
        description: 'One for each hop, limit and edge type, the first hop first.',
      },
      limit: { type: GraphQLFloat, description: 'The value of the first of them; null when complete.' },
      edgesScanned: {
        type: new GraphQLNonNull(GraphQLInt),
        description: 'Rows looked at, hidden and filtered ones included.',
      },
      limitsInForce: { type: new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(limitsType))) },
    },
  }),
);

/** What each answer of a walk has beside what it found. */
export const wholenessFields = {
  completeness: { type: traversalCompletenessType },
  freshness: { type: new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(freshnessType))) },
} as const;
