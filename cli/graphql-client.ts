import { OutageError, RefusedError } from '../foundation/index.ts';

export interface GraphqlAnswer {
  readonly data?: unknown;
  readonly errors?: readonly {
    readonly message: string;
    readonly extensions?: Readonly<Record<string, unknown>>;
  }[];
}

export interface GraphqlEndpoint {
  /** The server's root, such as `http://127.0.0.1:4000`. */
  readonly url: string;
  readonly token: string | null;
}

const timeoutMs = 30_000;

/**
 * One question to a running server.
 *
 * @throws RefusedError `INVALID_URL`; OutageError `SERVER_UNREACHABLE` when nothing useful answers there.
 */
export async function askGraphql(
  endpoint: GraphqlEndpoint,
  query: string,
  variables: Readonly<Record<string, unknown>>,
): Promise<GraphqlAnswer> {
  const url = endpointUrl(endpoint.url, '/graphql');
  const headers: Record<string, string> = { 'content-type': 'application/json', accept: 'application/json' };
  if (endpoint.token !== null) headers.authorization = `Bearer ${endpoint.token}`;
  const response = await request(url, {
    method: 'POST',
    headers,
    body: JSON.stringify({ query, variables }),
  });
  if (response.status === 401) {
    throw wantsToken(url);
  }
  const answer: unknown = await response.json().catch((cause: unknown) => {
    throw unreachableServer(url, `answered ${response.status} with something that is not JSON`, cause);
  });
  if (!isAnswer(answer)) throw unreachableServer(url, 'is not a GraphQL server', undefined);
  return answer;
}

/** @throws RefusedError `INVALID_URL`. */
export function endpointUrl(text: string, path: string): URL {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '') {
    // Not quoted: it may hold credentials.
    throw new RefusedError(
      'INVALID_URL',
      '--url takes an address such as http://127.0.0.1:4000; a token goes into --token or JG_API_TOKEN.',
    );
  }
  return new URL(path, url);
}

async function request(url: URL, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, { ...init, redirect: 'error', signal: AbortSignal.timeout(timeoutMs) });
  } catch (cause) {
    throw unreachableServer(url, 'does not answer', cause);
  }
}

export function wantsToken(url: URL): RefusedError {
  return new RefusedError('UNAUTHORIZED', `${url.origin} wants a token: pass --token or set JG_API_TOKEN.`);
}

export function unreachableServer(url: URL, what: string, cause: unknown): OutageError {
  return new OutageError(
    'SERVER_UNREACHABLE',
    `${url.origin} ${what}. Start one with \`jg up\`, or name another with --url.`,
    { cause },
  );
}

function isAnswer(value: unknown): value is GraphqlAnswer {
  return typeof value === 'object' && value !== null && ('data' in value || 'errors' in value);
}
