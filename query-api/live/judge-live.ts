import { GraphQLError } from 'graphql';
import type { ApiContext } from '../api-context.ts';
import { checkCost } from '../cost/cost-check.ts';
import type { DegreeStatistics } from '../cost/field-cost.ts';
import { firstForbidden } from '../policy/forbidden-fields.ts';
import type { Planned } from './live-operation.ts';

/** What Apollo's plugins say of a query over HTTP, of a subscription: what the policy forbids whatever the graph holds, and what one event may cost. */
export function judgeLive(
  { schema, document, operation, variableValues }: Planned,
  context: ApiContext,
  degrees: DegreeStatistics,
): GraphQLError | null {
  const { grant } = context;
  const forbidden = grant === null ? null : firstForbidden(schema, document, operation, grant);
  if (forbidden !== null) return forbidden;
  try {
    checkCost({ schema, document, operation, variables: variableValues ?? {} }, context, degrees);
    return null;
  } catch (error) {
    if (error instanceof GraphQLError) return error;
    throw error;
  }
}
