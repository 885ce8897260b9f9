import { connect, type Socket } from 'node:net';
import { benchTokens } from './bench-tokens.ts';
import { type Dialect, dialectOf, isBroadcast, partsOf, type TargetName, unwrap } from './dialects.ts';
import { clientFrame, opcodes, readFrame } from './frames.ts';
import { monotonicMs } from './monotonic.ts';

export interface SwarmOrder {
  readonly target: TargetName;
  readonly host: string;
  readonly port: number;
  readonly sockets: number;
  /** Number of the first client: two swarms at one server have different ones. */
  readonly firstClient: number;
  readonly broadcasts: number;
  /** Whether each broadcast is answered with `applied`, as devices do. */
  readonly acknowledges: boolean;
}

const connectingMax = 100;
/** Of so many sockets one reads what it is sent, and checks it. */
const probeEvery = 100;
const upgradeEnd = Buffer.from('\r\n\r\n');
const tokenLifeMs = 86_400_000;
const readBytes = 65_536;

/**
 * Many clients of one server. All but the probes look at the heads of frames and at the digits of the sequence alone, so that the machine's other core can keep up
 * with the server; probes read all. Who is sent a later broadcast in place of some that it missed has reached those too, at that moment: `collapsed` counts them.
 */
export class Swarm {
  readonly #order: SwarmOrder;
  readonly #dialect: Dialect;
  /** Of each broadcast the moments at which clients got it, in the order in which they did. */
  readonly #arrivals: readonly Float64Array[];
  readonly #arrived: Uint32Array;
  readonly #sockets: Socket[] = [];
  #closed = 0;
  #collapsed = 0;
  /** Where in a payload the sequence stands: the same in all. */
  #digitsAt = -1;
  #fault: string | null = null;

  private constructor(order: SwarmOrder, dialect: Dialect) {
    this.#order = order;
    this.#dialect = dialect;
    this.#arrivals = Array.from({ length: order.broadcasts }, () => new Float64Array(order.sockets));
    this.#arrived = new Uint32Array(order.broadcasts);
  }

  /** All connected and subscribed when it resolves. */
  static async connect(order: SwarmOrder): Promise<Swarm> {
    const dialect = dialectOf(order.target, await benchTokens(), Date.now() + tokenLifeMs);
    const swarm = new Swarm(order, dialect);
    let next = 0;
    const some = async (): Promise<void> => {
      while (next < order.sockets) {
        const index = next;
        next += 1;
        await swarm.#add(index);
      }
    };
    await Promise.all(Array.from({ length: connectingMax }, some));
    return swarm;
  }

  /** Sockets that were closed, and what the first probe found wrong. */
  get trouble(): { readonly closed: number; readonly fault: string | null; readonly collapsed: number } {
    return { closed: this.#closed, fault: this.#fault, collapsed: this.#collapsed };
  }

  get received(): number {
    return this.#arrived.reduce((sum, count) => sum + count, 0);
  }

  arrivals(): readonly Float64Array[] {
    return this.#arrivals.map((moments, i) => moments.slice(0, this.#arrived[i]));
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async #add(index: number): Promise<void> {
    const { host, port, firstClient } = this.#order;
    const { path, headers } = await this.#dialect.upgrade(firstClient + index);
    const head = [
      `GET ${path} HTTP/1.1`,
      `Host: ${host}:${port}`,
      'Upgrade: websocket',
      'Connection: Upgrade',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
      ...headers,
    ];
    await new Promise<void>((resolve, reject) => {
      const client = new Client(this.#dialect, {
        ready: resolve,
        failed: reject,
        broadcast: (last, payload) => this.#got(socket, index, last, payload),
        send: (frame) => socket.write(frame),
      });
      const socket = connect({
        host,
        port,
        noDelay: true,
        onread: {
          buffer: sharedBuffer,
          callback: (length) => {
            client.read(sharedBuffer, length);
            return true;
          },
        },
      });
      this.#sockets.push(socket);
      socket.once('connect', () => socket.write(`${head.join('\r\n')}\r\n\r\n`));
      socket.on('error', reject);
      socket.on('close', () => {
        this.#closed += 1;
        reject(new Error('closed before it was subscribed'));
      });
    });
  }

  /** `last`: the broadcast that this client got before. Answers which this is. */
  #got(socket: Socket, index: number, last: number, payload: Buffer): number {
    const nth = this.#nthOf(payload);
    if (nth <= last || nth >= this.#order.broadcasts) {
      this.#fault ??= `after broadcast ${last} came ${nth}`;
      return last;
    }
    const nowMs = monotonicMs();
    for (let reached = last + 1; reached <= nth; reached++) this.#reach(reached, nowMs);
    this.#collapsed += nth - last - 1;
    if (index % probeEvery === 0) this.#probe(nth, payload);
    if (this.#order.acknowledges) socket.write(appliedFrame(nth));
    return nth;
  }

