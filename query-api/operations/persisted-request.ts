import { GraphQLError, Kind, parse } from 'graphql';
import type { GraphqlRequest } from '../graphql-engine.ts';
import { sourceRefusal } from '../query-source.ts';
import { sha256 } from './operation-list.ts';
import type { PersistedOperations } from './persisted-operations.ts';

export interface PersistedRules {
  readonly operations: PersistedOperations;
  /** Refuse every document that is not in the list. */
  readonly only: boolean;
  readonly introspection: boolean;
  readonly tokensMax: number;
  /** True when the schema holds all that it is going to for the mappings there are. */
  readonly ready: () => boolean;
}

/** A request whose document stands in it, and whether that is one of the list. */
export interface ResolvedRequest {
  readonly request: GraphqlRequest;
  readonly persisted: boolean;
}

interface Asked {
  readonly query: string | null;
  readonly id: string | null;
}

/**
 * Puts the document of a persisted operation into the request that names it by `documentId` or by Apollo's
 * `extensions.persistedQuery.sha256Hash`.
 *
 * @throws GraphQLError `PERSISTED_QUERY_NOT_FOUND`, `PERSISTED_QUERY_ONLY` or `BAD_REQUEST`.
 */
export async function resolvePersisted(
  request: GraphqlRequest,
  rules: PersistedRules,
): Promise<ResolvedRequest> {
  const { query, id } = askedBy(request);
  if (id !== null) {
    const found = await rules.operations.find(id);
    if (query !== null && id.replace(/^sha256:/, '').toLowerCase() !== sha256(query) && query !== found?.text)
      throw refusal('BAD_REQUEST', 'The query is not the one whose id was sent with it.');
    if (found !== null) return { request: withQuery(request, found.text), persisted: true };
    // A client that was told so sends the text as well; then it is a query like any other.
    if (query === null)
      throw refusal('PERSISTED_QUERY_NOT_FOUND', 'No persisted operation of this server has that id.');
  }
  if (query === null) return { request, persisted: false };
  if (rules.only) {
    const listed = await rules.operations.find(sha256(query));
    if (listed !== null) return { request: withQuery(request, listed.text), persisted: true };
    if (!rules.introspection || !isIntrospection(query, rules.tokensMax))
      throw refusal(
        'PERSISTED_QUERY_ONLY',
        'This server answers persisted operations only: send the `documentId` of one.',
      );
  }
  return { request: id === null ? request : withQuery(request, query), persisted: false };
}

function refusal(code: string, message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code } });
}

function askedBy({ method, search, body }: GraphqlRequest): Asked {
  if (method === 'GET') {
    const parameters = new URLSearchParams(search);
    return {
      query: parameters.get('query'),
      id: parameters.get('documentId') ?? hashOf(parsed(parameters.get('extensions'))),
    };
  }
  if (!isObject(body)) return { query: null, id: null };
  const { query, documentId, extensions } = body;
  return {
    query: typeof query === 'string' ? query : null,
    id: typeof documentId === 'string' ? documentId : hashOf(extensions),
  };
}

function hashOf(extensions: unknown): string | null {
  const persisted = isObject(extensions) ? extensions.persistedQuery : null;
  const hash = isObject(persisted) ? persisted.sha256Hash : null;
  return typeof hash === 'string' ? hash : null;
}

function parsed(text: string | null): unknown {
  if (text === null) return null;
  try {
    return JSON.parse(text);
  } catch {
    // Whoever reads the request next says what is wrong with it.
    return null;
  }
}

/** The document in the place of what named it. */
function withQuery(request: GraphqlRequest, query: string): GraphqlRequest {
  if (request.method === 'GET') {
    const parameters = new URLSearchParams(request.search);
    parameters.set('query', query);
    parameters.delete('documentId');
    parameters.delete('extensions');
    return { ...request, search: `?${parameters}` };
  }
  if (!isObject(request.body)) return request;
  const { documentId: _id, extensions: _extensions, ...rest } = request.body;
  return { ...request, body: { ...rest, query } };
}

/** Nothing but the schema is asked for. */
function isIntrospection(query: string, tokensMax: number): boolean {
  if (sourceRefusal(query, tokensMax) !== null) return false;
  try {
    return parse(query).definitions.every(
      (definition) =>
        definition.kind !== Kind.OPERATION_DEFINITION ||
        definition.selectionSet.selections.every(
          (selection) => selection.kind === Kind.FIELD && selection.name.value.startsWith('__'),
        ),
    );
  } catch {
    // No GraphQL at all is nothing that may be asked here either.
    return false;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
