import { createHash, timingSafeEqual } from 'node:crypto';
import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { type Clock, type Log, StopError } from '../../foundation/index.ts';
import { GatewayConnection } from './gateway-connection.ts';
import type { Router } from './router.ts';
import { gatewayMessageBytesMax, routerPath } from './router-protocol.ts';

export interface RouterServerLimits {
  readonly connectionsMax: number;
  /** A connection has so long to say which gateway it is. */
  readonly helloMs: number;
  readonly pingMs: number;
  /** Bytes that may wait for one gateway; beyond them it is cut off, and catches up when it is back. */
  readonly bufferBytesMax: number;
  /** Questions of one gateway that are being answered. */
  readonly requestsMax: number;
}

export const routerServerLimitsDefault: RouterServerLimits = {
  connectionsMax: 1_000,
  helloMs: 5_000,
  pingMs: 10_000,
  bufferBytesMax: 4_194_304,
  requestsMax: 512,
};

export interface RouterServerParts {
  readonly router: Router;
  /** Shared with gateways. */
  readonly secret: string;
  readonly limits: RouterServerLimits;
  readonly clock: Clock;
  readonly log: Log;
}

const secretLengthMin = 16;

/** The sockets of gateways. */
export class RouterServer {
  readonly #parts: RouterServerParts;
  readonly #secret: Buffer;
  readonly #server: WebSocketServer;
  readonly #connections = new Set<GatewayConnection>();
  readonly #closing = new AbortController();

  /** @throws {StopError} when the secret is too short to be one. */
  constructor(parts: RouterServerParts) {
    if (parts.secret.length < secretLengthMin) {
      const message = `The secret shared with gateways has ${parts.secret.length} characters; give one of at least ${secretLengthMin}.`;
      throw new StopError('LIVE_GATEWAY_SECRET', message);
    }
    this.#parts = parts;
    this.#secret = digest(parts.secret);
    const maxPayload = gatewayMessageBytesMax;
    const options = { noServer: true, clientTracking: false, perMessageDeflate: false, maxPayload };
    this.#server = new WebSocketServer(options);
  }

  /** Called once: pings from then on. */
  start(): void {
    void this.#beat();
  }

  /** One request to upgrade. False: it is not for this path, and nothing was done with it. */
  upgrade(request: IncomingMessage, connection: Duplex, head: Buffer): boolean {
    const [path] = (request.url ?? '').split('?', 1);
    if (path !== routerPath) return false;
    connection.on('error', ignoreBroken);
    const status = this.#refusal(request);
    if (status !== null) {
      connection.once('finish', () => connection.destroy());
      connection.end(
        `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`,
      );
      return true;
    }
    const address = request.socket.remoteAddress ?? '';
    this.#server.handleUpgrade(request, connection, head, (socket) => {
      connection.off('error', ignoreBroken);
      this.#open(socket, address);
    });
    return true;
  }

  /** Cuts all gateways: they dial another router, or the next one here. */
  close(): void {
    this.#closing.abort();
    for (const connection of this.#connections) connection.goAway();
    this.#server.close();
  }

  #refusal({ headers }: IncomingMessage): number | null {
    if (this.#closing.signal.aborted || this.#connections.size >= this.#parts.limits.connectionsMax)
      return 503;
    const given = /^bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1] ?? '';
    // Digests are of one length, so the time says nothing of the secret, nor of its length.
    return timingSafeEqual(digest(given), this.#secret) ? null : 401;
  }

  #open(socket: WebSocket, address: string): void {
    const connection = new GatewayConnection(socket, address, this.#parts);
    this.#connections.add(connection);
    socket.once('close', () => {
      this.#connections.delete(connection);
      connection.closed();
    });
    void connection.expectHello();
  }

  async #beat(): Promise<void> {
    const { clock, limits } = this.#parts;
    const { signal } = this.#closing;
    while (!signal.aborted) {
      await clock.sleep(limits.pingMs, signal);
      for (const connection of this.#connections) connection.beat();
    }
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function ignoreBroken(): void {
  // Its close is all there is to do, and that comes by itself.
}
