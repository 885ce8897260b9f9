import { AsyncLocalStorage } from 'node:async_hooks';
import type { IncomingHttpHeaders } from 'node:http';
import { ApolloServer, type ApolloServerPlugin, HeaderMap } from '@apollo/server';
import { ApolloServerPluginCacheControlDisabled } from '@apollo/server/plugin/disabled';
import { GraphQLError, type GraphQLSchema } from 'graphql';
import type { Log } from '../foundation/index.ts';
import type { ApiContext, QueryLimits } from './api-context.ts';
import { maskedError, publicError, withoutSuggestion } from './api-error.ts';
import { argumentAtFault } from './argument-at-fault.ts';
import type { DegreeStatistics } from './cost/field-cost.ts';
import { type AdmissionRules, admit, validationErrorsMax, validationRulesOf } from './limits/admission.ts';
import { attributeFields } from './observe/attributed-fields.ts';
import { codeOf, enginePlugin } from './observe/engine-plugin.ts';
import type { QueryRun } from './observe/query-run.ts';
import type { PersistedRules } from './operations/persisted-request.ts';
import { policyPlugin } from './policy/policy-plugin.ts';
import { PreparedEngine } from './prepared/prepared-engine.ts';
import { SchemaInForce, type SchemaInForceParts, schemaOf } from './schema-in-force.ts';
import { emptyPlan } from './typed-plan.ts';

export interface GraphqlRequest {
  readonly method: string;
  readonly search: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: unknown;
}

export interface GraphqlResponse {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

export interface EngineRules {
  readonly introspection: boolean;
  /** Say in an error what was probably meant, which names what the schema has. */
  readonly suggestions: boolean;
  /** Null when callers name no operations by id. */
  readonly persisted: PersistedRules | null;
  readonly degrees: DegreeStatistics;
}

/** Apollo Server without a server of its own: HTTP is ours, so that other paths live beside it. */
export class GraphqlEngine {
  readonly #apollo: ApolloServer<ApiContext>;
  readonly #admission: AdmissionRules;
  readonly #schema: SchemaInForce;
  readonly #changing: ChangingSchema;
  readonly #prepared: PreparedEngine;

  constructor(limits: QueryLimits, parts: SchemaInForceParts, rules: EngineRules) {
    const { log } = parts;
    const changing = new ChangingSchema(schemaOf(emptyPlan, parts));
    this.#changing = changing;
    this.#prepared = new PreparedEngine(rules.degrees);
    const { operations } = this.#prepared;
    this.#admission = {
      tokensMax: limits.tokensMax,
      persisted: rules.persisted,
      isKnown: (query) => operations.isKnown(changing.schema, query),
    };
    this.#schema = new SchemaInForce(parts, (schema) => changing.change(schema));
    this.#apollo = new ApolloServer<ApiContext>({
      gateway: changing,
      csrfPrevention: true,
      allowBatchedHttpRequests: false,
      // Queries that callers leave on the server are a cache to fill; ours are small enough to be sent.
      persistedQueries: false,
      introspection: rules.introspection,
      includeStacktraceInErrorResponses: false,
      stopOnTerminationSignals: false,
      validationRules: validationRulesOf(limits),
      validationOptions: { maxErrors: validationErrorsMax },
      formatError: (formatted, error) => {
        logOutside(error, log);
        return publicError(formatted, error);
      },
      plugins: [
        ApolloServerPluginCacheControlDisabled(),
        errorPlugin(log, rules.suggestions),
        policyPlugin(),
        enginePlugin(rules.degrees, (schema, text, document) => operations.learn(schema, text, document)),
      ],
      logger: apolloLogger(log),
    });
  }

  async start(): Promise<void> {
    await this.#apollo.start();
  }

  async stop(): Promise<void> {
    await this.#apollo.stop();
  }

  /** The one in force now. */
  currentSchema(): GraphQLSchema {
    this.#schema.refresh();
    return this.#changing.schema;
  }

  async execute(request: GraphqlRequest, context: ApiContext): Promise<GraphqlResponse> {
    this.#schema.refresh();
    this.#compare();
    const admitted = await admit(request, this.#admission);
    if (admitted instanceof GraphQLError) {
      context.run.codes.add(codeOf(admitted));
      return refused(admitted);
    }
    if (admitted.persisted) context.run.persisted = true;
    const prepared = await this.#prepared.answer(this.#changing.schema, admitted.request, context);
    if (prepared.kind === 'answered') return prepared.response;
    const { replay } = prepared;
    return await this.#executeByApollo(admitted.request, replay === null ? context : { ...context, replay });
  }

  async #executeByApollo(
    { method, search, headers: given, body: asked }: GraphqlRequest,
    context: ApiContext,
  ): Promise<GraphqlResponse> {
    const headers = new HeaderMap();
    for (const [name, value] of Object.entries(given))
      if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(', ') : value);
    const response = await runNow.run(context.run, () =>
      this.#apollo.executeHTTPGraphQLRequest({
        httpGraphQLRequest: { method, search, headers, body: asked },
        context: async () => context,
      }),
    );
    const { body } = response;
    let text = '';
    if (body.kind === 'complete') text = body.string;
    else for await (const chunk of body.asyncIterator) text += chunk;
    context.run.end('serialize');
    const { status = 200 } = response;
    // What Apollo refused by itself, before it was a query.
    if (status >= 400 && context.run.codes.size === 0) context.run.codes.add('BAD_REQUEST');
    const contentType = response.headers.get('content-type');
    if (status === 200 && contentType !== undefined && body.kind === 'complete' && method === 'POST')
      this.#prepared.operations.learnContentType(given.accept, contentType);
    return { status, headers: response.headers, body: text };
  }

  /** The persisted operations with the schema in force, beside requests. */
  #compare(): void {
    const schema = this.#changing.schema;
    const { persisted } = this.#admission;
    if (persisted?.ready() === true) void persisted.operations.compare(schema);
  }
}

