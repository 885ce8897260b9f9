import { ApolloServer, type ApolloServerPlugin, HeaderMap } from '@apollo/server';
import { ApolloServerPluginCacheControlDisabled } from '@apollo/server/plugin/disabled';
import type { GraphQLError, GraphQLSchema } from 'graphql';
import type { Log } from '../foundation/index.ts';
import type { ApiContext, QueryLimits } from './api-context.ts';
import { maskedError, publicError } from './api-error.ts';
import { argumentAtFault } from './argument-at-fault.ts';
import { introspectionRule } from './introspection-rule.ts';
import { aliasRule, depthRule } from './query-rules.ts';
import { sourceRefusal } from './query-source.ts';
import { createSchema } from './schema.ts';
import { SchemaInForce, type SchemaInForceParts } from './schema-in-force.ts';

export interface GraphqlRequest {
  readonly method: string;
  readonly search: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

export interface GraphqlResponse {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

const validationErrorsMax = 20;

/** Apollo Server without a server of its own: HTTP is ours, so that other paths live beside it. */
export class GraphqlEngine {
  readonly #apollo: ApolloServer<ApiContext>;
  readonly #tokensMax: number;
  readonly #changing = new ChangingSchema();
  readonly #schema: SchemaInForce;

  constructor(limits: QueryLimits, parts: SchemaInForceParts) {
    const { log } = parts;
    this.#tokensMax = limits.tokensMax;
    const changing = this.#changing;
    this.#schema = new SchemaInForce(parts, (schema) => changing.change(schema));
    this.#apollo = new ApolloServer<ApiContext>({
      gateway: changing,
      csrfPrevention: true,
      allowBatchedHttpRequests: false,
      // Queries that callers leave on the server are a cache to fill; ours are small enough to be sent.
      persistedQueries: false,
      // The schema is public: clients generate their types from it.
      introspection: true,
      includeStacktraceInErrorResponses: false,
      stopOnTerminationSignals: false,
      validationRules: [depthRule(limits.depthMax), aliasRule(limits.aliasesMax), introspectionRule],
      // Each wrong name is compared with all right ones, to say what was meant.
      validationOptions: { maxErrors: validationErrorsMax },
      formatError: publicError,
      plugins: [ApolloServerPluginCacheControlDisabled(), errorPlugin(log)],
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
    return this.#changing.current;
  }

  async execute(request: GraphqlRequest, context: ApiContext): Promise<GraphqlResponse> {
    const query = queryText(request);
    const refusal = query === null ? null : sourceRefusal(query, this.#tokensMax);
    if (refusal !== null) return refused(refusal);
    this.#schema.refresh();
    const headers = new HeaderMap(Object.entries(request.headers));
    const response = await this.#apollo.executeHTTPGraphQLRequest({
      httpGraphQLRequest: { method: request.method, search: request.search, headers, body: request.body },
      context: async () => context,
    });
    const { body } = response;
    let text = '';
    if (body.kind === 'complete') text = body.string;
    else for await (const chunk of body.asyncIterator) text += chunk;
    return { status: response.status ?? 200, headers: response.headers, body: text };
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
  #listener: SchemaListener | null = null;
  current: GraphQLSchema = createSchema();

  onSchemaLoadOrUpdate(listener: SchemaListener): () => void {
    this.#listener = listener;
    return () => {
      this.#listener = null;
    };
  }

  async load(): Promise<{ readonly executor: null }> {
    this.change(this.current);
    return { executor: null };
  }

  async stop(): Promise<void> {
    this.#listener = null;
  }

  change(apiSchema: GraphQLSchema): void {
    this.#listener?.({ apiSchema, coreSupergraphSdl: '' });
    this.current = apiSchema;
  }
}

/** Where Apollo will look for the query; null where it will refuse the request itself. */
function queryText({ method, search, body }: GraphqlRequest): string | null {
  if (method === 'GET') return new URLSearchParams(search).get('query');
  if (typeof body !== 'object' || body === null || !('query' in body)) return null;
  return typeof body.query === 'string' ? body.query : null;
}

function refused(error: GraphQLError): GraphqlResponse {
  const headers = new Map([['content-type', 'application/json; charset=utf-8']]);
  return { status: 400, headers, body: `${JSON.stringify({ errors: [error] })}\n` };
}

/**
 * Every error carries the request's id and, where it has one, the argument at fault; what is not the caller's fault is
 * logged under that id, with its cause.
 */
function errorPlugin(log: Log): ApolloServerPlugin<ApiContext> {
  return {
    requestDidStart: async () => ({
      didEncounterErrors: async ({ errors, document, contextValue: { requestId } }) => {
        for (const error of errors) {
          const fault = error.nodes?.[0];
          if (document !== undefined && fault !== undefined && error.path === undefined) {
            const argument = argumentAtFault(document, fault);
            if (argument !== null) error.extensions.argument ??= argument;
          }
          error.extensions.requestId = requestId;
          logOurs(error, requestId, log);
        }
      },
    }),
  };
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
