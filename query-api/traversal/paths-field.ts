import { type GraphQLFieldConfig, GraphQLInt, GraphQLList, GraphQLNonNull, GraphQLObjectType } from 'graphql';
import type { ApiContext } from '../api-context.ts';
import { nodeRefInput } from '../node-type.ts';
import { type CompletenessAnswer, completenessOf, wholenessFields } from './completeness-type.ts';
import { runCycles } from './cycles-run.ts';
import { runPaths } from './paths-run.ts';
import { type TopicFreshness, walk } from './run-walk.ts';
import { cyclesCost, pathsCost } from './traversal-cost.ts';
import {
  type CyclesArguments,
  edgeTypesFor,
  limitsOf,
  type PathsArguments,
  planCycles,
  planPaths,
  sayLookbacks,
} from './walk-plan.ts';
import { listOf, walkedEdgeType, walkInput } from './walk-types.ts';
import type { WalkedEdge } from './walked-edge.ts';

interface PathAnswer {
  readonly edges: readonly WalkedEdge[];
}

interface Wholeness {
  readonly completeness: CompletenessAnswer;
  readonly freshness: readonly TopicFreshness[];
}

const pathType = new GraphQLObjectType<PathAnswer, ApiContext>({
  name: 'WalkedPath',
  description: 'Edges one after the other: each leads from where the one before led to.',
  fields: {
    length: { type: new GraphQLNonNull(GraphQLInt), resolve: ({ edges }) => edges.length },
    edges: { type: listOf(walkedEdgeType) },
  },
});

const pathsType = new GraphQLObjectType<Wholeness & { readonly paths: readonly PathAnswer[] }, ApiContext>({
  name: 'PathsAnswer',
  fields: {
    paths: { type: listOf(pathType), description: 'All of the same length: the least there is.' },
    ...wholenessFields,
  },
});

const cyclesType = new GraphQLObjectType<Wholeness & { readonly cycles: readonly PathAnswer[] }, ApiContext>({
  name: 'CyclesAnswer',
  fields: {
    cycles: { type: listOf(pathType), description: 'The shortest first.' },
    ...wholenessFields,
  },
});

const walkArguments = {
  over: {
    type: new GraphQLList(new GraphQLNonNull(walkInput)),
    description:
      'Which edges it may take, each type once, at most 8; all edge types in force, in both directions, unless said otherwise.',
  },
  maxDepth: { type: GraphQLInt, description: 'Edges of a way at most: 4 unless said otherwise, at most 6.' },
  first: { type: GraphQLInt, description: 'Ways in the answer: 10 unless said otherwise, at most 100.' },
} as const;

/** `paths(from, to, over, maxDepth, first)`: a few reads a level, half of the levels from each end. */
export const pathsField: GraphQLFieldConfig<unknown, ApiContext, PathsArguments> = {
  type: new GraphQLNonNull(pathsType),
  description: 'The shortest ways from one node to another.',
  args: {
    from: { type: new GraphQLNonNull(nodeRefInput) },
    to: { type: new GraphQLNonNull(nodeRefInput) },
    ...walkArguments,
  },
  extensions: { cost: pathsCost },
  resolve: async (_source, input, context) => {
    const plan = planPaths(input, context.limits, context.clock.now(), edgeTypesFor(context));
    return await walk(context, async (session) => {
      sayLookbacks(session, plan.walks);
      const paths = await runPaths(plan, session, context.limits.scanRowsMax);
      const completeness = completenessOf(session, limitsOf(plan.walks));
      return { paths: paths.map((edges) => ({ edges })), completeness };
    });
  },
};

/** `cycles(through, over, maxDepth, first)`: the same of ways that lead back. */
export const cyclesField: GraphQLFieldConfig<unknown, ApiContext, CyclesArguments> = {
  type: new GraphQLNonNull(cyclesType),
  description: 'The ways that lead from a node back to it, on which no edge and no other node comes twice.',
  args: { through: { type: new GraphQLNonNull(nodeRefInput) }, ...walkArguments },
  extensions: { cost: cyclesCost },
  resolve: async (_source, input, context) => {
    const plan = planCycles(input, context.limits, context.clock.now(), edgeTypesFor(context));
    return await walk(context, async (session) => {
      sayLookbacks(session, plan.walks);
      const cycles = await runCycles(plan, session, context.limits.scanRowsMax);
      const completeness = completenessOf(session, limitsOf(plan.walks));
      return { cycles: cycles.map((edges) => ({ edges })), completeness };
    });
  },
};