  #reach(nth: number, nowMs: number): void {
    const arrived = this.#arrived[nth] ?? 0;
    const moments = this.#arrivals[nth];
    if (moments !== undefined) moments[arrived] = nowMs;
    this.#arrived[nth] = arrived + 1;
  }

  #nthOf(payload: Buffer): number {
    if (this.#digitsAt < 0) this.#digitsAt = payload.indexOf(sequenceMark) + sequenceMark.length;
    let sequence = 0;
    for (let i = 0; i < sequenceDigits; i++)
      sequence = sequence * 10 + (payload[this.#digitsAt + i] ?? 0) - digitZero;
    return sequence - firstSequence;
  }

  #probe(nth: number, payload: Buffer): void {
    const message = unwrap(payload);
    const sequence =
      typeof message === 'object' && message !== null && 'sequence' in message ? message.sequence : null;
    if (sequence !== nth + firstSequence) this.#fault ??= `broadcast ${nth} has sequence ${String(sequence)}`;
  }
}

/** Of the first broadcast that is published; a gateway greets with the one before. */
export const firstSequence = 1001;
const sequenceDigits = 4;
const sequenceMark = Buffer.from('"sequence":');
const digitZero = 0x30;
export const benchEpoch = 1_795_300_000_000;
const sharedBuffer = Buffer.alloc(readBytes);

/** The same for all clients. */
const appliedFrames: Buffer[] = [];
function appliedFrame(nth: number): Buffer {
  const message = { type: 'applied', epoch: benchEpoch, sequence: nth + firstSequence, delayMs: 1 };
  appliedFrames[nth] ??= clientFrame(opcodes.text, JSON.stringify(message));
  return appliedFrames[nth];
}

interface ClientEvents {
  ready(): void;
  failed(error: Error): void;
  broadcast(last: number, payload: Buffer): number;
  send(frame: Buffer): void;
}

class Client {
  readonly #dialect: Dialect;
  readonly #events: ClientEvents;
  #state: 'upgrading' | 'greeting' | 'ready' = 'upgrading';
  #rest: Buffer | null = null;
  #last = -1;

  constructor(dialect: Dialect, events: ClientEvents) {
    this.#dialect = dialect;
    this.#events = events;
  }

  /** `buffer` holds the next client's bytes as soon as this returns. */
  read(buffer: Buffer, length: number): void {
    let bytes = buffer.subarray(0, length);
    if (this.#rest !== null) {
      bytes = Buffer.concat([this.#rest, bytes]);
      this.#rest = null;
    }
    let offset = 0;
    if (this.#state === 'upgrading') {
      const end = bytes.indexOf(upgradeEnd);
      if (end >= 0 && !bytes.toString('latin1', 0, 13).startsWith('HTTP/1.1 101')) {
        this.#events.failed(new Error(`the upgrade was refused: ${bytes.toString('utf8', 0, 300)}`));
        return;
      }
      if (end >= 0) {
        this.#state = 'greeting';
        if (this.#dialect.first !== null) this.#events.send(this.#dialect.first);
        offset = end + upgradeEnd.length;
      }
    }
    if (this.#state !== 'upgrading') offset = this.#frames(bytes, offset);
    if (offset < bytes.length) this.#rest = Buffer.from(bytes.subarray(offset));
  }

  #frames(bytes: Buffer, from: number): number {
    let offset = from;
    for (let frame = readFrame(bytes, offset); frame !== null; frame = readFrame(bytes, offset)) {
      const { opcode, start, end } = frame;
      offset = end;
      if (this.#state === 'ready' && opcode <= opcodes.binary && isBroadcast(end - start)) {
        const payload = bytes.subarray(start, end);
        const { mixes } = this.#dialect;
        for (const part of mixes === null ? [payload] : partsOf(payload, mixes))
          this.#last = this.#events.broadcast(this.#last, part);
        if (mixes !== null) this.#answer(payload);
      } else this.#other(opcode, bytes.subarray(start, end));
    }
    return offset;
  }

  #answer(payload: Buffer): void {
    const answer = this.#dialect.heartbeat(payload);
    if (answer !== null) this.#events.send(answer);
  }

  #other(opcode: number, payload: Buffer): void {
    if (opcode === opcodes.ping) this.#events.send(clientFrame(opcodes.pong, payload));
    if (opcode > opcodes.binary) return;
    if (this.#state === 'ready') {
      this.#answer(payload);
      return;
    }
    const answer = this.#dialect.greet(payload);
    if (answer === 'done') {
      this.#state = 'ready';
      this.#events.ready();
    } else if (answer !== null) this.#events.send(answer);
  }
}
