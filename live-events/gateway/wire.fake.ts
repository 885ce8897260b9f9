import { readHeartbeat, readServerMessage, type ServerMessage } from '../../device/index.ts';
import { must } from '../../foundation/index.ts';
import type { Outlet, Wire } from './session.ts';

/**
 * Reads what is written to it at once or, when it is told to stall, keeps it. As a connection's, its outlet takes bytes for a while after
 * a close is on its way; a frame written to it then would lie behind the close frame, and is an error.
 */
export class FakeWire implements Wire {
  stalled = false;
  closed: number | null = null;
  readonly received: ServerMessage[] = [];
  readonly outlet: FakeOutlet;
  readonly #hear: (message: ServerMessage) => void;

  constructor(hear?: (message: ServerMessage) => void) {
    this.#hear = hear ?? ((message) => this.received.push(message));
    this.outlet = new FakeOutlet(this);
  }

  write(frames: Buffer): void {
    if (this.closed === null) this.outlet.write(frames);
  }

  hear(text: string): void {
    if (readHeartbeat(text) === null)
      this.#hear(must(readServerMessage(text), 'a gateway says what the protocol has'));
  }

  shut(code: number): void {
    this.closed = code;
  }

  terminate(): void {
    this.shut(1006);
  }
}

class FakeOutlet implements Outlet {
  readonly writable = true;
  writableLength = 0;
  readonly #wire: FakeWire;

  constructor(wire: FakeWire) {
    this.#wire = wire;
  }

  write(frames: Buffer): void {
    if (this.#wire.closed !== null) throw new Error('a frame after the close frame');
    if (this.#wire.stalled) this.writableLength += frames.length;
    for (const text of unframed(frames)) this.#wire.hear(text);
  }
}

function* unframed(frames: Buffer): Generator<string> {
  let at = 0;
  while (at < frames.length) {
    const short = frames.readUInt8(at + 1);
    const offset = short === 126 ? 4 : 2;
    const length = short === 126 ? frames.readUInt16BE(at + 2) : short;
    yield frames.toString('utf8', at + offset, at + offset + length);
    at += offset + length;
  }
}
