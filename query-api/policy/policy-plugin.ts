import type { ApolloServerPlugin } from '@apollo/server';
import type { ApiContext } from '../api-context.ts';
import { firstForbidden } from './forbidden-fields.ts';

/** Refuses what the policy forbids whatever the graph holds, before any resolver runs. */
export function policyPlugin(): ApolloServerPlugin<ApiContext> {
  return {
    requestDidStart: async () => ({
      didResolveOperation: async ({ schema, document, operation, contextValue: { grant } }) => {
        const error =
          grant === null || operation === undefined
            ? null
            : firstForbidden(schema, document, operation, grant);
        if (error !== null) throw error;
      },
    }),
  };
}
