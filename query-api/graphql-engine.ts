import { ApolloServer, type ApolloServerPlugin, HeaderMap } from '@apollo/server';
import { ApolloServerPluginCacheControlDisabled } from '@apollo/server/plugin/disabled';
import type { GraphQLError } from 'graphql';
import type { Log } from '../foundation/index.ts';
import type { ApiContext, QueryLimits } from './api-context.ts';
import { maskedError } from './api-error.ts';
import { aliasRule, depthRule } from './query-rules.ts';
import { createSchema } from './schema.ts';

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

/** Apollo Server without a server of its own: HTTP is ours, so that other paths live beside it. */
export class GraphqlEngine {
  readonly #apollo: ApolloServer<ApiContext>;

  constructor(limits: QueryLimits, log: Log) {
    this.#apollo = new ApolloServer<ApiContext>({
      schema: createSchema(),
      csrfPrevention: true,
      allowBatchedHttpRequests: false,
      introspection: true,
      includeStacktraceInErrorResponses: false,
      stopOnTerminationSignals: false,
      parseOptions: { maxTokens: limits.tokensMax },
      validationRules: [depthRule(limits.depthMax), aliasRule(limits.aliasesMax)],
      formatError: (formatted, error) => {
        const masked = maskedError(error);
        if (masked === null) return formatted;
        return { ...formatted, message: masked.message, extensions: { code: masked.code } };
      },
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

  async execute(request: GraphqlRequest, context: ApiContext): Promise<GraphqlResponse> {
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

/** Every error carries the request's id; what is not the caller's fault is logged under it, with its cause. */
function errorPlugin(log: Log): ApolloServerPlugin<ApiContext> {
  return {
    requestDidStart: async () => ({
      didEncounterErrors: async ({ errors, contextValue }) => {
        for (const error of errors) logOurs(error, contextValue.requestId, log);
      },
      willSendResponse: async ({ response, contextValue }) => {
        if (response.body.kind !== 'single') return;
        const { singleResult } = response.body;
        if (singleResult.errors === undefined) return;
        singleResult.errors = singleResult.errors.map((error) => ({
          ...error,
          extensions: { ...error.extensions, requestId: contextValue.requestId },
        }));
      },
    }),
  };
}

function logOurs(error: GraphQLError, requestId: string, log: Log): void {
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
