import type { ApolloServerPlugin, GraphQLRequestContext } from '@apollo/server';
import { GraphQLError } from 'graphql';
import type { ApiContext } from '../api-context.ts';
import { maskedError } from '../api-error.ts';
import { checkCost } from '../cost/cost-check.ts';
import type { DegreeStatistics } from '../cost/field-cost.ts';
import { tellsUsedTo } from '../policy/grant.ts';

/** Each stage of a query, timed; its cost, found between being validated and being executed; and its errors by code. */
export function enginePlugin(degrees: DegreeStatistics): ApolloServerPlugin<ApiContext> {
  return {
    requestDidStart: async ({ contextValue: { run } }) => ({
      parsingDidStart: async () => {
        run.begin('parse');
        return async () => run.end('parse');
      },
      validationDidStart: async () => {
        run.begin('validate');
        return async () => run.end('validate');
      },
      didResolveOperation: async (request) => {
        run.begin('cost');
        try {
          planOperation(request, degrees);
        } finally {
          run.end('cost');
        }
      },
      executionDidStart: async () => {
        run.begin('execute');
        return { executionDidEnd: async () => run.end('execute') };
      },
      didEncounterErrors: async ({ errors }) => {
        for (const error of errors) run.codes.add(codeOf(error));
      },
      willSendResponse: async ({ response: { body }, contextValue: { budget, grant } }) => {
        if (run.tellsCost && body.kind === 'single' && run.plan !== null) {
          const used = tellsUsedTo(grant) ? { used: run.used } : {};
          const cost = { ...run.plan.total, budget, ...used };
          body.singleResult.extensions = { ...body.singleResult.extensions, cost };
        }
        // Ended by whoever has the text.
        run.begin('serialize');
      },
    }),
  };
}

function planOperation(
  { schema, document, operation, request, contextValue }: GraphQLRequestContext<ApiContext>,
  degrees: DegreeStatistics,
): void {
  // Without an operation executing says which ones there are, and reads nothing.
  if (document === undefined || operation === undefined) return;
  const { run } = contextValue;
  run.operationName = operation.name?.value ?? null;
  const variables = request.variables ?? {};
  try {
    run.plan = checkCost({ schema, document, operation, variables }, contextValue, degrees);
  } catch (error) {
    // What is refused before it runs is the request's fault, not this server's.
    if (error instanceof GraphQLError) error.extensions.http = { status: 400 };
    throw error;
  }
}

/** As the caller will see it. */
export function codeOf(error: GraphQLError): string {
  const masked = maskedError(error);
  if (masked !== null) return masked.code;
  const original = error.originalError;
  const code = original instanceof GraphQLError ? original.extensions.code : undefined;
  return String(code ?? error.extensions.code ?? 'INTERNAL_SERVER_ERROR');
}
