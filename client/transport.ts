import { type GraphqlError, JourneyGraphClientError } from './client-error.ts';
import type { ClientPorts } from './pause.ts';

export interface TransportOptions {
  readonly url: URL;
  readonly token: (() => string | null | Promise<string | null>) | null;
  readonly fetch: typeof fetch;
  readonly timeoutMs: number;
  readonly retries: number;
  readonly ports: ClientPorts;
}

export interface RequestOptions {
  readonly signal?: AbortSignal;
  /** Milliseconds that each try may take. */
  readonly timeoutMs?: number;
  /** How often a query is sent again at most. */
  readonly retries?: number;
}

export interface GraphqlRequest {
  readonly query: string;
  readonly variables: Readonly<Record<string, unknown>>;
}

const backoffBaseMs = 100;
const backoffMaxMs = 5_000;
/** A server may ask for more; then it is not waited for. */
const retryAfterMaxMs = 30_000;
const unavailable: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/** One request, sent again with growing, random delays while what went wrong may pass. A mutation is sent once: it may have had its effect. */
export class Transport {
  readonly #options: TransportOptions;

  constructor(options: TransportOptions) {
    this.#options = options;
  }

  /** The answer's data, taken to be of the type that the caller says. Throws {@link JourneyGraphClientError}. */
  async send<T>(request: GraphqlRequest, options: RequestOptions): Promise<T> {
    const { ports } = this.#options;
    const retries = isMutation(request.query) ? 0 : (options.retries ?? this.#options.retries);
    for (let tries = 0; ; tries += 1) {
      try {
        return await this.#once<T>(request, options);
      } catch (error) {
        if (!(error instanceof JourneyGraphClientError) || !error.retryable || tries >= retries) throw error;
        const delayMs = delayOf(tries, error.retryAfterMs, ports.random);
        if (delayMs === null) throw error;
        await ports.sleep(delayMs, options.signal);
        if (options.signal?.aborted === true) throw aborted(error);
      }
    }
  }

  async #once<T>(request: GraphqlRequest, options: RequestOptions): Promise<T> {
    const { token } = this.#options;
    const headers: Record<string, string> = {
      'content-type': 'application/json',
      accept: 'application/json',
    };
    const bearer = token === null ? null : await token();
    if (bearer !== null) headers.authorization = `Bearer ${bearer}`;
    const timeoutMs = options.timeoutMs ?? this.#options.timeoutMs;
    const limit = AbortSignal.timeout(timeoutMs);
    const signal = options.signal === undefined ? limit : AbortSignal.any([limit, options.signal]);
    const { response, text } = await this.#fetch(JSON.stringify(request), headers, signal, options.signal);
    return readAnswer<T>(response, text);
  }

  /** The body's time counts as well. */
  async #fetch(
    body: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
    outer: AbortSignal | undefined,
  ): Promise<{ readonly response: Response; readonly text: string }> {
    const { url } = this.#options;
    try {
      const response = await this.#options.fetch(url, {
        method: 'POST',
        headers,
        body,
        signal,
        redirect: 'error',
      });
      return { response, text: await response.text() };
    } catch (cause) {
      if (outer?.aborted === true) throw aborted(cause);
      const code = signal.aborted ? 'TIMEOUT' : 'UNREACHABLE';
      const what = signal.aborted ? 'took too long to answer' : 'does not answer';
      throw new JourneyGraphClientError({ code, message: `${url.origin} ${what}.`, cause });
    }
  }
}

function aborted(cause: unknown): JourneyGraphClientError {
  return new JourneyGraphClientError({ code: 'ABORTED', message: 'The request was aborted.', cause });
}

/** Half of the ceiling is sure, the other half is random, so that clients that failed together do not come back together. */
function delayOf(tries: number, retryAfterMs: number | null, random: () => number): number | null {
  const ceiling = Math.min(backoffMaxMs, backoffBaseMs * 2 ** tries);
  const delayMs = ceiling / 2 + (ceiling / 2) * random();
  if (retryAfterMs === null) return delayMs;
  return retryAfterMs > retryAfterMaxMs ? null : Math.max(delayMs, retryAfterMs);
}

interface Answer<T> {
  readonly data: T;
  readonly errors?: readonly GraphqlError[];
}

function readAnswer<T>(response: Response, text: string): T {
  const { status } = response;
  const requestId = response.headers.get('x-request-id');
  const answer = parsed<T>(text);
  if (answer === null) {
    throw new JourneyGraphClientError({
      code: 'BAD_RESPONSE',
      message: `The server answered ${status} with something that is no GraphQL.`,
      ...{ requestId, status, retryable: unavailable.has(status), retryAfterMs: retryAfter(response) },
    });
  }
  const { errors = [], data } = answer;
  const [first] = errors;
  if (first === undefined) return data;
  const code = typeof first.extensions?.code === 'string' ? first.extensions.code : 'BAD_RESPONSE';
  const said = first.extensions?.requestId;
  throw new JourneyGraphClientError({
    code,
    message: first.message,
    requestId: typeof said === 'string' ? said : requestId,
    ...{ status, errors, data, retryAfterMs: retryAfter(response) },
  });
}

function parsed<T>(text: string): Answer<T> | null {
  try {
    const answer: Answer<T> = JSON.parse(text);
    return isAnswer(answer) ? answer : null;
  } catch {
    return null;
  }
}

function isAnswer(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if ('errors' in value) return Array.isArray(value.errors) && value.errors.length > 0;
  return 'data' in value;
}

function retryAfter(response: Response): number | null {
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : null;
}

/** Told from the text, strings, comments and whatever is inside brackets left out; a document that holds both counts as one. */
export function isMutation(query: string): boolean {
  const code = query.replaceAll(/"""[\s\S]*?"""|"(?:\\.|[^"\\\n])*"|#[^\n]*/g, ' ');
  let outside = '';
  let depth = 0;
  for (const character of code) {
    if (character === '{' || character === '(') depth += 1;
    else if (character === '}' || character === ')') depth -= 1;
    if (depth === 0) outside += character;
  }
  return /(^|\})\s*mutation\b/.test(outside);
}