type SchemaListener = (context: {
  readonly apiSchema: GraphQLSchema;
  readonly coreSupergraphSdl: string;
}) => void;

/**
 * Apollo's way to change a schema while it serves: a gateway without an executor. A request keeps the schema that it began
 * with, each schema has a cache of its own for the documents that were validated against it, and one that is not
 * valid is thrown back to whoever changes it.
 */
class ChangingSchema {
  readonly #first: GraphQLSchema;
  #listener: SchemaListener | null = null;
  /** The last one that was good. */
  schema: GraphQLSchema;

  constructor(first: GraphQLSchema) {
    this.#first = first;
    this.schema = first;
  }

  onSchemaLoadOrUpdate(listener: SchemaListener): () => void {
    this.#listener = listener;
    return () => {
      this.#listener = null;
    };
  }

  async load(): Promise<{ readonly executor: null }> {
    this.change(this.#first);
    return { executor: null };
  }

  async stop(): Promise<void> {
    this.#listener = null;
  }

  change(apiSchema: GraphQLSchema): void {
    attributeFields(apiSchema);
    this.#listener?.({ apiSchema, coreSupergraphSdl: '' });
    this.schema = apiSchema;
  }
}

function refused(error: GraphQLError): GraphqlResponse {
  const headers = new Map([['content-type', 'application/json; charset=utf-8']]);
  return { status: 400, headers, body: `${JSON.stringify({ errors: [error] })}\n` };
}

/**
 * Every error carries the request's id and, where it has one, the argument at fault; what is not the caller's fault is
 * logged under that id, with its cause.
 */
function errorPlugin(log: Log, suggestions: boolean): ApolloServerPlugin<ApiContext> {
  return {
    unexpectedErrorProcessingRequest: async ({ error, requestContext: { contextValue } }) => {
      log.error({ requestId: contextValue.requestId, error }, 'A query failed on our side.');
    },
    requestDidStart: async () => ({
      didEncounterErrors: async ({ errors, document, contextValue: { requestId } }) => {
        for (const error of errors) {
          const fault = error.nodes?.[0];
          if (document !== undefined && fault !== undefined && error.path === undefined) {
            const argument = argumentAtFault(document, fault);
            if (argument !== null) error.extensions.argument ??= argument;
          }
          error.extensions.requestId = requestId;
          if (!suggestions) error.message = withoutSuggestion(error.message);
          logOurs(error, requestId, log);
        }
      },
    }),
  };
}

/** For errors that reach nobody who knows their request: those before and after Apollo's processing of a query. */
const runNow = new AsyncLocalStorage<QueryRun>();

function logOutside(error: unknown, log: Log): void {
  const run = runNow.getStore();
  if (run === undefined || (error instanceof GraphQLError && error.extensions.requestId !== undefined))
    return;
  const masked = maskedError(error);
  if (masked === null) return;
  run.codes.add(masked.code);
  log.error({ requestId: run.requestId, code: masked.code, error }, 'A query failed on our side.');
}

export function logOurs(error: GraphQLError, requestId: string, log: Log): void {
  const masked = maskedError(error);
  if (masked === null || masked.code === 'BAD_USER_INPUT') return;
  log.error(
    { requestId, code: masked.code, error: error.originalError ?? error },
    'A query failed on our side.',
  );
}

function apolloLogger(
  log: Log,
): NonNullable<ConstructorParameters<typeof ApolloServer<ApiContext>>[0]['logger']> {
  const say = (level: keyof Log) => (message: unknown) => log[level]({ part: 'apollo' }, String(message));
  return { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') };
}
