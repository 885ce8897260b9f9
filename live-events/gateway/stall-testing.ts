import { WebSocket } from 'ws';
import { Histogram } from '../../bench/histogram.ts';
import {
  type Broadcast,
  liveSocketPath,
  liveSubprotocol,
  readServerMessage,
  tokenSubprotocolPrefix,
} from '../../device/index.ts';
import { systemClock } from '../../foundation/index.ts';
import { createDeviceTokens, type DeviceTokens } from './device-tokens.ts';
import { createTestRouter, type RouterBench, testEvent, testSecret } from './gateway-testing.ts';
import { freePort, KilledGateway } from './killed-gateway-testing.ts';
import { startRouterServer } from './router-socket-testing.ts';

export interface StallSummary {
  readonly readers: number;
  readonly stalled: number;
  readonly broadcastsPerSecond: number;
  /** Of each part. */
  readonly broadcasts: number;
  /** Sent, unmeasured, to fill what the system keeps for those who do not read; by then none of them was closed, or few. */
  readonly filled: number;
  /** Of the stalled ones, closed with 4408 until the end. */
  readonly closedAsTooSlow: number;
  /** Of the readers that never stall: all read; the others stall; the others have gone. */
  readonly allReading: Spread;
  readonly othersStalled: Spread;
  readonly othersGone: Spread;
}

/** Milliseconds from the intended moment of a broadcast until a reader had it, or a newer one in its place. */
interface Spread {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  /** Deliveries that a newer broadcast overtook. */
  readonly overtaken: number;
}

export interface StallOptions {
  readonly readers: number;
  readonly broadcastsPerSecond: number;
  /** Of each of the three parts. */
  readonly partSeconds: number;
  readonly socketBufferBytesMax: number;
  /** At most, until the first stalled reader is closed. */
  readonly fillMax: number;
}

const connectsAtOnce = 100;
const settleMs = 30_000;
const fillAtOnce = 10;

/** Broadcasts of one part by their sequences, each with the moment at which it was to be sent. */
interface Part {
  readonly firstSequence: number;
  readonly intendedMs: number[];
  readonly delaysMs: Histogram;
  overtaken: number;
}

/** Counts what it is sent, and when; parsed far enough to see that it is the right one. */
class Reader {
  readonly socket: WebSocket;
  sequence = 0;
  readonly greeted: Promise<void>;
  readonly #part: () => Part | null;

  constructor(url: string, token: string, part: () => Part | null) {
    this.#part = part;
    this.socket = new WebSocket(url, [liveSubprotocol, `${tokenSubprotocolPrefix}${token}`], {
      perMessageDeflate: false,
    });
    const greeted = Promise.withResolvers<void>();
    this.greeted = greeted.promise;
    this.socket.on('message', (data) => {
      const message = readServerMessage(String(data));
      if (message === null) return;
      if (message.type === 'broadcast') this.#received(message);
      this.sequence = message.sequence;
      greeted.resolve();
    });
    // Refused before it is greeted; a stalled one is cut in the end.
    this.socket.on('error', (error) => greeted.reject(error));
  }

  #received({ sequence }: Broadcast): void {
    const part = this.#part();
    if (part === null) return;
    const nowMs = performance.now();
    part.overtaken += sequence - this.sequence - 1;
    for (let one = this.sequence + 1; one <= sequence; one += 1) {
      const intendedMs = part.intendedMs[one - part.firstSequence];
      if (intendedMs !== undefined) part.delaysMs.record(nowMs - intendedMs);
    }
  }
}

class StallRun {
  readonly #options: StallOptions;
  readonly #bench: RouterBench;
  readonly #gateway: KilledGateway;
  readonly #progress: (done: number) => void;
  #part: Part | null = null;
  #sent = 0;

  constructor(
    options: StallOptions,
    bench: RouterBench,
    gateway: KilledGateway,
    progress: (done: number) => void,
  ) {
    this.#options = options;
    this.#bench = bench;
    this.#gateway = gateway;
    this.#progress = progress;
  }

