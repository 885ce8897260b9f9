import { type Clock, OutageError, StopError } from '../../foundation/index.ts';
import { type Json, type JsonObject, parseJson, printJson } from './iceberg-json.ts';
import { isObject } from './json-fields.ts';
import { metadataBytesMax } from './table-metadata.ts';

export interface RestCatalogOptions {
  readonly url: URL;
  /** Sent as `Authorization: Bearer …`, to this catalog alone. */
  readonly token: string | null;
  /** Which of the server's warehouses; null: its only one. */
  readonly warehouse: string | null;
  readonly timeoutMs: number;
}

export interface RestAnswer {
  readonly status: number;
  /** Null: no JSON. */
  readonly body: Json;
}

/** HTTP with one catalog: bounded time and size, no redirect, 64-bit numbers exact. Trying again is for who asks. */
export class RestHttp {
  /** Without credentials: fit for messages. */
  readonly name: string;
  readonly #base: string;
  readonly #options: RestCatalogOptions;
  readonly #clock: Clock;

  constructor(options: RestCatalogOptions, clock: Clock) {
    const url = new URL(options.url);
    url.username = '';
    url.password = '';
    url.search = '';
    url.hash = '';
    this.#base = url.href.replace(/\/+$/, '');
    this.name = this.#base;
    this.#options = options;
    this.#clock = clock;
  }

  /**
   * Answers below 500 but for 401, 403, 419 and 429; `path` is below the base, its parts escaped.
   *
   * @throws OutageError `CATALOG_FAILED`: no answer, or one that says to come again; StopError `CATALOG_REFUSED`.
   */
  async ask(
    method: 'GET' | 'POST',
    path: string,
    body: JsonObject | null,
    signal?: AbortSignal,
  ): Promise<RestAnswer> {
    const answered = new AbortController();
    const late = new AbortController();
    void this.#clock.sleep(this.#options.timeoutMs, answered.signal).then(() => late.abort());
    try {
      const response = await fetch(`${this.#base}/${path}`, {
        method,
        headers: this.#headers(body !== null),
        ...(body === null ? {} : { body: printJson(body) }),
        // A redirect would take the token elsewhere.
        redirect: 'error',
        signal: signal === undefined ? late.signal : AbortSignal.any([signal, late.signal]),
      });
      const text = await boundedText(response);
      this.#judge(method, path, response.status, text);
      return { status: response.status, body: jsonOf(text) };
    } catch (cause) {
      if (cause instanceof OutageError || cause instanceof StopError) throw cause;
      signal?.throwIfAborted();
      const why = late.signal.aborted ? `no answer in ${this.#options.timeoutMs} ms` : reasonOf(cause);
      throw this.#failed(method, path, why, cause);
    } finally {
      answered.abort();
    }
  }

  refused(method: string, path: string, answer: RestAnswer): StopError {
    const said = `${answer.status} ${messageOf(answer.body)}`;
    return new StopError(
      'CATALOG_REFUSED',
      `The catalog ${this.name} answers ${method} ${path} with ${said}. Check archive settings and the token's rights.`,
    );
  }

  #judge(method: string, path: string, status: number, text: string): void {
    if (status === 401 || status === 403 || status === 419)
      throw this.refused(method, path, { status, body: jsonOf(text) });
    if (status >= 500 || status === 429)
      throw this.#failed(method, path, `${status} ${messageOf(jsonOf(text))}`, undefined);
  }

  #headers(hasBody: boolean): Record<string, string> {
    const { token } = this.#options;
    return {
      accept: 'application/json',
      ...(hasBody ? { 'content-type': 'application/json' } : {}),
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
    };
  }

  #failed(method: string, path: string, why: string, cause: unknown): OutageError {
    const message = `The catalog ${this.name} did not answer ${method} ${path} as it should: ${why}.`;
    return new OutageError('CATALOG_FAILED', message, { cause });
  }
}

async function boundedText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > metadataBytesMax)
      throw new StopError(
        'CATALOG_REFUSED',
        `The catalog answered with more than ${metadataBytesMax} bytes.`,
      );
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function jsonOf(text: string): Json {
  try {
    return parseJson(text);
  } catch {
    // An answer without a body, or a proxy's page: nobody asks for more of it than its status.
    return null;
  }
}

function messageOf(body: Json): string {
  const error = isObject(body) ? (body.error ?? null) : null;
  const message = isObject(error) ? error.message : null;
  return typeof message === 'string' ? message.slice(0, 300) : '';
}

function reasonOf(cause: unknown): string {
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
  if (inner instanceof Error && 'code' in inner) return String(inner.code);
  return inner instanceof Error ? inner.message : 'unknown reason';
}
