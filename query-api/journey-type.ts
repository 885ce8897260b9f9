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
import type { Lineage, NodeRef, PackedStep, StepLink } from '../graph-store/index.ts';
import type { ApiContext } from './api-context.ts';
import { edgesWriter } from './journey/edges-text.ts';
import type { JourneyView } from './journey/journey-view.ts';
import { sessionsField } from './journey/session-field.ts';
import { transitionsField } from './journey/transition-field.ts';
import { lineageType } from './lineage-type.ts';
import { nodeRefType, type PropertiesAnswer } from './node-type.ts';
import { dateTimeScalar, jsonScalar } from './scalars.ts';
import type { TopicFreshness } from './traversal/run-walk.ts';
import { truncationType } from './traversal/truncation-type.ts';
import type { Truncation } from './traversal/truncations.ts';

const text = new GraphQLNonNull(GraphQLString);
const count = new GraphQLNonNull(GraphQLInt);
const flag = new GraphQLNonNull(GraphQLBoolean);

function listOf(type: GraphQLObjectType): GraphQLNonNull<GraphQLList<GraphQLNonNull<GraphQLObjectType>>> {
  return new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(type)));
}

export interface StepAnswer {
  readonly time: number;
  readonly domain: string;
  readonly action: string;
  readonly owner: NodeRef;
  readonly links: readonly StepLink[];
  readonly properties: PropertiesAnswer;
  readonly lineage: Lineage | null;
}

export type LimitKind = 'PAGE' | 'SCAN' | 'BYTES';

/** What a page of a journey or of a connection left out. */
export interface PageCompleteness {
  readonly since: number;
  readonly complete: boolean;
  readonly truncatedBy: LimitKind | null;
  readonly limit: number | null;
  readonly scanned: number;
  /** Whose page it is. */
  readonly of: NodeRef;
  /** Null of a journey. */
  readonly edge: string | null;
}

export interface JourneyAnswer {
  /** The steps of `edges` as they are stored; null where an edge is more than its step, or they come as objects. */
  readonly rows: readonly PackedStep[] | null;
  readonly edges: () => readonly {
    /** Made where it is asked for, as those of the page are. */
    readonly cursor: () => string;
    readonly node: StepAnswer;
    readonly repeats: () => { readonly count: number; readonly first: number; readonly last: number };
  }[];
  readonly view: JourneyView;
  readonly pageInfo: {
    readonly hasNextPage: boolean;
    readonly hasPreviousPage: boolean;
    readonly startCursor: () => string | null;
    readonly endCursor: () => string | null;
  };
  readonly completeness: PageCompleteness;
  readonly freshness: () => readonly TopicFreshness[];
  readonly tablePath: () => string;
}

const linkDirection = new GraphQLEnumType({
  name: 'LinkDirection',
  values: {
    OUT: { value: 'out', description: 'The edge leads from the owner to the node.' },
    IN: { value: 'in', description: 'The edge leads from the node to the owner.' },
  },
});

const stepLinkType = new GraphQLObjectType<StepLink>({
  name: 'StepLink',
  description: 'Another node that the step touched.',
  fields: {
    edge: { type: text, description: 'Edge type, such as `WATCHED`.' },
    direction: { type: new GraphQLNonNull(linkDirection) },
    node: { type: new GraphQLNonNull(nodeRefType) },
  },
});

export const stepType = new GraphQLObjectType<StepAnswer>({
  name: 'Step',
  description: "One member's action at one time.",
  fields: {
    time: { type: new GraphQLNonNull(dateTimeScalar), description: 'Event time.' },
    domain: { type: text, description: 'Such as `streaming` or `games`.' },
    action: { type: text, description: 'What happened, in words.' },
    owner: { type: new GraphQLNonNull(nodeRefType), description: 'Whose step it is.' },
    links: { type: listOf(stepLinkType), description: 'Nodes that were deleted since are left out.' },
    properties: { type: new GraphQLNonNull(jsonScalar) },
    lineage: { type: lineageType, description: 'Which record this step is from; null when unknown.' },
  },
});

