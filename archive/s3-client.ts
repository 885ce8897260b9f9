import { Agent as PlainAgent, request as plainRequest } from 'node:http';
import { Agent as SecureAgent, request as secureRequest } from 'node:https';
import {
  Backoff,
  type BackoffLimits,
  type Clock,
  OutageError,
  type Random,
  StopError,
} from '../foundation/index.ts';
import { xmlText } from './s3-xml.ts';
import { amzDate, authorization, encodedPath, queryText, type S3Credentials, sha256 } from './sigv4.ts';

export interface S3Limits {
  /** Tries of one request, the first one counted. */
  readonly attemptsMax: number;
  /** From the first byte sent to the last one received. */
  readonly attemptTimeoutMs: number;
  readonly backoff: BackoffLimits;
  readonly connectionsMax: number;
}

export interface S3Place {
  /** Such as `https://s3.eu-central-1.amazonaws.com`; without a path. */
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  /** The bucket in the path, as most stores but Amazon's want it; else in the host's name. */
  readonly pathStyle: boolean;
}

export interface S3Parts {
  /** Asked for each attempt, so that those which expire can be renewed. */
  readonly credentials: () => Promise<S3Credentials>;
  readonly clock: Clock;
  readonly random: Random;
}

export interface S3Request {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  /** Of the key within the bucket; empty for the bucket itself. */
  readonly keyParts: readonly string[];
  readonly query?: readonly (readonly [string, string])[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  readonly answerBytesMax?: number;
}

export interface S3Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Buffer;
  /** S3's own word, such as `NoSuchKey`; null when it said none. */
  readonly code: string | null;
  /** An earlier attempt at this request may have been carried out without our hearing of it. */
  readonly isRepeated: boolean;
}

const xmlBytesMax = 16_777_216;
const skewedCode = 'RequestTimeTooSkewed';
/** What is signed further off its own time S3 refuses. */
const skewMaxMs = 900_000;
const retriedStatuses = new Set([429, 500, 502, 503, 504]);
const retriedCodes = new Set([
  'SlowDown',
  'InternalError',
  'RequestTimeout',
  'OperationAborted',
  'ConditionalRequestConflict',
  // Each attempt is signed anew: a clock that is set right again ends it.
  skewedCode,
]);

/** Sends signed requests, each a bounded number of times. Keeps no secret in any error or message. */
export class S3Client {
  readonly #place: S3Place;
  readonly #parts: S3Parts;
  readonly #limits: S3Limits;
  readonly #url: URL;
  readonly #agent: PlainAgent;

  constructor(place: S3Place, parts: S3Parts, limits: S3Limits) {
    this.#place = place;
    this.#parts = parts;
    this.#limits = limits;
    this.#url = new URL(place.endpoint);
    if (!place.pathStyle) this.#url.hostname = `${place.bucket}.${this.#url.hostname}`;
    const kept = { keepAlive: true, maxSockets: limits.connectionsMax };
    this.#agent = this.#url.protocol === 'https:' ? new SecureAgent(kept) : new PlainAgent(kept);
  }

