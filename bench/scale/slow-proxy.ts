import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** What waits of one connection and direction before its sender is asked to wait. */
const waitingBytesMax = 8 * 1024 * 1024;

/** A way to a server on which every byte takes so long in each direction, as over a distance. */
export class SlowProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #delayMs: number;

  private constructor(host: string, port: number, delayMs: number) {
    this.#delayMs = delayMs;
    this.#server = createServer({ noDelay: true }, (client) => this.#serve(client, host, port));
  }

  /** `to` is `host:port`. */
  static async start(to: string, delayMs: number): Promise<SlowProxy> {
    const { hostname, port } = new URL(`tcp://${to}`);
    const proxy = new SlowProxy(hostname, Number(port), delayMs);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  /** `host:port`. */
  get address(): string {
    const address: AddressInfo | string | null = this.#server.address();
    if (address === null || typeof address === 'string') throw new TypeError('it listens on a port');
    return `127.0.0.1:${address.port}`;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #serve(client: Socket, host: string, port: number): void {
    const server = connect({ host, port, noDelay: true });
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
    this.#carry(server, client);
  }

  /** Timers of one length fire in the order in which they were set. */
  #carry(from: Socket, to: Socket): void {
    let waiting = 0;
    from.on('data', (bytes) => {
      waiting += bytes.length;
      if (waiting > waitingBytesMax) from.pause();
      setTimeout(() => {
        waiting -= bytes.length;
        if (waiting <= waitingBytesMax) from.resume();
        if (to.writable) to.write(bytes);
      }, this.#delayMs);
    });
  }
}
