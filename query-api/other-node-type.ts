import { GraphQLObjectType } from 'graphql';
import type { ApiContext } from './api-context.ts';
import { type GraphNode, graphNodeFields, graphNodeType } from './graph-node-type.ts';
import { otherNodeTypeName } from './node-type-name.ts';

/** Where an answer holds nodes of any type: those that GraphQL has no type for, see `graphSchema { warnings }`. */
export const otherNodeType = new GraphQLObjectType<GraphNode, ApiContext>({
  name: otherNodeTypeName,
  description: 'A node whose type has no type of its own in GraphQL.',
  interfaces: [graphNodeType],
  fields: graphNodeFields,
});
