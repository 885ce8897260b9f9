import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** Hands on what arrives at one socket to the other, in both directions, as a distance or a fault would have it. */
export type Carry = (client: Socket, server: Socket) => void;

/** A way to a server through this process, on which something happens to the bytes. A connection ends at both sides at once. */
export class LoopbackProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #to: URL;
  readonly #carry: Carry;
  #isShut = false;

  private constructor(to: URL, carry: Carry) {
    this.#to = to;
    this.#carry = carry;
    this.#server = createServer({ noDelay: true }, (client) => this.#join(client));
  }

  /** Of `to`, host and port alone count. */
  static async start(to: URL, carry: Carry): Promise<LoopbackProxy> {
    const proxy = new LoopbackProxy(to, carry);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  /** `host:port`. */
  get address(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new TypeError('it listens on a port');
    return `127.0.0.1:${address.port}`;
  }

  /** Nobody gets through until `open`. */
  shut(): void {
    this.#isShut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  open(): void {
    this.#isShut = false;
  }

  async close(): Promise<void> {
    this.shut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #join(client: Socket): void {
    if (this.#isShut) {
      client.destroy();
      return;
    }
    const server = connect({ host: this.#to.hostname, port: Number(this.#to.port), noDelay: true });
    const end = (): void => {
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.on('error', end);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        end();
      });
    }
    this.#carry(client, server);
  }
}
