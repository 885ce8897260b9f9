import type { GraphQLSchema } from 'graphql';
import type { ApiContext } from '../api-context.ts';
import { fits } from '../cost/cheaper-change.ts';
import type { DegreeStatistics } from '../cost/field-cost.ts';
import type { GraphqlRequest, GraphqlResponse } from '../graphql-engine.ts';
import { firstForbidden } from '../policy/forbidden-fields.ts';
import { edgeTypesFor } from '../traversal/walk-plan.ts';
import type { Coerced, PreparedOperation } from './prepared-operation.ts';
import { PreparedOperations } from './prepared-operations.ts';
import { preparedRequest } from './prepared-request.ts';
import type { Replay } from './replay.ts';

/** An answer, or what has been read on the way to one: nothing, where it was not begun. */
export type PreparedAnswer =
  | { readonly kind: 'answered'; readonly response: GraphqlResponse }
  | { readonly kind: 'passed on'; readonly replay: Replay | null };

const notBegun: PreparedAnswer = { kind: 'passed on', replay: null };

/**
 * The short way of a request that is like many before it: its document is known, so are its headers, and its answer is data and nothing else. The checks
 * between parsing and executing are made as on the long way, by the same functions. Whatever is otherwise goes the long way, with what was read
 * already; so errors and what surrounds them have one origin.
 */
export class PreparedEngine {
  readonly operations = new PreparedOperations();
  readonly #degrees: DegreeStatistics;

  constructor(degrees: DegreeStatistics) {
    this.#degrees = degrees;
  }

  async answer(schema: GraphQLSchema, request: GraphqlRequest, context: ApiContext): Promise<PreparedAnswer> {
    const contentType = this.operations.contentTypeFor(request.headers.accept);
    // Whoever is told the cost gets it from the long way.
    const asked = contentType === null || context.run.tellsCost ? null : preparedRequest(request);
    const operation = asked === null ? null : this.operations.find(schema, asked.query);
    if (contentType === null || asked === null || operation === null) return notBegun;
    if (asked.operationName !== null && asked.operationName !== operation.name) return notBegun;
    const coerced = operation.coerce(asked.variables);
    if (coerced === null || !this.#isAllowed(operation, coerced, context)) return notBegun;
    const { run } = context;
    run.begin('execute');
    const replay = await operation.resolve(coerced, context);
    run.end('execute');
    run.begin('serialize');
    const data = operation.write(replay);
    run.end('serialize');
    if (data === null) return { kind: 'passed on', replay };
    run.prepared = true;
    const headers = new Map([['content-type', contentType]]);
    return { kind: 'answered', response: { status: 200, headers, body: `{"data":${data}}\n` } };
  }

  /** By the caller's policy and their budget. What is not is refused on the long way, which says how it would be. */
  #isAllowed(operation: PreparedOperation, coerced: Coerced, context: ApiContext): boolean {
    const { grant, run, limits, clock, budget } = context;
    const { schema, document } = operation;
    if (grant !== null && firstForbidden(schema, document, operation.operation, grant) !== null) return false;
    run.begin('cost');
    const known = { limits, degrees: this.#degrees, nowMs: clock.now() };
    const plan = operation.plan(coerced, { ...known, edgeTypes: edgeTypesFor(context) });
    run.end('cost');
    run.operationName = operation.name;
    run.plan = plan;
    return fits(plan.total, budget);
  }
}
