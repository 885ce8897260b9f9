import { GraphQLError, type ValidationRule } from 'graphql';
import type { QueryLimits } from '../api-context.ts';
import type { GraphqlRequest } from '../graphql-engine.ts';
import { introspectionRule } from '../introspection-rule.ts';
import {
  type PersistedRules,
  type ResolvedRequest,
  resolvePersisted,
} from '../operations/persisted-request.ts';
import { aliasRule, depthRule } from '../query-rules.ts';
import { sourceRefusal } from '../query-source.ts';
import { variablesRefusal } from '../variables-source.ts';
import { directiveRule, rootFieldRule } from './operation-rules.ts';

/** Each wrong name is compared with all right ones, to say what was meant. */
export const validationErrorsMax = 20;

/** Beyond GraphQL's own; the one list for every way in which a document comes. */
export function validationRulesOf(limits: Pick<QueryLimits, 'depthMax' | 'aliasesMax'>): ValidationRule[] {
  return [
    depthRule(limits.depthMax),
    aliasRule(limits.aliasesMax),
    directiveRule,
    rootFieldRule,
    introspectionRule,
  ];
}

export interface AdmissionRules {
  readonly tokensMax: number;
  /** Null when callers name no operations by id. */
  readonly persisted: PersistedRules | null;
  /** True of a text that was let in before: it need not be looked through again. Absent: of none. */
  readonly isKnown?: (query: string) => boolean;
}

/** The request with its document, which may be parsed, or why not: over HTTP and over sockets alike. One of the list was found to be so when the list was read. */
export async function admit(
  request: GraphqlRequest,
  { tokensMax, persisted, isKnown }: AdmissionRules,
): Promise<ResolvedRequest | GraphQLError> {
  const refusal = variablesRefusal(request.body);
  if (refusal !== null) return refusal;
  try {
    const found = persisted === null ? null : await resolvePersisted(request, persisted);
    if (found?.persisted === true) return found;
    const plain = found ?? { request, persisted: false };
    const query = queryText(plain.request);
    if (query === null || isKnown?.(query) === true) return plain;
    return sourceRefusal(query, tokensMax) ?? plain;
  } catch (error) {
    if (error instanceof GraphQLError) return error;
    throw error;
  }
}

/** Where Apollo will look for the query; null where it will refuse the request itself. */
export function queryText({ method, search, body }: GraphqlRequest): string | null {
  if (method === 'GET') return new URLSearchParams(search).get('query');
  if (typeof body !== 'object' || body === null || !('query' in body)) return null;
  return typeof body.query === 'string' ? body.query : null;
}
