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
import { dateTimeScalar } from '../scalars.ts';
import type { HopLimits, LimitOrigin } from './hop-limits.ts';
import type { TraversalSession } from './traversal-session.ts';
import { truncationType } from './truncation-type.ts';
import type { Truncation } from './truncations.ts';

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
