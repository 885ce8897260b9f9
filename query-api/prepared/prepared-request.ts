import type { GraphqlRequest } from '../graphql-engine.ts';

/** A request in the one form that nearly all have, whose every part is as it should be. */
export interface PreparedRequest {
  readonly query: string;
  readonly operationName: string | null;
  readonly variables: Readonly<Record<string, unknown>>;
}

/** Its only parameter may be UTF-8; a page from another site cannot send it without being asked. */
const json = /^application\/json(; ?charset=utf-8)?$/i;

/** Null of any other form: that is for Apollo to read, or to refuse. */
export function preparedRequest({ method, headers, body }: GraphqlRequest): PreparedRequest | null {
  if (method !== 'POST' || !json.test(headers['content-type'] ?? '') || !isRecord(body)) return null;
  const { query, operationName = null, variables = null, extensions = null } = body;
  if (typeof query !== 'string' || query === '' || extensions !== null) return null;
  if (operationName !== null && typeof operationName !== 'string') return null;
  if (variables !== null && !isRecord(variables)) return null;
  return { query, operationName, variables: variables ?? {} };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
