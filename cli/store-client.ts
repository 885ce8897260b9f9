import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { OutageError, type RefusedError } from '../foundation/index.ts';
import type { StoreStats, VerifyEvent } from '../graph-store/index.ts';
import { endpointUrl, type GraphqlEndpoint, unreachableServer, wantsToken } from './graphql-client.ts';

/** The store of a running server, over HTTP. `signal` ends every request. */
export class StoreClient {
  readonly #endpoint: GraphqlEndpoint;
  readonly #signal: AbortSignal;

  constructor(endpoint: GraphqlEndpoint, signal: AbortSignal) {
    this.#endpoint = endpoint;
    this.#signal = signal;
  }

  /** The bytes of a snapshot file, as they come. */
  async snapshot(): Promise<AsyncIterable<Uint8Array>> {
    const { url, body } = await this.#get('/store/snapshot');
    return this.#received(url, body);
  }

  async *verify(): AsyncGenerator<VerifyEvent> {
    const { url, body } = await this.#get('/store/verify');
    const lines = createInterface({ input: Readable.from(this.#received(url, body)) });
    for await (const line of lines) {
      const event: VerifyEvent = JSON.parse(line);
      yield event;
      if (event.kind === 'verdict') return;
    }
    throw cutOff(url, undefined);
  }

  async stats(exact: boolean): Promise<StoreStats> {
    const { url, body } = await this.#get(`/store/stats${exact ? '?exact=true' : ''}`);
    const chunks: Uint8Array[] = [];
    for await (const chunk of this.#received(url, body)) chunks.push(chunk);
    const stats: StoreStats = JSON.parse(Buffer.concat(chunks).toString());
    return stats;
  }

  async #get(path: string): Promise<{ readonly url: URL; readonly body: AsyncIterable<Uint8Array> }> {
    const url = endpointUrl(this.#endpoint.url, path);
    const { token } = this.#endpoint;
    const headers = token === null ? {} : { authorization: `Bearer ${token}` };
    const response = await this.#fetch(url, headers);
    if (response.status === 401) throw wantsToken(url);
    if (response.status !== 200) throw refusalOf(url, response.status, await response.text());
    if (response.body === null) throw cutOff(url, undefined);
    return { url, body: response.body };
  }

  async #fetch(url: URL, headers: Readonly<Record<string, string>>): Promise<Response> {
    try {
      return await fetch(url, { headers, redirect: 'error', signal: this.#signal });
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
  return new OutageError('INTERRUPTED', 'Interrupted; nothing was changed.', { cause });
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
