import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import type { ConnectionGrant } from './device-socket.ts';
import {
  type Applied,
  type Broadcast,
  type Cursor,
  decodeCursor,
  liveSocketPath,
  liveSubprotocol,
  noCursor,
  type ResyncReason,
  readDeviceMessage,
} from './protocol.ts';

export interface FakeServerOptions {
  readonly event?: string;
  readonly epoch?: number;
  readonly pingMs?: number;
  readonly now?: () => number;
  /** Broadcasts it remembers; older cursors get a resync. */
  readonly historyMax?: number;
}

interface FakeSocket {
  readonly socket: WebSocket;
  readonly token: string;
  readonly after: Cursor;
}

/** Speaks PROTOCOL.md over real sockets, for one event, as the test tells it to. */
export class LiveServerFake {
  readonly applied: (Applied & { readonly token: string })[] = [];
  /** Cursors in the order of connects. */
  readonly connects: Cursor[] = [];
  readonly #options: Required<FakeServerOptions>;
  readonly #http: Server;
  readonly #server = new WebSocketServer({
    noServer: true,
    handleProtocols: (offered) => (offered.has(liveSubprotocol) ? liveSubprotocol : false),
  });
  readonly #sockets = new Set<FakeSocket>();
  #history: Broadcast[] = [];
  #state: Broadcast;
  /** HTTP status of the next handshakes. */
  refuses: number | null = null;
  /** Handshakes succeed, and nothing follows. */
  isSilent = false;

  private constructor(options: FakeServerOptions, http: Server) {
    const { event = 'fight-1', epoch = 1, pingMs = 25_000, now = Date.now, historyMax = 32 } = options;
    this.#options = { event, epoch, pingMs, now, historyMax };
    this.#state = { type: 'broadcast', event, epoch, sequence: 1, version: 1, stage: 'announced', at: now() };
    this.#history.push(this.#state);
    this.#http = http;
    http.on('upgrade', (request, connection, head) => {
      // A device that is stopped hangs up in the middle of a refusal.
      connection.on('error', () => connection.destroy());
      if (this.refuses !== null) {
        connection.end(`HTTP/1.1 ${this.refuses} No\r\nConnection: close\r\n\r\n`);
        return;
      }
      this.#server.handleUpgrade(request, connection, head, (socket) => this.#accept(socket, request));
    });
  }

  static async start(
    options: FakeServerOptions = {},
    http: Server = createServer(),
  ): Promise<LiveServerFake> {
    const fake = new LiveServerFake(options, http);
    if (!http.listening) await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    return fake;
  }

  get port(): number {
    return (this.#http.address() as AddressInfo).port;
  }

  get state(): Broadcast {
    return this.#state;
  }

  get socketCount(): number {
    return this.#sockets.size;
  }

  grant(token = 'member'): ConnectionGrant {
    return { url: `ws://127.0.0.1:${this.port}${liveSocketPath}`, token };
  }

  /** The next broadcast, to everybody who is connected. */
  publish(change: Partial<Broadcast>): Broadcast {
    const sequence = this.#state.sequence + 1;
    this.#state = { ...this.#state, at: this.#options.now(), sequence, ...change };
    this.#history = [...this.#history, this.#state].slice(-this.#options.historyMax);
    this.say(this.#state);
    return this.#state;
  }

  /** A text or a message to everybody, as it is. */
  say(message: object | string): void {
    const text = typeof message === 'string' ? message : JSON.stringify(message);
    for (const { socket } of this.#sockets) socket.send(text);
  }

  heartbeat(): void {
    this.say({ type: 'heartbeat', now: this.#options.now() });
  }

  /** Another life of the journal, at a state of its own. */
  restart(epoch: number, state: Partial<Broadcast>): void {
    this.#state = { ...this.#state, sequence: 1, ...state, epoch };
    this.#history = [this.#state];
  }

  hangUp(code: number, reason = ''): void {
    for (const { socket } of this.#sockets) socket.close(code, reason);
  }

  /** As a cable that is pulled: without a close frame. */
  cut(): void {
    for (const { socket } of this.#sockets) socket.terminate();
  }

  async close(): Promise<void> {
    this.cut();
    this.#server.close();
    this.#http.closeAllConnections();
    await new Promise((resolve) => this.#http.close(resolve));
  }

  #accept(socket: WebSocket, request: IncomingMessage): void {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const offered = (request.headers['sec-websocket-protocol'] ?? '').split(/, ?/);
    const token = offered.find((name) => name.startsWith('token.'))?.slice('token.'.length) ?? '';
    const after = decodeCursor(url.searchParams.get('after') ?? '') ?? noCursor;
    const its = { socket, token, after };
    this.connects.push(after);
    this.#sockets.add(its);
    socket.on('error', () => socket.terminate());
    socket.on('close', () => this.#sockets.delete(its));
    socket.on('message', (data) => {
      const applied = readDeviceMessage(String(data));
      if (applied === null) socket.close(4400, 'BAD_MESSAGE');
      else this.applied.push({ ...applied, token });
    });
    if (!this.isSilent) this.#greet(socket, after);
  }

  #greet(socket: WebSocket, after: Cursor): void {
    const { pingMs, now } = this.#options;
    const rest = { ...this.#state, pingMs, now: now() };
    const reason = this.#refusal(after);
    if (reason !== null) {
      socket.send(JSON.stringify({ ...rest, type: 'resync', reason }));
      return;
    }
    socket.send(JSON.stringify({ ...rest, type: 'welcome', recovered: true }));
    for (const missed of this.#history.filter(({ sequence }) => sequence > after.sequence)) {
      socket.send(JSON.stringify(missed));
    }
  }

  #refusal(after: Cursor): ResyncReason | null {
    const oldest = this.#history[0]?.sequence ?? this.#state.sequence;
    if (after.epoch === 0) return 'NEW';
    if (after.epoch !== this.#state.epoch) return 'EPOCH';
    if (after.sequence > this.#state.sequence) return 'AHEAD';
    return after.sequence < oldest - 1 ? 'TOO_OLD' : null;
  }
}
