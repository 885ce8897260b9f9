import { connect, type Socket } from 'node:net';

export interface HttpAnswer {
  readonly status: number;
  readonly body: Buffer;
}

type Listener = (answer: HttpAnswer | null) => void;

const headEnd = Buffer.from('\r\n\r\n');
const chunkedEnd = Buffer.from('\r\n0\r\n\r\n');

/**
 * One keep-alive connection that has one request under way at most. Far less work than an HTTP client for everybody: a generator should
 * leave the machine to what it measures. Knows `content-length`, and chunked bodies as a whole: their chunks are not put together.
 */
export class HttpConnection {
  readonly #socket: Socket;
  #received: Buffer | null = null;
  #listener: Listener | null = null;
  #closed = false;
  #idleSinceMs = performance.now();

  constructor(host: string, port: number) {
    this.#socket = connect({ host, port, noDelay: true });
    this.#socket.on('data', (chunk) => this.#take(chunk));
    this.#socket.on('error', () => this.#end());
    this.#socket.on('close', () => this.#end());
  }

  get closed(): boolean {
    return this.#closed;
  }

  get idleSinceMs(): number {
    return this.#idleSinceMs;
  }

  /** The listener is told once: the answer, or null when the connection is gone. */
  send(request: string, listener: Listener): void {
    this.#listener = listener;
    this.#socket.write(request, 'latin1');
  }

  destroy(): void {
    this.#listener = null;
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    const received = this.#received === null ? chunk : Buffer.concat([this.#received, chunk]);
    const answer = parseAnswer(received);
    this.#received = answer === null ? received : null;
    if (answer !== null) this.#tell(answer);
  }

  #end(): void {
    this.#closed = true;
    this.#tell(null);
  }

  #tell(answer: HttpAnswer | null): void {
    const listener = this.#listener;
    this.#listener = null;
    this.#idleSinceMs = performance.now();
    listener?.(answer);
  }
}

/** Null while it is not whole. */
export function parseAnswer(received: Buffer): HttpAnswer | null {
  const headLength = received.indexOf(headEnd);
  if (headLength < 0) return null;
  const head = received.toString('latin1', 0, headLength);
  const status = Number(head.slice(9, 12));
  const bodyStart = headLength + headEnd.length;
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  if (length !== undefined) {
    const end = bodyStart + Number(length);
    return received.length < end ? null : { status, body: received.subarray(bodyStart, end) };
  }
  const ended = received.subarray(-chunkedEnd.length).equals(chunkedEnd);
  return ended ? { status, body: received.subarray(bodyStart, -chunkedEnd.length) } : null;
}
