import {
  type DocumentNode,
  type FragmentDefinitionNode,
  GraphQLError,
  type GraphQLSchema,
  getVariableValues,
  Kind,
  type OperationDefinitionNode,
} from 'graphql';
import type { ApiContext } from '../api-context.ts';
import { edgeTypesFor } from '../traversal/walk-plan.ts';
import { cheapestChange, fits } from './cheaper-change.ts';
import type { Cost, DegreeStatistics } from './field-cost.ts';
import { type PlanChange, planQuery, type QueryPlan } from './query-plan.ts';

/** A validated operation as it came. */
export interface CheckedOperation {
  readonly schema: GraphQLSchema;
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
  readonly variables: Readonly<Record<string, unknown>>;
}

type CheckContext = Pick<ApiContext, 'limits' | 'clock' | 'budget' | 'status' | 'grant'>;

/**
 * Plans an operation before anything of it runs. Null when its variables are wrong: executing says so and reads nothing.
 *
 * @throws GraphQLError `QUERY_TOO_EXPENSIVE` above the caller's budget, `QUERY_TOO_LARGE` when it unfolds to too many fields.
 */
export function checkCost(
  { schema, document, operation, variables }: CheckedOperation,
  checking: CheckContext,
  degrees: DegreeStatistics,
): QueryPlan | null {
  const { limits, clock, budget } = checking;
  const coerced = coercedVariables(schema, operation, variables);
  if (coerced === null) return null;
  const asked = { schema, operation, fragments: fragmentsOf(document), variables: coerced };
  const context = { limits, degrees, nowMs: clock.now(), edgeTypes: edgeTypesFor(checking) };
  const plan = planQuery(asked, context);
  if (fits(plan.total, budget)) return plan;
  const cheaper = cheapestChange(asked, context, plan, budget);
  const hint = cheaper === null ? 'ask in several queries' : inWords(cheaper.change);
  throw tooExpensive(
    `The query may take up to ${counted(plan.total)}; this caller may spend ${counted(budget)}: ${hint}.`,
    plan.total,
    budget,
    cheaper === null ? {} : { change: cheaper.change, costWithChange: cheaper.cost },
  );
}

/** Null when they are wrong. */
export function coercedVariables(
  schema: GraphQLSchema,
  { variableDefinitions = [] }: OperationDefinitionNode,
  variables: Readonly<Record<string, unknown>>,
): Record<string, unknown> | null {
  const { coerced } = getVariableValues(schema, variableDefinitions, { ...variables }, { maxErrors: 1 });
  return coerced ?? null;
}

/** Refused, before anything is read or in the course of it. A cost of null is not for this caller to know. */
export function tooExpensive(
  message: string,
  cost: Cost | null,
  budget: Cost,
  more: object = {},
): GraphQLError {
  const known = cost === null ? { budget } : { cost, budget };
  return new GraphQLError(message, { extensions: { code: 'QUERY_TOO_EXPENSIVE', ...known, ...more } });
}

function fragmentsOf({ definitions }: DocumentNode): ReadonlyMap<string, FragmentDefinitionNode> {
  return new Map(
    definitions.flatMap((one) => (one.kind === Kind.FRAGMENT_DEFINITION ? [[one.name.value, one]] : [])),
  );
}

function counted({ calls, rows }: Cost): string {
  return `${calls} store calls and ${rows} rows`;
}

function inWords(change: PlanChange): string {
  if (change.kind === 'without') return `it would pass without \`${change.path}\``;
  const { path, argument, from, to } = change;
  return `it would pass with \`${argument}: ${to}\` instead of ${from} on \`${path}\``;
}
