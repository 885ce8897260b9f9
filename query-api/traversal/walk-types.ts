import {
  GraphQLEnumType,
  GraphQLInputObjectType,
  GraphQLInt,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLString,
} from 'graphql';
import { edgeOrderType } from '../edge-order.ts';
import { nodeRefType, propertiesObject } from '../node-type.ts';
import { dateTimeScalar, jsonScalar } from '../scalars.ts';
import { whereInput } from '../where/where-input.ts';
import type { WalkedEdge } from './walked-edge.ts';

const text = new GraphQLNonNull(GraphQLString);

export const walkDirectionType = new GraphQLEnumType({
  name: 'WalkDirection',
  values: {
    OUT: { value: 'out', description: 'Along the edge.' },
    IN: { value: 'in', description: 'Against it.' },
    BOTH: { value: 'both' },
  },
});

export const uniqueType = new GraphQLEnumType({
  name: 'TraversalUnique',
  values: {
    TRAVERSAL: { value: 'traversal', description: 'A node is reached by one hop only: the first that can.' },
    HOP: { value: 'hop', description: 'A node may be reached by several hops.' },
  },
});

const spanFields = {
  since: { type: dateTimeScalar, description: 'From this time on; not before the lookback in force.' },
  until: { type: dateTimeScalar, description: 'Before this time.' },
} as const;

export const hopInput = new GraphQLInputObjectType({
  name: 'HopInput',
  fields: {
    edge: { type: text, description: 'Edge type, such as `WATCHED`.' },
    direction: { type: new GraphQLNonNull(walkDirectionType), defaultValue: 'out' },
    ...spanFields,
    limit: { type: GraphQLInt, description: 'Edges of this hop at most; lowers the limit in force.' },
    where: { type: whereInput, description: "On the edge's properties." },
    nodeWhere: { type: whereInput, description: 'On the properties of the node that it leads to.' },
    order: { type: new GraphQLNonNull(edgeOrderType), defaultValue: 'latest' },
  },
});

/** Which edges a walk may take. */
export const walkInput = new GraphQLInputObjectType({
  name: 'WalkInput',
  fields: {
    edge: { type: text, description: 'Edge type, such as `WATCHED`.' },
    direction: { type: new GraphQLNonNull(walkDirectionType), defaultValue: 'out' },
    ...spanFields,
    limit: { type: GraphQLInt, description: 'Edges of one node at most; lowers the limit in force.' },
    where: { type: whereInput, description: "On the edge's properties." },
  },
});

export const walkedEdgeType = new GraphQLObjectType<WalkedEdge>({
  name: 'WalkedEdge',
  description: 'An edge between two nodes, by the newest of its events that fits what was asked.',
  fields: {
    edge: { type: text, description: 'Edge type.', resolve: ({ occurrence }) => occurrence.type },
    direction: {
      type: new GraphQLNonNull(walkDirectionType),
      description: '`IN` when it was walked against its direction.',
      resolve: ({ way }) => way,
    },
    from: {
      type: new GraphQLNonNull(nodeRefType),
      description: 'Where the walk came from.',
      resolve: ({ parent }) => parent,
    },
    to: {
      type: new GraphQLNonNull(nodeRefType),
      description: 'Where it led.',
      resolve: ({ node }) => node,
    },
    key: {
      type: GraphQLString,
      description: "The edge's key; null where there is one edge a pair.",
      resolve: ({ occurrence }) => occurrence.key,
    },
    time: {
      type: new GraphQLNonNull(dateTimeScalar),
      description: 'Event time.',
      resolve: ({ occurrence }) => occurrence.timeMs,
    },
    properties: {
      type: new GraphQLNonNull(jsonScalar),
      description: 'Of that event.',
      resolve: ({ occurrence }) => propertiesObject(occurrence.properties),
    },
  },
});

export function listOf<T>(
  type: GraphQLObjectType<T>,
): GraphQLNonNull<GraphQLList<GraphQLNonNull<GraphQLObjectType<T>>>> {
  return new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(type)));
}