  /** @throws OutageError `OBJECT_STORE_FAILED` when no attempt was answered. */
  async send(request: S3Request, signal?: AbortSignal): Promise<S3Answer> {
    const { clock, random } = this.#parts;
    const backoff = new Backoff(this.#limits.backoff, clock, random);
    let failure = '';
    for (let attempt = 1; attempt <= this.#limits.attemptsMax; attempt += 1) {
      if (attempt > 1) await backoff.wait(signal);
      signal?.throwIfAborted();
      const answer = await this.#attempt(request, await this.#headers(request), signal);
      const isTold = typeof answer !== 'string';
      if (isTold && !isRetried(answer)) return { ...answer, isRepeated: attempt > 1 };
      failure = isTold ? told(answer) : answer;
    }
    signal?.throwIfAborted();
    const { attemptsMax } = this.#limits;
    throw new OutageError(
      'OBJECT_STORE_FAILED',
      `${this.#place.endpoint} did not do ${request.method} ${request.keyParts.join('/')} in ${attemptsMax} attempts: ${failure}.`,
    );
  }

  /** For a status that nobody waits for. */
  refusal(request: S3Request, answer: S3Answer): StopError {
    const { endpoint, bucket } = this.#place;
    const said = told(answer);
    return new StopError(
      'OBJECT_STORE_REFUSED',
      `${endpoint} refused ${request.method} ${request.keyParts.join('/')} of the bucket ${bucket}: ${said}. Check the bucket, its region, the credentials and what they may do.`,
    );
  }

  close(): void {
    this.#agent.destroy();
  }

  /** The answer, or why there is none. */
  async #attempt(
    request: S3Request,
    headers: Record<string, string>,
    signal: AbortSignal | undefined,
  ): Promise<Omit<S3Answer, 'isRepeated'> | string> {
    const over = new AbortController();
    const stop = (): void => over.abort();
    signal?.addEventListener('abort', stop, { once: true });
    const { attemptTimeoutMs } = this.#limits;
    let isLate = false;
    const timeout = this.#parts.clock.sleep(attemptTimeoutMs, over.signal).then(() => {
      isLate = !over.signal.aborted;
      over.abort();
    });
    try {
      return await this.#exchange(request, headers, over.signal);
    } catch (error) {
      signal?.throwIfAborted();
      if (isLate) return `no answer within ${attemptTimeoutMs} ms`;
      if (!(error instanceof Error) || !('code' in error)) throw error;
      return String(error.code);
    } finally {
      signal?.removeEventListener('abort', stop);
      over.abort();
      await timeout;
    }
  }

  async #headers(request: S3Request): Promise<Record<string, string>> {
    const at = new Date(this.#parts.clock.now());
    const credentials = await this.#parts.credentials();
    const payloadSha256 = sha256(request.body ?? '');
    const headers: Record<string, string> = {
      ...request.headers,
      host: this.#url.host,
      'x-amz-content-sha256': payloadSha256,
      'x-amz-date': amzDate(at),
    };
    if (credentials.sessionToken !== undefined) headers['x-amz-security-token'] = credentials.sessionToken;
    const { method, query = [] } = request;
    const signed = { method, path: this.#path(request), query, headers, payloadSha256 };
    return {
      ...headers,
      'content-length': String(request.body?.length ?? 0),
      authorization: authorization(signed, credentials, this.#place.region, at),
    };
  }

  #path(request: S3Request): string {
    const { bucket, pathStyle } = this.#place;
    return encodedPath(pathStyle ? [bucket, ...request.keyParts] : request.keyParts);
  }

  /** By the answer's `date`, for a refused HEAD has no body that would say why. */
  #isSkewed(date: string | undefined): boolean {
    return Math.abs(Date.parse(date ?? '') - this.#parts.clock.now()) > skewMaxMs;
  }

  #exchange(
    request: S3Request,
    headers: Record<string, string>,
    signal: AbortSignal,
  ): Promise<Omit<S3Answer, 'isRepeated'>> {
    const query = queryText(request.query ?? []);
    const send = this.#url.protocol === 'https:' ? secureRequest : plainRequest;
    const path = query === '' ? this.#path(request) : `${this.#path(request)}?${query}`;
    const { hostname: host, port } = this.#url;
    const options = { method: request.method, host, port, path, headers, agent: this.#agent, signal };
    return new Promise((resolve, reject) => {
      const sent = send(options, (response) => {
        const parts: Buffer[] = [];
        let bytes = 0;
        response.on('error', reject);
        response.on('data', (part: Buffer) => {
          bytes += part.length;
          const max = Math.max(request.answerBytesMax ?? 0, xmlBytesMax);
          if (bytes > max) response.destroy(new AnswerTooLargeError(`an answer of more than ${max} bytes`));
          parts.push(part);
        });
        response.on('end', () => {
          const body = Buffer.concat(parts);
          const status = response.statusCode ?? 0;
          const isFault = status >= 300 || request.method === 'POST';
          const { headers: answered } = response;
          const said = isFault ? xmlText(body.subarray(0, 65_536).toString('utf8'), 'Code') : null;
          const code = said ?? (status === 403 && this.#isSkewed(answered.date) ? skewedCode : null);
          resolve({ status, headers: answered, body, code });
        });
      });
      sent.on('error', reject);
      sent.end(request.body);
    });
  }
}

class AnswerTooLargeError extends Error {
  readonly code = 'ANSWER_TOO_LARGE';
}

/** An answer's status and S3's own word, and what only a person can see to. */
function told({ status, code }: { readonly status: number; readonly code: string | null }): string {
  const said = `${status} ${code ?? ''}`.trim();
  return code === skewedCode ? `${said} (this machine's clock is wrong, or the store's)` : said;
}

function isRetried({ status, code }: { readonly status: number; readonly code: string | null }): boolean {
  return retriedStatuses.has(status) || (code !== null && retriedCodes.has(code));
}
