import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { OutageError, RefusedError, StopError } from '../foundation/index.ts';
import { endpointUrl, type GraphqlEndpoint, unreachableServer, wantsToken } from './graphql-client.ts';

/** What operators ask of a running server over HTTP beside GraphQL. `signal` ends every request. */
export class OperatorClient {
  readonly #endpoint: GraphqlEndpoint;
  readonly #signal: AbortSignal;

  constructor(endpoint: GraphqlEndpoint, signal: AbortSignal) {
    this.#endpoint = endpoint;
    this.#signal = signal;
  }

  /** The bytes of an answer, as they come. */
  async bytes(
    path: string,
    method: 'GET' | 'POST' = 'GET',
    body: string | null = null,
    accept = '*/*',
  ): Promise<AsyncIterable<Uint8Array>> {
    const url = endpointUrl(this.#endpoint.url, path);
    const { token } = this.#endpoint;
    const headers = {
      accept,
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(body === null ? {} : { 'content-type': 'application/json' }),
    };
    const response = await this.#fetch(url, { method, headers, body });
    if (response.status === 401) throw wantsToken(url);
    if (response.status !== 200) throw refusalOf(url, response.status, await response.text());
    if (response.body === null) throw cutOff(url, undefined);
    return this.#received(url, response.body);
  }

  async text(path: string, method: 'GET' | 'POST' = 'GET', body: string | null = null): Promise<string> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of await this.bytes(path, method, body)) chunks.push(chunk);
    return Buffer.concat(chunks).toString();
  }

  async *lines(path: string, method: 'GET' | 'POST' = 'GET'): AsyncGenerator<string> {
    yield* createInterface({ input: Readable.from(await this.bytes(path, method)) });
  }

  /** The answer ended before its last word. */
  cutOff(path: string): OutageError {
    return cutOff(endpointUrl(this.#endpoint.url, path), undefined);
  }

  async #fetch(url: URL, asked: Pick<RequestInit, 'method' | 'headers' | 'body'>): Promise<Response> {
    try {
      return await fetch(url, { ...asked, redirect: 'error', signal: this.#signal });
    } catch (cause) {
      if (this.#signal.aborted) throw interrupted(cause);
      throw unreachableServer(url, 'does not answer', cause);
    }
  }

  async *#received(url: URL, body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    try {
      yield* body;
    } catch (cause) {
      throw this.#signal.aborted ? interrupted(cause) : cutOff(url, cause);
    }
  }
}

function interrupted(cause: unknown): OutageError {
  return new OutageError('INTERRUPTED', 'Interrupted; what was not done by then is not done.', { cause });
}

function cutOff(url: URL, cause: unknown): OutageError {
  return new OutageError(
    'SERVER_CUT_OFF',
    `${url.origin} ended its answer to ${url.pathname} before it was complete; look at its log, then ask again.`,
    { cause },
  );
}

/** The server's own word, as far as it is one of ours. */
function refusalOf(url: URL, status: number, text: string): RefusedError | StopError | OutageError {
  const { code, reaction, message } = problemIn(text);
  if (code === null)
    return unreachableServer(url, `answered ${status}: it may be an older server`, undefined);
  const sentence = `${url.origin} refused ${url.pathname} (${code}): ${message}`;
  if (reaction === 'refused') return new RefusedError('SERVER_REFUSED', sentence);
  if (reaction === 'stop') return new StopError('SERVER_REFUSED', sentence);
  return new OutageError('SERVER_REFUSED', sentence);
}

interface Problem {
  readonly code: string | null;
  /** As the server says it; null where it says none. */
  readonly reaction: unknown;
  readonly message: string;
}

function problemIn(text: string): Problem {
  try {
    const answer: {
      errors?: readonly { message?: unknown; extensions?: { code?: unknown; reaction?: unknown } }[];
    } = JSON.parse(text);
    const [error] = answer.errors ?? [];
    const code = error?.extensions?.code;
    return {
      code: typeof code === 'string' ? code : null,
      reaction: error?.extensions?.reaction ?? null,
      message: String(error?.message),
    };
  } catch {
    return { code: null, reaction: null, message: text };
  }
}
