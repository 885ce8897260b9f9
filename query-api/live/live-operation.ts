import {
  createSourceEventStream,
  type ExecutionArgs,
  type ExecutionResult,
  execute,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  type OperationDefinitionNode,
  parse,
  specifiedRules,
  validate,
} from 'graphql';
import type { ApiContext, QueryLimits } from '../api-context.ts';
import { admit, queryText, validationErrorsMax, validationRulesOf } from '../limits/admission.ts';
import type { PersistedRules } from '../operations/persisted-request.ts';

/** What a client sends; graphql-ws wants a `query`, which is empty where a `documentId` stands for it. */
export interface Asked {
  readonly query: string;
  readonly operationName?: string | null | undefined;
  readonly variables?: Record<string, unknown> | null | undefined;
}

/** A valid subscription, ready to be executed. */
export interface Planned extends Omit<ExecutionArgs, 'contextValue'> {
  readonly operation: OperationDefinitionNode;
}

export interface PlanRules {
  readonly limits: Pick<QueryLimits, 'tokensMax' | 'depthMax' | 'aliasesMax'>;
  readonly persisted: PersistedRules | null;
  readonly schema: () => GraphQLSchema;
}

/** What may be executed, or why not: the limits of a query over HTTP, in the same order, and nothing but a subscription of one field. */
export async function planOperation(
  asked: Asked,
  { limits, persisted, schema: schemaNow }: PlanRules,
): Promise<Planned | readonly GraphQLError[]> {
  const { query, ...unnamed } = asked;
  const body = query === '' ? unnamed : asked;
  const request = { method: 'POST', search: '', headers: {}, body };
  const admitted = await admit(request, { tokensMax: limits.tokensMax, persisted });
  if (admitted instanceof GraphQLError) return [admitted];
  const document = parsed(queryText(admitted.request) ?? '');
  if (document instanceof GraphQLError) return [document];
  const { operationName, variables } = asked;
  const schema = schemaNow();
  const errors = validate(schema, document, [...specifiedRules, ...validationRulesOf(limits)], {
    maxErrors: validationErrorsMax,
  });
  if (errors.length > 0) {
    for (const error of errors) error.extensions.code ??= 'GRAPHQL_VALIDATION_FAILED';
    return errors;
  }
  const operation = getOperationAST(document, operationName);
  if (operation == null)
    return [refused('OPERATION_RESOLUTION_FAILURE', '`operationName` names none of the operations.')];
  if (operation.operation !== 'subscription')
    return [refused('BAD_REQUEST', 'A WebSocket takes subscriptions; send queries over HTTP.')];
  return { schema, document, operation, operationName, variableValues: variables };
}

function parsed(query: string): ReturnType<typeof parse> | GraphQLError {
  try {
    return parse(query);
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
    error.extensions.code ??= 'GRAPHQL_PARSE_FAILED';
    return error;
  }
}

function refused(code: string, message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code } });
}

/** Each event is executed as a query of its own: with budgets of its own. */
export class ResultStream implements AsyncIterableIterator<ExecutionResult> {
  readonly #events: AsyncIterator<unknown>;
  readonly #args: ExecutionArgs;
  readonly #context: () => ApiContext;
  readonly #ended: (stream: ResultStream) => void;

  private constructor(
    events: AsyncIterator<unknown>,
    args: ExecutionArgs,
    context: () => ApiContext,
    ended: (stream: ResultStream) => void,
  ) {
    this.#events = events;
    this.#args = args;
    this.#context = context;
    this.#ended = ended;
  }

  /** A result when it never began. */
  static async begin(
    args: ExecutionArgs,
    context: () => ApiContext,
    ended: (stream: ResultStream) => void,
  ): Promise<ResultStream | ExecutionResult> {
    const source = await createSourceEventStream({ ...args, contextValue: context() });
    if (!(Symbol.asyncIterator in source)) return source;
    return new ResultStream(source[Symbol.asyncIterator](), args, context, ended);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<ExecutionResult, undefined>> {
    try {
      const { value, done } = await this.#events.next();
      if (done === true) return this.#done();
      const result = await execute({ ...this.#args, rootValue: value, contextValue: this.#context() });
      return { value: result, done: false };
    } catch (error) {
      this.#ended(this);
      throw error;
    }
  }

  async return(): Promise<IteratorResult<ExecutionResult, undefined>> {
    await this.#events.return?.();
    return this.#done();
  }

  #done(): IteratorResult<ExecutionResult, undefined> {
    this.#ended(this);
    return { value: undefined, done: true };
  }
}