  async run(): Promise<StallSummary> {
    const { readers, broadcastsPerSecond, partSeconds } = this.#options;
    const tokens = await createDeviceTokens(testSecret, systemClock);
    const measured = await this.#connect(tokens, readers - Math.floor(readers / 4), true);
    const others = await this.#connect(tokens, Math.floor(readers / 4), false);
    const allReading = await this.#measure(measured);
    for (const { socket } of others) socket.pause();
    const filled = await this.#fill(measured);
    const othersStalled = await this.#measure(measured);
    const { 4408: closedAsTooSlow = 0 } = await this.#gateway.closes();
    for (const { socket } of others) socket.terminate();
    const othersGone = await this.#measure(measured);
    for (const { socket } of measured) socket.terminate();
    return {
      readers,
      stalled: others.length,
      broadcastsPerSecond,
      broadcasts: partSeconds * broadcastsPerSecond,
      filled,
      closedAsTooSlow,
      allReading,
      othersStalled,
      othersGone,
    };
  }

  /** Broadcasts at their moments, whether or not those before have arrived. @throws when a reader was closed, or does not have the last one. */
  async #measure(readers: readonly Reader[]): Promise<Spread> {
    const { broadcastsPerSecond, partSeconds } = this.#options;
    const firstSequence = this.#bench.journal.broadcast(testEvent).sequence + 1;
    const part: Part = { firstSequence, intendedMs: [], delaysMs: new Histogram(), overtaken: 0 };
    this.#part = part;
    const startedMs = performance.now();
    for (let index = 0; index < partSeconds * broadcastsPerSecond; index += 1) {
      const intendedMs = startedMs + (index * 1_000) / broadcastsPerSecond;
      await systemClock.sleep(Math.max(0, intendedMs - performance.now()));
      part.intendedMs.push(intendedMs);
      this.#bench.advance();
      this.#sent += 1;
      this.#progress(this.#sent);
    }
    await this.#arrived(readers);
    if (readers.some(({ socket }) => socket.readyState !== WebSocket.OPEN))
      throw new Error('A reader was closed.');
    this.#part = null;
    const at = (share: number): number => Number(part.delaysMs.quantile(share).toFixed(1));
    return { p50: at(0.5), p99: at(0.99), max: at(1), overtaken: part.overtaken };
  }

  /** One after the other, as fast as they are read. */
  async #fill(readers: readonly Reader[]): Promise<number> {
    const { fillMax } = this.#options;
    for (let sent = 0; sent < fillMax; sent += fillAtOnce) {
      for (let one = 0; one < fillAtOnce; one += 1) {
        this.#bench.advance();
        await this.#arrived(readers);
      }
      if ((await this.#gateway.closes())[4408] !== undefined) return sent + fillAtOnce;
    }
    return fillMax;
  }

  async #arrived(readers: readonly Reader[]): Promise<void> {
    const { sequence } = this.#bench.journal.broadcast(testEvent);
    const untilMs = performance.now() + settleMs;
    while (readers.some((reader) => reader.sequence < sequence)) {
      if (performance.now() > untilMs) throw new Error(`A reader does not have broadcast ${sequence}.`);
      await systemClock.sleep(1);
    }
  }

  async #connect(tokens: DeviceTokens, count: number, measured: boolean): Promise<readonly Reader[]> {
    const url = `ws://127.0.0.1:${this.#gateway.port}${liveSocketPath}?event=${testEvent}`;
    const expiresAtMs = Date.now() + 3_600_000;
    const readers: Reader[] = [];
    while (readers.length < count) {
      const some: Reader[] = [];
      while (some.length < connectsAtOnce && readers.length + some.length < count) {
        const device = `${measured ? 'reader' : 'other'}-${readers.length + some.length}`;
        const token = await tokens.sign({ event: testEvent, member: 'Account:a1', device, expiresAtMs });
        some.push(new Reader(url, token, () => (measured ? this.#part : null)));
      }
      await Promise.all(some.map(({ greeted }) => greeted));
      readers.push(...some);
    }
    return readers;
  }
}

/**
 * A gateway of its own process with many readers, of which a quarter stops reading. What the others wait for a broadcast is measured from its intended moment: before,
 * meanwhile and after.
 *
 * @throws when one of the others is closed, or does not get the newest broadcast.
 */
export async function runStalls(
  options: StallOptions,
  progress: (done: number) => void,
): Promise<StallSummary> {
  const bench = createTestRouter();
  const server = await startRouterServer(bench.router);
  const { socketBufferBytesMax } = options;
  const limits = { socketBufferBytesMax, connectsBurst: options.readers, closeMs: 600_000 };
  const gateway = new KilledGateway('gateway-1', await freePort(), [server.url], limits);
  await gateway.start();
  try {
    return await new StallRun(options, bench, gateway, progress).run();
  } finally {
    await gateway.kill();
    await server.kill();
  }
}
