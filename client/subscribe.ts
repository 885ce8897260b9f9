import { type GraphqlError, JourneyGraphClientError } from './client-error.ts';
import { type ClientPorts, systemPorts } from './pause.ts';

/** As browsers and Node have it. */
export interface WebSocketLike {
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  send(data: string): void;
  close(code?: number, reason?: string): void;
}

export type WebSocketConstructor = new (url: string, protocol: string) => WebSocketLike;

export interface SubscribeOptions {
  /** The server, such as `https://graph.example`. */
  readonly url: string;
  /** Bearer token; asked for again at each connection, so that one that has expired is replaced. */
  readonly token?: string | (() => string | null | Promise<string | null>);
  /** A cursor of an earlier message, or of a page of a journey; without it steps come that are applied from now on. */
  readonly after?: string;
  readonly signal?: AbortSignal;
  /** Where there is no global `WebSocket`. */
  readonly webSocketImpl?: WebSocketConstructor;
  /** How often in a row it may fail to connect or to go on before it is given up; without end when left out. */
  readonly retries?: number;
  /** Messages kept for a reader who is busy; beyond, the socket is closed, and opened again when they have been read. */
  readonly waitingMax?: number;
  readonly ports?: ClientPorts;
}

export interface LiveStep {
  readonly time: string;
  readonly domain: string;
  readonly action: string;
  readonly links: readonly {
    readonly edge: string;
    readonly direction: 'IN' | 'OUT';
    readonly node: { readonly type: string; readonly id: string };
  }[];
  readonly properties: Readonly<Record<string, unknown>>;
}

export interface JourneyStepMessage {
  /** Keep it with what was made of the step: passing it as `after` goes on behind it. */
  readonly cursor: string;
  /** Null when a subscription is in place, at first and after each break. */
  readonly step: LiveStep | null;
  /** After a break: true when nothing was missed; false when steps that came late may have been, for the reason given. */
  readonly recovered: boolean | null;
  readonly reason: string | null;
}

const document = `subscription JourneySteps($of: NodeRefInput!, $after: String) {
  journeySteps(of: $of, after: $after) { cursor recovered reason
    step { time domain action links { edge direction node { type id } } properties } } }`;

const protocol = 'graphql-transport-ws';
const waitingDefault = 1000;
const backoffBaseMs = 200;
const backoffMaxMs = 10_000;
/** For the server to answer: the beginning of a connection, or a ping. */
const answerMs = 10_000;
const pingMs = 20_000;
/** What no second try mends. All other codes, also of a connection that broke, may pass. */
const finalCodes: ReadonlyMap<number, string> = new Map([
  [1002, 'BAD_RESPONSE'],
  [1009, 'BAD_USER_INPUT'],
  [4400, 'BAD_RESPONSE'],
  [4401, 'UNAUTHENTICATED'],
  [4403, 'UNAUTHENTICATED'],
  [4406, 'BAD_RESPONSE'],
  [4409, 'BAD_RESPONSE'],
  [4429, 'BAD_RESPONSE'],
]);
const passingCodes: ReadonlySet<string> = new Set(['STORE_UNAVAILABLE', 'TOO_MANY_SUBSCRIPTIONS']);

/**
 * A member's steps as they are applied. Whatever breaks is taken up again behind the last message that was read, until the signal
 * aborts or the loop is left. Throws {@link JourneyGraphClientError} for what no waiting mends.
 */
export async function* journeySteps(
  of: { readonly type: string; readonly id: string },
  options: SubscribeOptions,
): AsyncGenerator<JourneyStepMessage, void, undefined> {
  const { ports = systemPorts, signal, retries = Number.POSITIVE_INFINITY } = options;
  const url = socketUrl(options.url);
  let after = options.after ?? null;
  let failures = 0;
  const ended = (): boolean => signal?.aborted ?? false;
  while (!ended()) {
    const connection = new Connection(url, { of, after }, options, ports);
    try {
      for (let message = await connection.next(); message !== null; message = await connection.next()) {
        failures = 0;
        after = message.cursor;
        yield message;
      }
    } finally {
      connection.close();
    }
    const failure = connection.failure;
    // Its reader was busy, and has read everything now.
    if (failure === null || ended()) continue;
    failures += 1;
    if (!failure.retryable || failures > retries) throw failure;
    await ports.sleep(delayOf(failures, ports.random), signal);
  }
}

/** Full jitter: clients whose server went away together do not come back together. */
function delayOf(failures: number, random: () => number): number {
  return random() * Math.min(backoffMaxMs, backoffBaseMs * 2 ** Math.min(failures, 10));
}

function socketUrl(text: string): string {
  const url = new URL('/graphql', text);
  url.protocol = url.protocol.replace('http', 'ws');
  return url.href;
}

interface Incoming {
  readonly type?: unknown;
  readonly payload?: unknown;
}

/** One socket with one subscription, until something ends it. */
class Connection {
  readonly #variables: Readonly<Record<string, unknown>>;
  readonly #options: SubscribeOptions;
  readonly #webSocket: WebSocketConstructor;
  readonly #ports: ClientPorts;
  readonly #ended = new AbortController();
  readonly #waiting: JourneyStepMessage[] = [];
  #socket: WebSocketLike | null = null;
  #wake = (): void => undefined;
  #heard = false;
  failure: JourneyGraphClientError | null = null;

