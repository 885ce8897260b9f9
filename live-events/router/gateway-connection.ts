import { type RawData, WebSocket } from 'ws';
import { type Broadcast, closeCodes } from '../../device/index.ts';
import { OutageError, unreachable } from '../../foundation/index.ts';
import type { LinkListener } from '../ports.ts';
import type { AttachedGateway } from './router.ts';
import { type GatewayMessage, type RouterMessage, readGatewayMessage } from './router-protocol.ts';
import type { RouterServerParts } from './router-server.ts';

type Question = Extract<GatewayMessage, { readonly type: 'subscribe' | 'history' }>;

/** One gateway's socket at its router. What it may make the router hold is bounded: questions, and bytes that it does not read. */
export class GatewayConnection implements LinkListener {
  readonly #socket: WebSocket;
  readonly #address: string;
  readonly #parts: RouterServerParts;
  readonly #gone = new AbortController();
  #gateway: AttachedGateway | null = null;
  #answering = 0;
  #answered = true;

  constructor(socket: WebSocket, address: string, parts: RouterServerParts) {
    this.#socket = socket;
    this.#address = address;
    this.#parts = parts;
    socket.on('message', (data, isBinary) => this.#receive(data, isBinary));
    socket.on('pong', () => {
      this.#answered = true;
    });
    socket.on('error', (error) => parts.log.debug({ error }, 'The socket of a gateway failed.'));
  }

  async expectHello(): Promise<void> {
    const { clock, limits } = this.#parts;
    await clock.sleep(limits.helloMs, this.#gone.signal);
    if (this.#gateway === null) this.#socket.terminate();
  }

  beat(): void {
    if (!this.#answered) {
      this.#socket.terminate();
      return;
    }
    this.#answered = false;
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.ping();
  }

  broadcast(broadcast: Broadcast): void {
    this.#say(broadcast);
  }

  gone(event: string): void {
    this.#say({ type: 'gone', event });
  }

  /** Silently kept, it would get no broadcasts and not know why. */
  #replaced(gateway: string): void {
    const fields = { gateway, address: this.#address };
    this.#parts.log.warn(
      fields,
      'A gateway of the same id came; the one before is cut off. Give each an id of its own.',
    );
    this.#socket.close(closeCodes.goingAway);
  }

  goAway(): void {
    this.#socket.close(closeCodes.goingAway);
  }

  closed(): void {
    this.#gone.abort();
    this.#gateway?.detach();
  }

  #receive(data: RawData, isBinary: boolean): void {
    const message = isBinary ? null : readGatewayMessage(String(data));
    if (message === null || (this.#gateway === null) !== (message.type === 'hello')) {
      this.#parts.log.warn(
        { address: this.#address },
        'A gateway said what is not in the protocol; it is cut off.',
      );
      this.#socket.close(closeCodes.badMessage);
      return;
    }
    if (message.type === 'hello') this.#hello(message.gateway, message.socketsMax);
    else if (this.#gateway !== null) this.#told(this.#gateway, message);
  }

  #hello(gateway: string, socketsMax: number | undefined): void {
    try {
      this.#gateway = this.#parts.router.attach(gateway, this.#address, this, {
        socketsMax,
        replaced: () => this.#replaced(gateway),
      });
    } catch (error) {
      if (!(error instanceof OutageError)) throw error;
      this.#parts.log.warn({ gateway, error }, 'A gateway was sent away.');
      this.#socket.close(closeCodes.goingAway);
    }
  }

  #told(gateway: AttachedGateway, message: Exclude<GatewayMessage, { readonly type: 'hello' }>): void {
    switch (message.type) {
      case 'unsubscribe':
        gateway.unsubscribe(message.event);
        return;
      case 'holds':
        gateway.holds(message.event, message.sockets);
        return;
      case 'report': {
        const { type: _, ...report } = message;
        this.#parts.router.report({ ...report, gateway: gateway.id });
        return;
      }
      case 'subscribe':
      case 'history':
        void this.#answer(gateway, message);
        return;
      default:
        unreachable(message);
    }
  }

  async #answer(gateway: AttachedGateway, question: Question): Promise<void> {
    const { request } = question;
    if (this.#answering >= this.#parts.limits.requestsMax) {
      this.#say({ type: 'busy', request });
      return;
    }
    this.#answering += 1;
    try {
      this.#say(await answerTo(gateway, question));
    } catch (error) {
      if (!(error instanceof OutageError)) throw error;
      this.#parts.log.warn({ gateway: gateway.id, error }, 'A question of a gateway could not be answered.');
      this.#say({ type: 'busy', request });
    } finally {
      this.#answering -= 1;
    }
  }

  #say(message: RouterMessage): void {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    this.#socket.send(JSON.stringify(message));
    if (this.#socket.bufferedAmount <= this.#parts.limits.bufferBytesMax) return;
    this.#parts.log.warn({ gateway: this.#gateway?.id }, 'A gateway reads too slowly; it is cut off.');
    this.#socket.terminate();
  }
}

async function answerTo(gateway: AttachedGateway, question: Question): Promise<RouterMessage> {
  const { type, request, event } = question;
  if (type === 'subscribe')
    return { type: 'state', request, broadcast: await gateway.subscribe(event, question) };
  const history = await gateway.history(event, question);
  if (history.kind === 'resync') return { type: 'resync', request, reason: history.reason };
  return { type: 'history', request, broadcasts: history.broadcasts };
}
