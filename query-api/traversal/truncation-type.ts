import {
  GraphQLEnumType,
  GraphQLFloat,
  GraphQLInt,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLString,
} from 'graphql';
import { nodeRefType } from '../node-type.ts';
import type { Truncation, TruncationKind } from './truncations.ts';

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
  PAGE: 'The page is full; the next one goes on.',
};

const kindType = new GraphQLEnumType({
  name: 'TraversalLimitKind',
  values: Object.fromEntries(Object.entries(kinds).map(([name, description]) => [name, { description }])),
});

/** Of walks, and of the pages of journeys and connections. */
export const truncationType = new GraphQLObjectType<Truncation>({
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
