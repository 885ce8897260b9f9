import {
  type GraphQLFieldConfig,
  GraphQLID,
  GraphQLInt,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLString,
} from 'graphql';
import type { ApiContext } from '../api-context.ts';
import { type GraphNode, graphNodeType } from '../graph-node-type.ts';
import { nodeRefInput, nodeRefType } from '../node-type.ts';
import { dateTimeScalar } from '../scalars.ts';
import { type CompletenessAnswer, completenessOf, wholenessFields } from './completeness-type.ts';
import { NodeLoader } from './node-loader.ts';
import { type TopicFreshness, walk } from './run-walk.ts';
import { runSharedNeighbours, type SharingNode } from './shared-neighbours-run.ts';
import { nodeCost, sharedNeighboursCost } from './traversal-cost.ts';
import { planSharedNeighbours, type SharedNeighboursArguments, sayLookbacks } from './walk-plan.ts';
import { listOf, walkInput } from './walk-types.ts';

interface SharingAnswer extends SharingNode {
  readonly loader: NodeLoader;
}

interface SharedNeighboursAnswer {
  readonly nodes: readonly SharingAnswer[];
  readonly completeness: CompletenessAnswer;
  readonly freshness: readonly TopicFreshness[];
}

const sharingType = new GraphQLObjectType<SharingAnswer, ApiContext>({
  name: 'SharingNode',
  description: 'A node that has neighbours which the node asked about has too.',
  fields: {
    type: { type: new GraphQLNonNull(GraphQLString), resolve: ({ node }) => node.type },
    id: { type: new GraphQLNonNull(GraphQLID), resolve: ({ node }) => node.id },
    shared: {
      type: new GraphQLNonNull(GraphQLInt),
      description: 'How many neighbours both have; at least so many when the answer is not complete.',
      resolve: ({ through }) => through.length,
    },
    through: { type: listOf(nodeRefType), description: 'Those neighbours.' },
    time: {
      type: new GraphQLNonNull(dateTimeScalar),
      description: 'Event time of its newest edge to one of them.',
      resolve: ({ timeMs }) => timeMs,
    },
    node: {
      type: graphNodeType,
      description: 'With its properties; null when it was deleted meanwhile.',
      extensions: { cost: nodeCost },
      resolve: async ({ node, loader }): Promise<GraphNode | null> => await loader.load(node),
    },
  },
});

const sharedNeighboursType = new GraphQLObjectType<SharedNeighboursAnswer, ApiContext>({
  name: 'SharedNeighboursAnswer',
  fields: {
    nodes: { type: listOf(sharingType), description: 'Those that share the most first.' },
    ...wholenessFields,
  },
});

/** `sharedNeighbours(of, over, minShared, degreeMax, first)`: two levels of reads. */
export const sharedNeighboursField: GraphQLFieldConfig<unknown, ApiContext, SharedNeighboursArguments> = {
  type: new GraphQLNonNull(sharedNeighboursType),
  description: 'Which other nodes have the same neighbours, such as the accounts on the same devices.',
  args: {
    of: { type: new GraphQLNonNull(nodeRefInput) },
    over: { type: new GraphQLNonNull(walkInput), description: 'From a node to its neighbours.' },
    minShared: { type: new GraphQLNonNull(GraphQLInt), defaultValue: 1 },
    degreeMax: {
      type: GraphQLInt,
      description: 'A neighbour with more edges than this is passed over, and named in `truncatedAt`.',
    },
    first: { type: GraphQLInt, description: 'Nodes in the answer: 10 unless said otherwise, at most 100.' },
  },
  extensions: { cost: sharedNeighboursCost },
  resolve: async (_source, input, context): Promise<SharedNeighboursAnswer> => {
    const plan = planSharedNeighbours(input, context.limits, context.clock.now());
    return await walk(context, async (session) => {
      sayLookbacks(session, [plan.walk]);
      const nodes = await runSharedNeighbours(plan, session, context.limits.scanRowsMax);
      const loader = new NodeLoader(context.reader, context.traversals, session.views);
      const inForce = [plan.walk, plan.back].map(({ edge, limits }, index) => {
        return { hop: index + 1, edge, limits };
      });
      return {
        nodes: nodes.map((node) => ({ ...node, loader })),
        completeness: completenessOf(session, inForce),
      };
    });
  },
};
