import type { Socket } from 'node:net';
import { LoopbackProxy } from '../test/services/loopback-proxy.ts';

interface Cut {
  /** Pieces from the client that are still let through before the connection ends; null for no end. */
  left: number | null;
}

/** A way to a server that can be cut: at once, or when a connection has sent so many pieces. */
export class CutProxy {
  readonly #proxy: LoopbackProxy;
  readonly #cut: Cut;

  private constructor(proxy: LoopbackProxy, cut: Cut) {
    this.#proxy = proxy;
    this.#cut = cut;
  }

  static async to(uri: string): Promise<CutProxy> {
    const cut: Cut = { left: null };
    const carry = (client: Socket, server: Socket): void => carryUntil(cut, client, server);
    return new CutProxy(await LoopbackProxy.start(new URL(uri), carry), cut);
  }

  get uri(): string {
    return `bolt://${this.#proxy.address}`;
  }

  /** After so many pieces more: the last one still reaches the server, its answer is lost. */
  cutAfter(pieces: number): void {
    this.#cut.left = pieces;
  }

  /** True when the cut that was asked for has not come yet. */
  get isArmed(): boolean {
    return this.#cut.left !== null;
  }

  disarm(): void {
    this.#cut.left = null;
  }

  /** Nobody gets through until `open`. */
  shut(): void {
    this.#proxy.shut();
  }

  open(): void {
    this.#proxy.open();
  }

  async dispose(): Promise<void> {
    await this.#proxy.close();
  }
}

function carryUntil(cut: Cut, client: Socket, server: Socket): void {
  server.on('data', (bytes) => client.write(bytes));
  client.on('data', (bytes) => {
    if (cut.left === null) {
      server.write(bytes);
      return;
    }
    cut.left -= 1;
    if (cut.left > 0) {
      server.write(bytes);
      return;
    }
    cut.left = null;
    client.destroy();
    // Ended, not destroyed: what was sent has to arrive.
    server.end(bytes);
  });
}
