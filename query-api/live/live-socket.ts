import type { IncomingHttpHeaders } from 'node:http';
import type {
  ExecutionArgs,
  ExecutionResult,
  GraphQLError,
  GraphQLFormattedError,
  GraphQLSchema,
} from 'graphql';
import { makeServer } from 'graphql-ws';
import type { WebSocket } from 'ws';
import {
  assert,
  type Clock,
  type Log,
  must,
  type SteadyTime,
  TokenBucket,
  unreachable,
} from '../../foundation/index.ts';
import type { ApiContext, QueryLimits } from '../api-context.ts';
import { publicError, withoutSuggestion } from '../api-error.ts';
import { argumentAtFault } from '../argument-at-fault.ts';
import { logOurs } from '../graphql-engine.ts';
import { codeOf } from '../observe/engine-plugin.ts';
import type { PersistedRules } from '../operations/persisted-request.ts';
import { tooManySubscriptions } from './live-errors.ts';
import { closeCodes, type LiveLimits } from './live-limits.ts';
import { type Asked, type Planned, planOperation, ResultStream } from './live-operation.ts';
import type { StepCursors } from './step-cursor.ts';
import type { StepFeed } from './step-feed.ts';
import type { CutOff } from './step-subscription.ts';

/** Who a socket is. */
export interface Session {
  /** When it has to say so again; null for never. */
  readonly expiresAtMs: number | null;
}

/** Null for a caller who may not; `unavailable` while nobody can say. */
export type Authenticate<Who extends Session> = (
  headers: IncomingHttpHeaders,
) => Promise<Who | null | 'unavailable'> | Who | null | 'unavailable';

export interface LiveParts<Who extends Session> {
  readonly limits: QueryLimits;
  readonly live: LiveLimits;
  readonly feed: StepFeed;
  readonly clock: Clock;
  readonly steadyMs: SteadyTime;
  readonly log: Log;
  readonly newId: () => string;
  readonly schema: () => GraphQLSchema;
  /** Null when callers name no operations by id. */
  readonly persisted: PersistedRules | null;
  /** Say in an error what was probably meant. */
  readonly suggestions: boolean;
  readonly cursors: StepCursors;
  readonly context: (requestId: string, who: Who) => ApiContext;
  readonly authenticate: Authenticate<Who>;
  /** Told of what a client was answered with, by code. */
  readonly failed: (codes: ReadonlySet<string>) => void;
  /** What an operation is refused for that is valid and within its limits; null for nothing. */
  readonly judge: (planned: Planned, context: ApiContext) => GraphQLError | null;
}

/** As graphql-ws hands a result over: a property may be there and undefined. */
interface Shown {
  readonly data?: Record<string, unknown> | null | undefined;
  readonly errors?: readonly GraphQLError[] | undefined;
}

/** A WebSocket's close reason takes 123 bytes; graphql-ws puts the client's own text into some. */
const reasonLengthMax = 40;
/** Timers take no longer delay. */
const sleepMsMax = 2 ** 31 - 1;

/**
 * One client's socket. The protocol is graphql-ws's; the bounds are here: what a client may send, what may wait for it, how long it
 * may stay silent, and that nothing of it goes on when it is gone.
 */
export class LiveSocket<Who extends Session> {
  readonly #socket: WebSocket;
  readonly #headers: IncomingHttpHeaders;
  readonly #parts: LiveParts<Who>;
  readonly #messages: TokenBucket;
  readonly #streams = new Set<ResultStream>();
  readonly #requestIds = new WeakMap<object, string>();
  /** When each message began that its reader has not taken yet, the oldest first. */
  readonly #sending = new Set<{ readonly sinceMs: number }>();
  readonly #gone = new AbortController();
  readonly #leaving = Promise.withResolvers<void>();
  /** Operations that are being looked at, and are no stream yet. */
  #planning = 0;
  #closing = false;
  /** Since it is closing. */
  #beatSince = false;
  #answered = true;
  #who: Who | null = null;

  constructor(socket: WebSocket, headers: IncomingHttpHeaders, parts: LiveParts<Who>) {
    this.#socket = socket;
    this.#headers = headers;
    this.#parts = parts;
    const { messagesBurst, messagesPerSecond } = parts.live;
    this.#messages = new TokenBucket(messagesBurst, messagesPerSecond, parts.clock.now());
  }

  /** True until it has said who it is. */
  get isStranger(): boolean {
    return this.#who === null;
  }

