import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { GRAPHQL_TRANSPORT_WS_PROTOCOL } from 'graphql-ws';
import { type WebSocket, WebSocketServer } from 'ws';
import { type GateOptions, refuseHost } from '../request-gate.ts';
import { type LiveParts, LiveSocket, type Session } from './live-socket.ts';
import { refuseOrigin } from './origin.ts';
import { ignoreBroken, noSocketHere, type RefusedUpgrade, refuseUpgrade } from './refused-upgrade.ts';

const livePath = '/graphql';

/** The WebSockets of a server: GraphQL subscriptions by graphql-transport-ws, on the path of its queries. */
export class LiveServer<Who extends Session> {
  readonly #parts: LiveParts<Who>;
  readonly #gate: GateOptions;
  readonly #server: WebSocketServer;
  readonly #sockets = new Set<LiveSocket<Who>>();
  readonly #closing = new AbortController();
  #beating = false;

  constructor(parts: LiveParts<Who>, gate: GateOptions) {
    this.#parts = parts;
    this.#gate = gate;
    this.#server = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: parts.limits.bodyBytesMax,
      // Without it the socket opens and is closed with 4406, which tells a client more than a status does.
      handleProtocols: (offered) =>
        offered.has(GRAPHQL_TRANSPORT_WS_PROTOCOL) ? GRAPHQL_TRANSPORT_WS_PROTOCOL : false,
    });
  }

  /** Sockets and their subscriptions now. */
  get held(): { readonly sockets: number; readonly subscriptions: number } {
    const subscriptions = [...this.#sockets].reduce((sum, socket) => sum + socket.subscriptions, 0);
    return { sockets: this.#sockets.size, subscriptions };
  }

  /** One request to upgrade: becomes a socket or is answered with an HTTP error. */
  upgrade(request: IncomingMessage, connection: Duplex, head: Buffer): void {
    connection.on('error', ignoreBroken);
    const refusal = this.#refusal(request);
    if (refusal !== null) {
      refuseUpgrade(connection, refusal, this.#parts.newId());
      return;
    }
    this.#server.handleUpgrade(request, connection, head, (socket) => {
      connection.off('error', ignoreBroken);
      this.#open(socket, request);
    });
  }

  /** Tells every client to go, waits for them within the bound, then cuts those that are left. */
  async close(boundMs: number): Promise<void> {
    this.#closing.abort();
    for (const socket of this.#sockets) socket.goAway();
    const limit = new AbortController();
    const allGone = Promise.all([...this.#sockets].map(({ gone }) => gone));
    await Promise.race([allGone, this.#parts.clock.sleep(boundMs, limit.signal)]);
    limit.abort();
    for (const socket of this.#sockets) socket.terminate();
    this.#server.close();
  }

  #refusal(request: IncomingMessage): RefusedUpgrade | null {
    const { socketsMax, strangersMax } = this.#parts.live;
    const path = URL.parse(request.url ?? '/', 'http://localhost')?.pathname;
    if (path !== livePath) return noSocketHere;
    const refused = refuseHost(request, this.#gate) ?? refuseOrigin(request.headers, this.#gate);
    if (refused !== null) return refused;
    if (this.#closing.signal.aborted)
      return { status: 503, code: 'GOING_AWAY', message: 'This server is stopping.' };
    const strangers = [...this.#sockets].filter(({ isStranger }) => isStranger).length;
    const some = Math.min(strangersMax, Math.ceil(socketsMax / 4));
    if (this.#sockets.size < socketsMax && strangers < some) return null;
    return { status: 503, code: 'TOO_MANY_SOCKETS', message: 'There are too many sockets; try again later.' };
  }

  #open(socket: WebSocket, request: IncomingMessage): void {
    const live = new LiveSocket(socket, request.headers, this.#parts);
    this.#sockets.add(live);
    live.open();
    void live.gone.then(() => this.#sockets.delete(live));
    void this.#beat();
  }

  /** Runs while there are sockets. */
  async #beat(): Promise<void> {
    if (this.#beating) return;
    this.#beating = true;
    const { clock, live } = this.#parts;
    while (this.#sockets.size > 0 && !this.#closing.signal.aborted) {
      await clock.sleep(live.pingMs, this.#closing.signal);
      if (this.#closing.signal.aborted) break;
      for (const socket of this.#sockets) socket.beat(clock.now());
    }
    this.#beating = false;
  }
}
