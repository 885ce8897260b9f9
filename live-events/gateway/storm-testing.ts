import { setTimeout as pause } from 'node:timers/promises';
import { WebSocket } from 'ws';
import {
  type Cursor,
  encodeCursor,
  liveSocketPath,
  liveSubprotocol,
  noCursor,
  readServerMessage,
  tokenSubprotocolPrefix,
} from '../../device/index.ts';
import { Backoff, type Random, seededRandom, systemClock } from '../../foundation/index.ts';
import { createDeviceTokens } from './device-tokens.ts';
import { createTestRouter, testEvent, testSecret } from './gateway-testing.ts';
import { freePort, KilledGateway } from './killed-gateway-testing.ts';
import { startRouterServer } from './router-socket-testing.ts';

export interface StormSummary {
  readonly devices: number;
  /** From the kill until half of the devices, 99 of 100, and all were welcomed with the newest stage. The start of the process is in it. */
  readonly recoveredMs: { readonly p50: number; readonly p99: number; readonly all: number };
  readonly connects: number;
  /** Sent away for a while. */
  readonly busy: number;
  /** While nothing listened there. */
  readonly unreachable: number;
}

const recoverMsMax = 60_000;

/** A device with the waits of the protocol, and nothing else: thousands fit into a process. */
class StormDevice {
  readonly #storm: Storm;
  readonly #token: string;
  readonly #waits: Backoff;
  #cursor: Cursor = noCursor;
  socket: WebSocket | null = null;
  /** When it last was welcomed at the newest. */
  currentMs = 0;

  constructor(storm: Storm, token: string, random: Random) {
    this.#storm = storm;
    this.#token = token;
    this.#waits = new Backoff({ baseMs: 500, maxMs: 30_000 }, systemClock, random);
  }

  dial(): void {
    const storm = this.#storm;
    if (storm.over) return;
    storm.connects += 1;
    const url = `${storm.url}?event=${testEvent}&after=${encodeCursor(this.#cursor)}`;
    const protocols = [liveSubprotocol, `${tokenSubprotocolPrefix}${this.#token}`];
    const socket = new WebSocket(url, protocols, { perMessageDeflate: false });
    this.socket = socket;
    socket.on('error', () => undefined);
    // With this listener ws leaves the rest to us: there is no close.
    socket.on('unexpected-response', (_request, response) => {
      storm.busy += 1;
      response.on('data', (body) => this.#again(JSON.parse(String(body)).retryAfterMs));
    });
    socket.on('message', (data) => {
      const message = readServerMessage(String(data));
      if (message === null) return;
      this.#waits.reset();
      this.#cursor = { epoch: message.epoch, sequence: message.sequence };
      if (message.sequence === storm.newest) this.currentMs = Date.now();
    });
    socket.on('close', () => {
      storm.unreachable += 1;
      this.#again(this.#waits.next());
    });
  }

  #again(afterMs: number): void {
    setTimeout(() => this.dial(), afterMs);
  }
}

class Storm {
  readonly url: string;
  over = false;
  newest = 1;
  connects = 0;
  busy = 0;
  unreachable = 0;

  constructor(url: string) {
    this.url = url;
  }
}

/**
 * All devices of a gateway lose it at once, by kill -9; it starts again on the same port, and a stage has changed meanwhile.
 *
 * @throws when not all are at the newest stage within a minute.
 */
export async function runStorm(seed: number, count: number): Promise<StormSummary> {
  const bench = createTestRouter();
  const server = await startRouterServer(bench.router);
  const port = await freePort();
  const gateway = new KilledGateway('gateway-1', port, [server.url]);
  await gateway.start();
  const storm = new Storm(`ws://127.0.0.1:${port}${liveSocketPath}`);
  const devices = await createDevices(storm, count, seededRandom(seed));
  try {
    for (const device of devices) device.dial();
    await until(() => devices.every(({ currentMs }) => currentMs > 0));
    Object.assign(storm, { connects: 0, busy: 0, unreachable: 0 });
    const killedMs = Date.now();
    await gateway.kill();
    storm.newest = bench.advance().sequence;
    await gateway.start();
    await until(() => devices.every(({ currentMs }) => currentMs > killedMs));
    const afterMs = devices
      .map(({ currentMs }) => currentMs - killedMs)
      .toSorted((one, other) => one - other);
    const at = (part: number): number => afterMs[Math.ceil(part * count) - 1] ?? 0;
    const { connects, busy, unreachable } = storm;
    return {
      devices: count,
      recoveredMs: { p50: at(0.5), p99: at(0.99), all: at(1) },
      connects,
      busy,
      unreachable,
    };
  } finally {
    storm.over = true;
    for (const { socket } of devices) socket?.terminate();
    if (gateway.alive) await gateway.kill();
    await server.kill();
  }
}

async function createDevices(storm: Storm, count: number, random: Random): Promise<readonly StormDevice[]> {
  const tokens = await createDeviceTokens(testSecret, systemClock);
  const expiresAtMs = Date.now() + 3_600_000;
  const devices: StormDevice[] = [];
  for (let index = 0; index < count; index += 1) {
    const claims = { event: testEvent, member: `Account:a${index}`, device: `tv-${index}`, expiresAtMs };
    devices.push(new StormDevice(storm, await tokens.sign(claims), random));
  }
  return devices;
}

async function until(condition: () => boolean): Promise<void> {
  const lastMs = Date.now() + recoverMsMax;
  while (!condition()) {
    if (Date.now() > lastMs)
      throw new Error(`not all devices are at the newest stage after ${recoverMsMax} ms`);
    await pause(20);
  }
}
