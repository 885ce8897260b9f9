import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { OutageError, type RefusedError } from '../foundation/index.ts';
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
  async bytes(path: string, method: 'GET' | 'POST' = 'GET'): Promise<AsyncIterable<Uint8Array>> {
    const url = endpointUrl(this.#endpoint.url, path);
    const { token } = this.#endpoint;
    const headers = token === null ? {} : { authorization: `Bearer ${token}` };
    const response = await this.#fetch(url, method, headers);
    if (response.status === 401) throw wantsToken(url);
    if (response.status !== 200) throw refusalOf(url, response.status, await response.text());
    if (response.body === null) throw cutOff(url, undefined);
    return this.#received(url, response.body);
  }

  async text(path: string): Promise<string> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of await this.bytes(path)) chunks.push(chunk);
    return Buffer.concat(chunks).toString();
  }

  async *lines(path: string, method: 'GET' | 'POST' = 'GET'): AsyncGenerator<string> {
    yield* createInterface({ input: Readable.from(await this.bytes(path, method)) });
  }

  /** The answer ended before its last word. */
  cutOff(path: string): OutageError {
    return cutOff(endpointUrl(this.#endpoint.url, path), undefined);
  }

  async #fetch(url: URL, method: string, headers: Readonly<Record<string, string>>): Promise<Response> {
    try {
      return await fetch(url, { method, headers, redirect: 'error', signal: this.#signal });
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
function refusalOf(url: URL, status: number, text: string): RefusedError | OutageError {
  const { code, message } = problemIn(text);
  if (code === null)
    return unreachableServer(url, `answered ${status}: it may be an older server`, undefined);
  return new OutageError('SERVER_REFUSED', `${url.origin} refused ${url.pathname} (${code}): ${message}`);
}

function problemIn(text: string): { readonly code: string | null; readonly message: string } {
  try {
    const answer: { errors?: readonly { message?: unknown; extensions?: { code?: unknown } }[] } =
      JSON.parse(text);
    const [error] = answer.errors ?? [];
    const code = error?.extensions?.code;
    return { code: typeof code === 'string' ? code : null, message: String(error?.message) };
  } catch {
    return { code: null, message: text };
  }
}
