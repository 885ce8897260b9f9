import { readHeartbeat, readServerMessage, type ServerMessage } from '../../device/index.ts';
import { must } from '../../foundation/index.ts';
import type { Outlet, Wire } from './session.ts';

/** Reads what is written to it at once or, when it is told to stall, keeps it. */
export class FakeWire implements Wire, Outlet {
  readonly outlet = this;
  writable = true;
  stalled = false;
  closed: number | null = null;
  readonly received: ServerMessage[] = [];
  readonly #hear: (message: ServerMessage) => void;
  #waiting = 0;

  constructor(hear?: (message: ServerMessage) => void) {
    this.#hear = hear ?? ((message) => this.received.push(message));
  }

  get writableLength(): number {
    return this.#waiting;
  }

  write(frames: Buffer): void {
    if (!this.writable) return;
    if (this.stalled) this.#waiting += frames.length;
    for (const text of unframed(frames)) {
      if (readHeartbeat(text) === null)
        this.#hear(must(readServerMessage(text), 'a gateway says what the protocol has'));
    }
  }

  shut(code: number): void {
    this.writable = false;
    this.closed = code;
  }

  terminate(): void {
    this.shut(1006);
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
