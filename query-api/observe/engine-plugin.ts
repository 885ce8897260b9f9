import type { ApolloServerPlugin, GraphQLRequestContext, GraphQLRequestListener } from '@apollo/server';
import { type DocumentNode, GraphQLError, type GraphQLSchema } from 'graphql';
import type { ApiContext } from '../api-context.ts';
import { maskedError } from '../api-error.ts';
import { checkCost } from '../cost/cost-check.ts';
import type { DegreeStatistics } from '../cost/field-cost.ts';
import { tellsUsedTo } from '../policy/grant.ts';
import type { QueryRun } from './query-run.ts';

/** Told of each document that is asked for again. */
export type DocumentListener = (schema: GraphQLSchema, text: string, document: DocumentNode) => void;

/** Each stage of a query, timed; its cost, found between being validated and being executed; and its errors by code. */
export function enginePlugin(
  degrees: DegreeStatistics,
  askedAgain: DocumentListener,
): ApolloServerPlugin<ApiContext> {
  return {
    requestDidStart: async ({ contextValue: { run } }) => listenerOf(run, degrees, askedAgain),
  };
}

function listenerOf(
  run: QueryRun,
  degrees: DegreeStatistics,
  askedAgain: DocumentListener,
): GraphQLRequestListener<ApiContext> {
  // One that Apollo had to parse may be the only one of its text.
  let isNew = false;
  return {
    parsingDidStart: async () => {
      isNew = true;
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
    executionDidStart: async ({ schema, source, document }) => {
      if (!isNew) askedAgain(schema, source, document);
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
  };
}

type PlannedRequest = Pick<
  GraphQLRequestContext<ApiContext>,
  'schema' | 'document' | 'operation' | 'contextValue'
> & { readonly request: Pick<GraphQLRequestContext<ApiContext>['request'], 'variables'> };

function planOperation(
  { schema, document, operation, request, contextValue }: PlannedRequest,
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
