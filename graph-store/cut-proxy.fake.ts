import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** A way to a server that can be cut: at once, or when a connection has sent so many pieces. */
export class CutProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #to: URL;
  /** Pieces from the client that are still let through before the connection ends; null for no end. */
  #left: number | null = null;
  #closed = false;

  private constructor(to: URL) {
    this.#to = to;
    this.#server = createServer((client) => this.#serve(client));
  }

  static async to(uri: string): Promise<CutProxy> {
    const proxy = new CutProxy(new URL(uri));
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get uri(): string {
    const address: AddressInfo | string | null = this.#server.address();
    if (address === null || typeof address === 'string') throw new TypeError('it listens on a port');
    return `bolt://127.0.0.1:${address.port}`;
  }

  /** After so many pieces more: the last one still reaches the server, its answer is lost. */
  cutAfter(pieces: number): void {
    this.#left = pieces;
  }

  /** True when the cut that was asked for has not come yet. */
  get isArmed(): boolean {
    return this.#left !== null;
  }

  disarm(): void {
    this.#left = null;
  }

  /** Nobody gets through until `open`. */
  shut(): void {
    this.#closed = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  open(): void {
    this.#closed = false;
  }

  async dispose(): Promise<void> {
    this.shut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #serve(client: Socket): void {
    if (this.#closed) {
      client.destroy();
      return;
    }
    const server = connect(Number(this.#to.port), this.#to.hostname);
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
    server.on('data', (bytes) => client.write(bytes));
    client.on('data', (bytes) => {
      if (this.#left === null) {
        server.write(bytes);
        return;
      }
      this.#left -= 1;
      if (this.#left > 0) {
        server.write(bytes);
        return;
      }
      this.#left = null;
      client.destroy();
      // Ended, not destroyed: what was sent has to arrive.
      server.end(bytes);
    });
  }
}
