import http from 'node:http';
import https from 'node:https';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { OutageError, RefusedError, StopError } from '../foundation/index.ts';
import { endpointUrl, type GraphqlEndpoint, unreachableServer, wantsToken } from './graphql-client.ts';

/**
 * What operators ask of a running server over HTTP beside GraphQL. It is waited for as long as it takes, since a server that counts every row, or looks for
 * those of a rare type, is silent meanwhile; `signal` ends every request.
 */
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
    const response = await this.#ask(url, { method, headers }, body);
    if (response.statusCode === 401) {
      response.destroy();
      throw wantsToken(url);
    }
    const received = this.#received(url, response);
    if (response.statusCode !== 200) throw refusalOf(url, response.statusCode, await textOf(received));
    return received;
  }

  async text(path: string, method: 'GET' | 'POST' = 'GET', body: string | null = null): Promise<string> {
    return await textOf(await this.bytes(path, method, body));
  }

  async *lines(path: string, method: 'GET' | 'POST' = 'GET'): AsyncGenerator<string> {
    yield* createInterface({ input: Readable.from(await this.bytes(path, method)) });
  }

  /** The answer ended before its last word. */
  cutOff(path: string): OutageError {
    return cutOff(endpointUrl(this.#endpoint.url, path), undefined);
  }

  /** Not by `fetch`, which gives up after five minutes without a head, or without the next byte, and lets nobody change that. */
  async #ask(url: URL, asked: http.RequestOptions, body: string | null): Promise<http.IncomingMessage> {
    const { request } = url.protocol === 'https:' ? https : http;
    try {
      return await new Promise((resolve, reject) => {
        request(url, { ...asked, signal: this.#signal }, resolve)
          .on('error', reject)
          .end(body);
      });
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

async function textOf(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of bytes) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
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
function refusalOf(
  url: URL,
  status: number | undefined,
  text: string,
): RefusedError | StopError | OutageError {
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
