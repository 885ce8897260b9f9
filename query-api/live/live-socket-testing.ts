import { once } from 'node:events';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { must } from '../../foundation/index.ts';
import type { ApiServer } from '../server.ts';

export const stepsQuery = `subscription($after: String) {
  journeySteps(of: {type: "Account", id: "é"}, after: $after) { cursor recovered reason step { time links { edge } properties } }
}`;

export function socketUrl(server: ApiServer, path = '/graphql'): string {
  return `${server.url.replace('http', 'ws')}${path}`;
}

export interface StepMessage {
  readonly cursor: string;
  readonly recovered: boolean | null;
  readonly reason: string | null;
  readonly step: { readonly properties: Readonly<Record<string, unknown>> } | null;
}

interface Fault {
  readonly message: string;
  readonly extensions: Readonly<Record<string, unknown>>;
}

interface Result {
  readonly data?: { readonly journeySteps?: StepMessage } | null;
  readonly errors?: readonly Fault[];
}

interface Message {
  readonly type: string;
  readonly id?: string;
  readonly payload?: Result | readonly Fault[];
}

/** What a client of the real library gets, in turn. */
export function listen(
  server: ApiServer,
  {
    query = stepsQuery,
    variables = {},
    token,
  }: { readonly query?: string; readonly variables?: Record<string, unknown>; readonly token?: string } = {},
): { next(): Promise<StepMessage>; stop(): Promise<void> } {
  const client = createClient({
    url: socketUrl(server),
    webSocketImpl: WebSocket,
    retryAttempts: 0,
    ...(token === undefined ? {} : { connectionParams: { Authorization: `Bearer ${token}` } }),
  });
  const results = client.iterate<{ readonly journeySteps: StepMessage }>({ query, variables });
  return {
    next: async () => must((await results.next()).value?.data?.journeySteps ?? null, 'a step came'),
    stop: async () => {
      await client.dispose();
    },
  };
}

/** A client that keeps to no rules. */
export class RawClient {
  readonly socket: WebSocket;
  readonly received: Message[] = [];
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  #wake = (): void => undefined;

  constructor(
    server: ApiServer,
    options: {
      readonly protocol?: string | null;
      readonly headers?: Record<string, string>;
      readonly path?: string;
    } = {},
  ) {
    const { protocol = 'graphql-transport-ws', headers = {}, path } = options;
    this.socket = new WebSocket(socketUrl(server, path), protocol === null ? [] : [protocol], { headers });
    this.closed = new Promise((resolve) => {
      this.socket.once('close', (code, reason) => {
        resolve({ code, reason: String(reason) });
        this.#wake();
      });
    });
    this.socket.on('message', (data) => {
      this.received.push(JSON.parse(String(data)));
      this.#wake();
    });
  }

  /** The status with which the server refused to make it a socket; 101 when it did not. */
  async status(): Promise<number> {
    this.socket.on('error', () => undefined);
    return await new Promise((resolve) => {
      this.socket.once('unexpected-response', (_request, response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
      this.socket.once('open', () => resolve(101));
    });
  }

  async opened(): Promise<this> {
    if (this.socket.readyState !== WebSocket.OPEN) await once(this.socket, 'open');
    return this;
  }

  async initialized(payload?: object): Promise<this> {
    await this.opened();
    this.say({ type: 'connection_init', ...(payload === undefined ? {} : { payload }) });
    await this.next('connection_ack');
    return this;
  }

  say(message: unknown): void {
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  subscribe(id: string, query = stepsQuery, variables: object = {}): void {
    this.say({ id, type: 'subscribe', payload: { query, variables } });
  }

  /** The next message of a type, what came before it taken away. */
  async next(type: string): Promise<Message> {
    for (;;) {
      const at = this.received.findIndex((message) => message.type === type);
      if (at >= 0) return must(this.received.splice(0, at + 1).at(-1), 'it was found');
      if (this.socket.readyState >= WebSocket.CLOSING) throw new Error(`closed before a message ${type}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async nextStep(): Promise<StepMessage> {
    const { payload } = await this.next('next');
    const data = payload !== undefined && 'data' in payload ? payload.data : null;
    return must(data?.journeySteps ?? null, 'a step came');
  }

  /** Of a message `error`, or of a result that has errors. */
  async nextFaults(type: 'error' | 'next'): Promise<readonly Fault[]> {
    const { payload } = await this.next(type);
    if (payload === undefined) throw new Error('there are no errors');
    return 'length' in payload ? payload : (payload.errors ?? []);
  }
}