const repeatsType = new GraphQLObjectType({
  name: 'JourneyRepeats',
  description: 'The steps that one edge stands for: one, unless repeats were asked to be folded.',
  fields: {
    count: { type: count },
    first: { type: new GraphQLNonNull(dateTimeScalar), description: 'Event time of the earliest.' },
    last: { type: new GraphQLNonNull(dateTimeScalar), description: 'Event time of the latest.' },
  },
});

const edgeType = new GraphQLObjectType({
  name: 'JourneyEdge',
  fields: {
    cursor: {
      type: text,
      description: 'Of the last step, in the order of the page, where repeats are folded.',
    },
    node: { type: new GraphQLNonNull(stepType), description: 'The last one of those that were folded.' },
    repeats: { type: new GraphQLNonNull(repeatsType) },
  },
});

export const pageInfoType = new GraphQLObjectType({
  name: 'PageInfo',
  description: 'By the Relay cursor connections specification.',
  fields: {
    hasNextPage: { type: flag },
    hasPreviousPage: { type: flag },
    startCursor: { type: GraphQLString },
    endCursor: {
      type: GraphQLString,
      description: 'Pass as `after` for the next page, also of an empty one.',
    },
  },
});

const limitKindType = new GraphQLEnumType({
  name: 'LimitKind',
  values: {
    PAGE: { description: 'The page is full; the next one goes on.' },
    SCAN: { description: 'As many rows were looked at as one query may; the next page goes on.' },
    BYTES: { description: 'What the page holds is as large as it may be; the next page goes on.' },
  },
});

function truncationsOf({ truncatedBy, limit, of, edge }: PageCompleteness): readonly Truncation[] {
  if (truncatedBy === null || limit === null) return [];
  return [{ hop: 1, kind: truncatedBy, limit, edge, node: of, nodes: 1 }];
}

export const completenessType = new GraphQLObjectType<PageCompleteness>({
  name: 'Completeness',
  description: 'What the answer did not look at.',
  fields: {
    since: {
      type: new GraphQLNonNull(dateTimeScalar),
      description: 'Nothing before this time was looked at: as asked, or the default lookback.',
    },
    complete: {
      type: flag,
      description: 'True when nothing that was asked for is left out after this page.',
    },
    truncatedBy: { type: limitKindType, description: 'Which limit ended the page.' },
    limit: { type: GraphQLInt, description: "That limit's value." },
    scanned: { type: count, description: 'Rows looked at, hidden and filtered ones included.' },
    truncatedAt: {
      type: listOf(truncationType),
      description:
        'The same as `truncatedBy` with `limit`, in the form that walks have: one entry, or none when complete.',
      resolve: truncationsOf,
    },
    edgesScanned: {
      type: count,
      description: 'The same as `scanned`, by the name that walks have for it.',
      resolve: ({ scanned }) => scanned,
    },
  },
});

export const freshnessType = new GraphQLObjectType({
  name: 'Freshness',
  description: 'How recent a source topic is in the graph.',
  fields: {
    topic: { type: text },
    freshnessMs: {
      type: GraphQLFloat,
      description: 'Now minus the newest event time applied; null before the first.',
    },
  },
});

export const journeyConnectionType = new GraphQLObjectType<JourneyAnswer, ApiContext>({
  name: 'JourneyConnection',
  description: "A member's steps in time order across all domains.",
  fields: {
    edges: { type: listOf(edgeType), extensions: { ownWriter: edgesWriter } },
    pageInfo: { type: new GraphQLNonNull(pageInfoType) },
    completeness: { type: new GraphQLNonNull(completenessType) },
    freshness: { type: listOf(freshnessType) },
    tablePath: {
      type: text,
      description:
        'This page as a table: GET it with the same authorization and `accept: application/vnd.apache.arrow.stream`. Repeats are not folded there.',
    },
    sessions: sessionsField,
    transitions: transitionsField,
  },
});

export const journeyOrderType = new GraphQLEnumType({
  name: 'JourneyOrder',
  values: { OLDEST_FIRST: { value: 'oldest-first' }, NEWEST_FIRST: { value: 'newest-first' } },
});