  get subscriptions(): number {
    return this.#streams.size;
  }

  /** Resolves when nothing of it is left. */
  get gone(): Promise<void> {
    return this.#leaving.promise;
  }

  open(): void {
    const socket = this.#socket;
    const server = makeServer({
      connectionInitWaitTimeout: 0,
      onConnect: ({ connectionParams }) => this.#connect(connectionParams ?? {}),
      onSubscribe: (_context, _id, payload) => this.#plan(payload),
      subscribe: (args) => this.#subscribe(args),
      onNext: (_context, _id, payload, args, result) => this.#shown(result, payload, args),
      onError: (_context, _id, payload, errors) => this.#errorsShown(errors, payload, null),
    });
    const closed = server.opened(
      {
        protocol: socket.protocol,
        send: (data) => this.#send(data),
        close: (code, reason) =>
          this.#shut(code ?? closeCodes.failed, (reason ?? '').slice(0, reasonLengthMax)),
        onMessage: (handle) => socket.on('message', (data) => void this.#receive(String(data), handle)),
      },
      undefined,
    );
    // ws answers them by itself, and none of them is a 'message'.
    socket.on('ping', () => this.#takes());
    socket.on('pong', () => {
      // One that was not asked for is a message as any.
      if (!this.#answered || this.#takes()) this.#answered = true;
    });
    socket.on('error', (error) => this.#parts.log.debug({ error }, 'A WebSocket failed.'));
    socket.once('close', (code, reason) => {
      this.#gone.abort();
      this.#endStreams();
      this.#leaving.resolve();
      void closed(code, String(reason));
    });
    void this.#expectInit();
  }

  /** Called every `pingMs`. */
  beat(nowMs: number): void {
    const [oldest] = this.#sending;
    // A close has from one beat to the next to be taken.
    if (this.#closing && this.#beatSince) this.terminate();
    else if (this.#closing) this.#beatSince = true;
    else if (oldest !== undefined && nowMs - oldest.sinceMs >= this.#parts.live.slowMs) this.#tooSlow();
    else if (!this.#answered) this.terminate();
    else {
      this.#answered = false;
      this.#socket.ping();
    }
  }

  goAway(): void {
    this.#shut(closeCodes.goingAway, 'Going away');
  }

  terminate(): void {
    this.#endStreams();
    this.#socket.terminate();
  }

  /** False: it is closing already, or for this one. */
  #takes(): boolean {
    if (this.#closing) return false;
    if (this.#messages.take(this.#parts.clock.now())) return true;
    this.#shut(closeCodes.tooManyMessages, 'Too many messages');
    return false;
  }

  async #receive(data: string, handle: (data: string) => Promise<void>): Promise<void> {
    if (!this.#takes()) return;
    try {
      await handle(data);
    } catch (error) {
      const requestId = this.#parts.newId();
      this.#parts.log.error(
        { requestId, error },
        'A WebSocket was closed because something failed on our side.',
      );
      this.#parts.failed(new Set(['INTERNAL_SERVER_ERROR']));
      this.#shut(closeCodes.failed, `Something failed on our side: ${requestId}`);
    }
  }

  async #expectInit(): Promise<void> {
    const { clock, live } = this.#parts;
    await clock.sleep(live.initMs, this.#gone.signal);
    if (this.isStranger && !this.#gone.signal.aborted)
      this.#shut(closeCodes.initTimeout, 'Connection initialisation timeout');
  }

  /** By what `connection_init` carries or, where it carries nothing, by the header that the socket came with. */
  async #connect(params: Readonly<Record<string, unknown>>): Promise<boolean> {
    const given = Object.entries(params).find(([name]) => name.toLowerCase() === 'authorization')?.[1];
    const headers = typeof given === 'string' ? { ...this.#headers, authorization: given } : this.#headers;
    const who = await this.#parts.authenticate(headers);
    if (who === 'unavailable') this.#shut(closeCodes.tryLater, 'Try again later');
    if (who === null || who === 'unavailable') return false;
    this.#who = who;
    const { expiresAtMs } = who;
    if (expiresAtMs !== null) void this.#expire(expiresAtMs);
    return true;
  }

  async #expire(atMs: number): Promise<void> {
    const { clock } = this.#parts;
    const { signal } = this.#gone;
    while (!signal.aborted && clock.now() < atMs)
      await clock.sleep(Math.min(sleepMsMax, atMs - clock.now()), signal);
    if (!signal.aborted) this.#shut(closeCodes.tokenExpired, 'The token has expired');
  }

  async #plan(payload: Asked): Promise<ExecutionArgs | readonly GraphQLError[]> {
    const requestId = this.#parts.newId();
    this.#requestIds.set(payload, requestId);
    if (this.#closing || this.#streams.size + this.#planning >= this.#parts.live.subscriptionsPerSocketMax)
      return [tooManySubscriptions()];
    this.#planning += 1;
    let begins = false;
    try {
      const planned = await planOperation(payload, this.#parts);
      if (isErrors(planned)) return planned;
      const refusal = this.#parts.judge(planned, this.#context(requestId));
      if (refusal !== null) return [refusal];
      begins = true;
      return { ...planned, contextValue: requestId };
    } finally {
      // What begins goes to `#subscribe`, whatever the client has said meanwhile.
      if (!begins) this.#planning -= 1;
    }
  }

  async #subscribe(args: ExecutionArgs): Promise<ResultStream | ExecutionResult> {
    try {
      const requestId = String(args.contextValue);
      const context = (): ApiContext => this.#context(requestId);
      const stream = await ResultStream.begin(args, context, (ended) => this.#streams.delete(ended));
      if (!(stream instanceof ResultStream)) return stream;
      this.#streams.add(stream);
      // It went while this began: nobody else would end it.
      if (this.#closing || this.#gone.signal.aborted) await stream.return();
      return stream;
    } finally {
      this.#planning -= 1;
    }
  }

  #context(requestId: string): ApiContext {
    const { feed, live, context, cursors, steadyMs } = this.#parts;
    const who = must(this.#who, 'nobody subscribes before they have said who they are');
    return {
      ...context(requestId, who),
      live: { feed, cursors, limits: live, steadyMs, cut: (why) => this.#cut(why) },
    };
  }

  #shown(
    result: Shown,
    payload: object,
    args: ExecutionArgs,
  ): { data?: Record<string, unknown> | null; errors: readonly GraphQLFormattedError[] } | undefined {
    if (result.errors === undefined) return undefined;
    const errors = this.#errorsShown(result.errors, payload, args);
    return result.data === undefined ? { errors } : { data: result.data, errors };
  }

  #errorsShown(
    errors: readonly GraphQLError[],
    payload: object,
    args: ExecutionArgs | null,
  ): readonly GraphQLFormattedError[] {
    const requestId = this.#requestIds.get(payload);
    assert(requestId !== undefined, 'what was planned has a request id');
    this.#parts.failed(new Set(errors.map(codeOf)));
    return errors.map((error) => {
      const [fault] = error.nodes ?? [];
      if (args !== null && fault !== undefined && error.path === undefined) {
        const argument = argumentAtFault(args.document, fault);
        if (argument !== null) error.extensions.argument ??= argument;
      }
      error.extensions.requestId = requestId;
      if (!this.#parts.suggestions) error.message = withoutSuggestion(error.message);
      logOurs(error, requestId, this.#parts.log);
      return publicError(error.toJSON(), error);
    });
  }

  #send(data: string): Promise<void> {
    const socket = this.#socket;
    if (this.#closing || socket.readyState !== socket.OPEN) return Promise.resolve();
    const waiting = socket.bufferedAmount;
    if (waiting > 0 && waiting + data.length > this.#parts.live.bufferedBytesMax) {
      this.#tooSlow();
      return Promise.resolve();
    }
    const message = { sinceMs: this.#parts.clock.now() };
    this.#sending.add(message);
    return new Promise((resolve) => {
      // An error means that the socket is going, which it says by itself.
      socket.send(data, () => {
        this.#sending.delete(message);
        resolve();
      });
    });
  }

  #cut(why: CutOff): void {
    switch (why) {
      case 'too-slow':
        this.#tooSlow();
        break;
      case 'other-graph':
        this.#shut(closeCodes.otherGraph, 'Another graph is live');
        break;
      default:
        unreachable(why);
    }
  }

  #tooSlow(): void {
    this.#shut(closeCodes.tooSlow, 'Too slow a reader');
  }

  #shut(code: number, reason: string): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#endStreams();
    this.#socket.close(code, reason);
  }

  /** All of them, also those that the protocol has lost sight of because their id was used again. */
  #endStreams(): void {
    for (const stream of this.#streams) void stream.return();
    this.#streams.clear();
  }
}

function isErrors(planned: object): planned is readonly GraphQLError[] {
  return Array.isArray(planned);
}
