import { GraphQLObjectType, GraphQLSchema } from 'graphql';
import type { ApiContext } from './api-context.ts';
import { edgeField } from './edge-field.ts';
import { graphSchemaField } from './graph-schema-field.ts';
import { journeyField } from './journey-field.ts';
import { nodeField } from './node-field.ts';
import { statusField } from './status-field.ts';

/** The API's schema; independent of the server that carries it. */
export function createSchema(): GraphQLSchema {
  return new GraphQLSchema({
    query: new GraphQLObjectType<unknown, ApiContext>({
      name: 'Query',
      fields: {
        node: nodeField,
        edge: edgeField,
        journey: journeyField,
        status: statusField,
        graphSchema: graphSchemaField,
      },
    }),
  });
}
