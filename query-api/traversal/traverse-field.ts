import {
  type GraphQLFieldConfig,
  GraphQLID,
  GraphQLInt,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLString,
} from 'graphql';
import type { NodeRef } from '../../graph-store/index.ts';
import type { ApiContext } from '../api-context.ts';
import { type GraphNode, graphNodeType } from '../graph-node-type.ts';
import { nodeRefInput } from '../node-type.ts';
import { dateTimeScalar } from '../scalars.ts';
import { type CompletenessAnswer, completenessOf, wholenessFields } from './completeness-type.ts';
import { NodeLoader } from './node-loader.ts';
import { type TopicFreshness, walk } from './run-walk.ts';
import { selectsAnywhere } from './selects-anywhere.ts';
import { nodeCost, traverseCost } from './traversal-cost.ts';
import { planTraversal, type TraverseArguments } from './traversal-plan.ts';
import { runTraversal } from './traversal-run.ts';
import { hopInput, listOf, uniqueType, walkedEdgeType } from './walk-types.ts';
import type { WalkedEdge } from './walked-edge.ts';

interface ReachedAnswer {
  readonly node: NodeRef;
  readonly via: readonly WalkedEdge[];
  readonly loader: NodeLoader;
}

interface HopAnswer {
  readonly depth: number;
  readonly nodes: readonly ReachedAnswer[];
}

interface TraversalAnswer {
  readonly hops: readonly HopAnswer[];
  readonly completeness: CompletenessAnswer;
  readonly freshness: readonly TopicFreshness[];
}

const reachedType = new GraphQLObjectType<ReachedAnswer, ApiContext>({
  name: 'ReachedNode',
  description: 'A node that a hop reached.',
  fields: {
    type: { type: new GraphQLNonNull(GraphQLString), resolve: ({ node }) => node.type },
    id: { type: new GraphQLNonNull(GraphQLID), resolve: ({ node }) => node.id },
    time: {
      type: new GraphQLNonNull(dateTimeScalar),
      description: 'Event time of the newest edge that led to it.',
      resolve: ({ via }) => via[0]?.occurrence.timeMs,
    },
    via: {
      type: listOf(walkedEdgeType),
      description: 'The edges of this hop that led to it, newest first: `from` is a node of the hop before.',
    },
    node: {
      type: graphNodeType,
      description: 'With its properties; null when it was deleted meanwhile.',
      extensions: { cost: nodeCost },
      resolve: async ({ node, loader }): Promise<GraphNode | null> => await loader.load(node),
    },
  },
});

const hopType = new GraphQLObjectType<HopAnswer, ApiContext>({
  name: 'TraversalHop',
  fields: {
    depth: { type: new GraphQLNonNull(GraphQLInt), description: 'The first is 1.' },
    nodes: { type: listOf(reachedType), description: 'Those reached by the newest edges first.' },
  },
});

const traversalType = new GraphQLObjectType<TraversalAnswer, ApiContext>({
  name: 'Traversal',
  description: 'The nodes that each hop reached.',
  fields: {
    hops: { type: listOf(hopType), description: 'One for each hop that was asked for.' },
    ...wholenessFields,
  },
});

/** `traverse(from, hops, unique)`: one or a few reads a hop. */
export const traverseField: GraphQLFieldConfig<unknown, ApiContext, TraverseArguments> = {
  type: new GraphQLNonNull(traversalType),
  description:
    'From some nodes hop by hop, breadth first: each hop leaves from the nodes that the one before reached.',
  args: {
    from: { type: new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(nodeRefInput))) },
    hops: { type: new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(hopInput))) },
    unique: { type: new GraphQLNonNull(uniqueType), defaultValue: 'traversal' },
  },
  extensions: { cost: traverseCost },
  resolve: async (_source, input, context, info): Promise<TraversalAnswer> => {
    const withContents = selectsAnywhere(info, 'properties');
    const plan = planTraversal(input, context.limits, context.clock.now(), withContents);
    return await walk(context, async (session) => {
      const results = await runTraversal(plan, session, context.limits.scanRowsMax);
      const loader = new NodeLoader(context.reader, context.traversals, session.views);
      const inForce = plan.hops.map(({ depth, edge, limits }) => ({ hop: depth, edge, limits }));
      return {
        hops: results.map(({ plan: { depth }, nodes }) => ({
          depth,
          nodes: nodes.map(({ node, via }) => ({ node, via, loader })),
        })),
        completeness: completenessOf(session, inForce),
      };
    });
  },
};
