import http from 'node:http';
import https from 'node:https';
import type { Clock } from '../foundation/index.ts';
import { type RegistryAnswer, registryUnreachable } from './registry-error.ts';

export interface RegistryHttpLimits {
  /** From the first byte sent to the last byte received. */
  readonly timeoutMs: number;
  readonly answerBytesMax: number;
  /** Sockets open at once, keep-alive ones included. */
  readonly socketsMax: number;
}

export const registryHttpLimitsDefault: RegistryHttpLimits = {
  timeoutMs: 5_000,
  answerBytesMax: 4_194_304,
  socketsMax: 4,
};

export interface RegistryRequest {
  readonly method: 'GET' | 'POST';
  /** Below the base URL; every part already escaped. */
  readonly path: string;
  readonly body?: string;
}

const contentType = 'application/vnd.schemaregistry.v1+json';

/**
 * One registry's HTTP: always the configured host, no redirect followed, bounded answer, bounded time, no retry (the pipeline
 * pauses and asks again).
 */
export class RegistryHttp {
  /** Without credentials: fit for messages. */
  readonly url: string;
  readonly #base: URL;
  readonly #authorization: string | null;
  readonly #limits: RegistryHttpLimits;
  readonly #clock: Clock;
  readonly #agent: http.Agent;

  /** `auth` is `user:password`; it wins over credentials in the URL. */
  constructor(url: URL, auth: string | null, limits: RegistryHttpLimits, clock: Clock) {
    this.#base = new URL(url);
    const inUrl =
      url.username === '' ? null : `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
    const credentials = auth ?? inUrl;
    this.#authorization =
      credentials === null ? null : `Basic ${Buffer.from(credentials).toString('base64')}`;
    this.#base.username = '';
    this.#base.password = '';
    this.#base.search = '';
    this.#base.hash = '';
    this.url = this.#base.href.replace(/\/$/, '');
    this.#limits = limits;
    this.#clock = clock;
    const agent = { keepAlive: true, maxSockets: limits.socketsMax, maxFreeSockets: limits.socketsMax };
    this.#agent = this.#base.protocol === 'https:' ? new https.Agent(agent) : new http.Agent(agent);
  }

  /** Any complete answer, whatever its status. Throws `OutageError` code `REGISTRY_UNREACHABLE`. */
  async request(request: RegistryRequest, signal?: AbortSignal): Promise<RegistryAnswer> {
    const done = new AbortController();
    const timeout = new AbortController();
    const expiry = this.#clock.sleep(this.#limits.timeoutMs, done.signal).then(() => {
      if (!done.signal.aborted) timeout.abort();
    });
    const either = signal === undefined ? timeout.signal : AbortSignal.any([signal, timeout.signal]);
    try {
      return await this.#exchange(request, either);
    } catch (cause) {
      const what = timeout.signal.aborted
        ? `did not answer within ${this.#limits.timeoutMs} ms`
        : reasonOf(cause);
      throw registryUnreachable(this.url, what, cause);
    } finally {
      done.abort();
      await expiry;
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  #exchange(request: RegistryRequest, signal: AbortSignal): Promise<RegistryAnswer> {
    const { promise, resolve, reject } = Promise.withResolvers<RegistryAnswer>();
    const send = this.#base.protocol === 'https:' ? https.request : http.request;
    const outgoing = send(`${this.url}${request.path}`, {
      method: request.method,
      agent: this.#agent,
      signal,
      headers: {
        accept: `${contentType}, application/json`,
        ...(request.body === undefined ? {} : { 'content-type': contentType }),
        ...(this.#authorization === null ? {} : { authorization: this.#authorization }),
      },
    });
    outgoing.on('error', reject);
    outgoing.on('response', (incoming) => {
      this.#read(incoming).then(
        (body) => resolve({ status: incoming.statusCode ?? 0, body }),
        (error: unknown) => {
          outgoing.destroy();
          reject(error);
        },
      );
    });
    outgoing.end(request.body);
    return promise;
  }

  async #read(incoming: http.IncomingMessage): Promise<string> {
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of incoming) {
      const buffer = Buffer.from(chunk);
      bytes += buffer.length;
      if (bytes > this.#limits.answerBytesMax) throw new AnswerTooLarge(this.#limits.answerBytesMax);
      chunks.push(buffer);
    }
    return Buffer.concat(chunks).toString('utf8');
  }
}

/** Never leaves this file: it becomes the cause of an `OutageError`. */
class AnswerTooLarge extends Error {
  constructor(bytesMax: number) {
    super(`an answer of more than ${bytesMax} bytes`);
    this.name = 'AnswerTooLarge';
  }
}

function reasonOf(cause: unknown): string {
  if (cause instanceof AnswerTooLarge) return `sent ${cause.message}`;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  return code === '' ? 'cannot be reached' : `cannot be reached (${code})`;
}