  constructor(
    url: string,
    variables: Readonly<Record<string, unknown>>,
    options: SubscribeOptions,
    ports: ClientPorts,
  ) {
    this.#variables = variables;
    this.#options = options;
    this.#webSocket = options.webSocketImpl ?? globalSocket();
    this.#ports = ports;
    options.signal?.addEventListener('abort', this.#abort, { once: true });
    void this.#open(url);
  }

  /** Null when there are no more. */
  async next(): Promise<JourneyStepMessage | null> {
    for (;;) {
      const message = this.#waiting.shift();
      if (message !== undefined) return message;
      if (this.#ended.signal.aborted) return null;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  close(): void {
    this.#end(null);
  }

  readonly #abort = (): void => {
    this.#waiting.length = 0;
    this.#end(null);
  };

  async #open(url: string): Promise<void> {
    try {
      const { token } = this.#options;
      const bearer = typeof token === 'function' ? await token() : (token ?? null);
      if (this.#ended.signal.aborted) return;
      const socket = new this.#webSocket(url, protocol);
      this.#socket = socket;
      const payload = bearer === null ? undefined : { Authorization: `Bearer ${bearer}` };
      socket.onopen = () => this.#say({ type: 'connection_init', payload });
      socket.onmessage = (event: { readonly data?: unknown }) => this.#receive(String(event.data));
      socket.onerror = () => this.#end(unreachable('The connection failed.'));
      socket.onclose = (event: { readonly code?: number; readonly reason?: string }) =>
        this.#end(closedBy(event.code ?? 1006, event.reason ?? ''));
      void this.#watchOver();
    } catch (cause) {
      this.#end(unreachable('The connection could not be made.', cause));
    }
  }

  /** A network that swallows everything closes no socket. */
  async #watchOver(): Promise<void> {
    const { signal } = this.#ended;
    while (!signal.aborted) {
      this.#heard = false;
      await this.#ports.sleep(answerMs, signal);
      if (!this.#heard) this.#end(unreachable('The server is silent.'));
      await this.#ports.sleep(pingMs, signal);
      if (!signal.aborted) this.#say({ type: 'ping' });
    }
  }

  #receive(text: string): void {
    this.#heard = true;
    if (this.#ended.signal.aborted) return;
    const message = parsed(text);
    switch (message?.type) {
      case 'connection_ack':
        this.#say({ id: '1', type: 'subscribe', payload: { query: document, variables: this.#variables } });
        break;
      case 'ping':
        this.#say({ type: 'pong' });
        break;
      case 'pong':
        break;
      case 'next':
        this.#take(message.payload);
        break;
      case 'error':
        this.#end(refused(isErrors(message.payload) ? message.payload : []));
        break;
      case 'complete':
        this.#end(unreachable('The server ended the subscription.'));
        break;
      default:
        this.#end(badResponse());
    }
  }

  #take(payload: unknown): void {
    const message = field(field(payload, 'data'), 'journeySteps');
    const errors = field(payload, 'errors');
    if (isStepMessage(message)) {
      this.#waiting.push(message);
      this.#wake();
      // Whoever reads gets these first; then it goes on behind the last of them.
      if (this.#waiting.length >= (this.#options.waitingMax ?? waitingDefault)) this.#end(null);
    } else this.#end(isErrors(errors) ? refused(errors) : badResponse());
  }

  #say(message: object): void {
    this.#socket?.send(JSON.stringify(message));
  }

  #end(failure: JourneyGraphClientError | null): void {
    if (this.#ended.signal.aborted) return;
    this.failure = failure;
    this.#ended.abort();
    this.#options.signal?.removeEventListener('abort', this.#abort);
    this.#socket?.close(1000);
    this.#wake();
  }
}

function parsed(text: string): Incoming | null {
  try {
    const message: unknown = JSON.parse(text);
    return typeof message === 'object' ? message : null;
  } catch {
    // What is no JSON is no message; the caller ends the connection.
    return null;
  }
}

function isStepMessage(value: unknown): value is JourneyStepMessage {
  return typeof field(value, 'cursor') === 'string';
}

function isErrors(value: unknown): value is readonly GraphqlError[] {
  return Array.isArray(value) && value.every((error) => typeof field(error, 'message') === 'string');
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

function refused(errors: readonly GraphqlError[]): JourneyGraphClientError {
  const [first] = errors;
  if (first === undefined) return badResponse();
  const code = String(first.extensions?.code ?? 'BAD_RESPONSE');
  const id = first.extensions?.requestId;
  const requestId = typeof id === 'string' ? id : null;
  return new JourneyGraphClientError({
    code,
    message: first.message,
    requestId,
    errors,
    retryable: passingCodes.has(code),
  });
}

function closedBy(code: number, reason: string): JourneyGraphClientError {
  const final = finalCodes.get(code);
  const message = `The server closed the connection with ${code}${reason === '' ? '' : `: ${reason}`}.`;
  return new JourneyGraphClientError({
    code: final ?? 'UNREACHABLE',
    message,
    retryable: final === undefined,
  });
}

function unreachable(message: string, cause?: unknown): JourneyGraphClientError {
  return new JourneyGraphClientError({ code: 'UNREACHABLE', message, cause, retryable: true });
}

function badResponse(): JourneyGraphClientError {
  return new JourneyGraphClientError({
    code: 'BAD_RESPONSE',
    message: 'The server answered with something that is no message of its protocol.',
    retryable: false,
  });
}

function globalSocket(): WebSocketConstructor {
  const found: unknown = Reflect.get(globalThis, 'WebSocket');
  if (!isConstructor(found)) {
    throw new JourneyGraphClientError({
      code: 'UNREACHABLE',
      message: 'There is no global WebSocket here: pass `webSocketImpl`.',
      retryable: false,
    });
  }
  return found;
}

function isConstructor(value: unknown): value is WebSocketConstructor {
  return typeof value === 'function';
}
