import { GraphQLObjectType, GraphQLSchema } from 'graphql';
import type { ApiContext } from './api-context.ts';
import { noExtension, type SchemaExtension } from './api-extension.ts';
import { audienceMutations } from './audiences/audience-fields.ts';
import { graphNodeType, otherNodeType } from './graph-node-type.ts';
import { journeyStepsField } from './live/journey-steps-field.ts';
import { ownRootFields } from './root-fields.ts';
import { typedRootFields } from './typed-fields.ts';
import { emptyPlan, type TypedPlan } from './typed-plan.ts';

/** The API's schema; independent of the server that carries it. Without a plan, only what every process has. */
export function createSchema(
  plan: TypedPlan = emptyPlan,
  extension: SchemaExtension = noExtension,
): GraphQLSchema {
  const query = new GraphQLObjectType<unknown, ApiContext>({
    name: 'Query',
    fields: { ...ownRootFields(plan.warnings), ...extension.query, ...typedRootFields(plan) },
  });
  const subscription = new GraphQLObjectType<unknown, ApiContext>({
    name: 'Subscription',
    fields: { journeySteps: journeyStepsField },
  });
  const mutation = new GraphQLObjectType<unknown, ApiContext>({
    name: 'Mutation',
    fields: { ...audienceMutations, ...extension.mutation },
  });
  // Nothing leads to the interface until the graph schema has a node type.
  return new GraphQLSchema({
    query,
    mutation,
    subscription,
    types: [query, graphNodeType, otherNodeType],
  });
}
