import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocket } from 'ws';
import {
  type Applied,
  type Broadcast,
  type Cursor,
  encodeCursor,
  liveSocketPath,
  liveSubprotocol,
  readHeartbeat,
  readServerMessage,
  type ServerMessage,
  tokenSubprotocolPrefix,
} from '../../device/index.ts';
import { type Clock, must, silentLog, steadyTime, systemClock } from '../../foundation/index.ts';
import type { DeliveryReport, RouterLink } from '../ports.ts';
import { InProcessLink } from '../router/in-process-link.ts';
import { Router, type RouterLimits, routerLimitsDefault } from '../router/router.ts';
import { SubscriptionLog } from '../router/subscription-log.ts';
import { MemorySubscriptionTable, type SubscriptionTable } from '../router/subscription-table.ts';
import { createDeviceTokens, type DeviceTokens } from './device-tokens.ts';
import { Gateway, type GatewayParts } from './gateway.ts';
import type { GatewayLimits } from './gateway-limits.ts';
import { ampleGatewayLimits } from './gateway-limits-testing.ts';
import { FakeJournal } from './journal.fake.ts';

export const testSecret: Uint8Array = new Uint8Array(32).fill(7);
export const testOrigin = 'https://app.example.com';
export const testEvent = 'fight-1';
const hourMs = 3_600_000;

export interface RouterBench {
  readonly journal: FakeJournal;
  readonly router: Router;
  readonly reports: DeliveryReport[];
  /** The next stage, journaled and broadcast. */
  advance(event?: string): Broadcast;
}

export function createTestRouter(
  table: SubscriptionTable = new MemorySubscriptionTable(),
  journal: FakeJournal = new FakeJournal(),
  limits: Partial<RouterLimits> = {},
): RouterBench {
  if (journal.get(testEvent) === null) journal.create(testEvent);
  const reports: DeliveryReport[] = [];
  const subscriptions = new SubscriptionLog({
    table,
    clock: systemClock,
    random: Math.random,
    log: silentLog,
  });
  const router = new Router({
    events: journal,
    subscriptions,
    report: (report) => reports.push(report),
    limits: { ...routerLimitsDefault, ...limits },
    clock: systemClock,
  });
  const advance = (event = testEvent): Broadcast => {
    const broadcast = journal.advance(event);
    router.broadcast(broadcast);
    return broadcast;
  };
  return { journal, router, reports, advance };
}

export interface TestGateway {
  readonly gateway: Gateway;
  readonly tokens: DeviceTokens;
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
  /** As a process that is killed does: every connection cut, nothing said. */
  kill(): void;
}

export async function startTestGateway(
  link: RouterLink,
  options: {
    readonly limits?: Partial<GatewayLimits>;
    readonly clock?: Clock;
    readonly steadyMs?: () => number;
    readonly id?: string;
    readonly port?: number;
    readonly refuses?: GatewayParts['refuses'];
    /** False: whoever tests starts it. */
    readonly started?: boolean;
  } = {},
): Promise<TestGateway> {
  const {
    limits,
    clock = systemClock,
    steadyMs = steadyTime,
    id = 'gateway-1',
    port: wanted = 0,
    refuses,
  } = options;
  const tokens = await createDeviceTokens(testSecret, clock);
  const gateway = new Gateway({
    id,
    link,
    tokens,
    allowedOrigins: new Set([testOrigin]),
    ...(refuses === undefined ? {} : { refuses }),
    limits: { ...ampleGatewayLimits, drainMs: 100, closeMs: 1_000, ...limits },
    clock,
    steadyMs,
    random: Math.random,
    log: silentLog,
  });
  if (options.started !== false) gateway.start();
  const server = createServer();
  server.on('upgrade', (request, connection, head) => {
    if (!gateway.upgrade(request, connection, head)) connection.destroy();
  });
  const connections = new Set<Duplex>();
  server.on('connection', (connection) => {
    connections.add(connection);
    connection.on('close', () => connections.delete(connection));
  });
  const port = await listen(server, wanted);
  const kill = (): void => {
    server.close();
    for (const connection of connections) connection.destroy();
  };
  const close = async (): Promise<void> => {
    await gateway.close();
    kill();
  };
  return { gateway, tokens, port, url: `ws://127.0.0.1:${port}${liveSocketPath}`, close, kill };
}

export async function startTestGatewayAlone(
  options: Parameters<typeof startTestGateway>[1] = {},
): Promise<TestGateway & RouterBench> {
  const bench = createTestRouter();
  const link = new InProcessLink(bench.router, options.id ?? 'gateway-1', 20_000);
  return { ...bench, ...(await startTestGateway(link, options)) };
}

async function listen(server: Server, port: number): Promise<number> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return isAddress(address) ? address.port : 0;
}

function isAddress(address: ReturnType<Server['address']>): address is AddressInfo {
  return typeof address === 'object' && address !== null;
}

export interface ConnectOptions {
  readonly device?: string;
  readonly member?: string;
  readonly event?: string;
  readonly after?: Cursor | string;
  readonly token?: string;
  readonly expiresAtMs?: number;
  readonly origin?: string;
  /** Instead of those of the protocol. */
  readonly protocols?: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
  /** Told of each message. */
  readonly hear?: (message: ServerMessage) => void;
}

/** A device that keeps to no rules: it says what the test says. */
export class TestDevice {
  readonly socket: WebSocket;
  heartbeats = 0;
  readonly received: ServerMessage[] = [];
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  #wake = (): void => undefined;

  constructor(
    url: string,
    protocols: readonly string[],
    headers: Readonly<Record<string, string>>,
    hear: (message: ServerMessage) => void = (message) => this.received.push(message),
  ) {
    this.socket = new WebSocket(url, [...protocols], { headers: { ...headers }, perMessageDeflate: false });
    this.socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => {
      this.socket.once('close', (code, reason) => {
        resolve({ code, reason: String(reason) });
        this.#wake();
      });
    });
    this.socket.on('message', (data) => {
      const text = String(data);
      if (readHeartbeat(text) !== null) {
        this.heartbeats += 1;
        return;
      }
      hear(must(readServerMessage(text), 'a gateway says what the protocol has'));
      this.#wake();
    });
  }

  /** What came, once the condition holds for it. */
  async until(condition: (received: readonly ServerMessage[]) => boolean): Promise<readonly ServerMessage[]> {
    while (!condition(this.received)) {
      if (this.socket.readyState === WebSocket.CLOSED) throw new Error('closed before that came');
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.received;
  }

  async messages(count: number): Promise<readonly ServerMessage[]> {
    return await this.until(({ length }) => length >= count);
  }

  applied({ epoch, sequence }: Cursor, delayMs: number | null = 5): void {
    const message: Applied = { type: 'applied', epoch, sequence, delayMs };
    this.socket.send(JSON.stringify(message));
  }
}

async function target(
  { tokens, url }: Pick<TestGateway, 'tokens' | 'url'>,
  options: ConnectOptions,
): Promise<{
  readonly url: string;
  readonly protocols: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
}> {
  const { device = 'tv-1', member = 'Account:a1', event = testEvent, after } = options;
  const expiresAtMs = options.expiresAtMs ?? Date.now() + hourMs;
  const token = options.token ?? (await tokens.sign({ event, member, device, expiresAtMs }));
  const protocols = options.protocols ?? [liveSubprotocol, `${tokenSubprotocolPrefix}${token}`];
  const query = new URLSearchParams({ event });
  if (after !== undefined) query.set('after', typeof after === 'string' ? after : encodeCursor(after));
  const headers = { ...options.headers, ...(options.origin === undefined ? {} : { origin: options.origin }) };
  return { url: `${url}?${query}`, protocols, headers };
}

/** Connects, and waits for the greeting. */
export async function connect(
  gateway: Pick<TestGateway, 'tokens' | 'url'>,
  options: ConnectOptions = {},
): Promise<TestDevice> {
  const { url, protocols, headers } = await target(gateway, options);
  const device = new TestDevice(url, protocols, headers, options.hear);
  if (options.hear === undefined) await device.messages(1);
  return device;
}

export interface RefusedConnect {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly body: { readonly code: string; readonly retryAfterMs?: number; readonly retriesMax?: number };
}

/** Connects, and returns the HTTP answer that it was refused with. */
export async function refusedConnect(
  gateway: Pick<TestGateway, 'tokens' | 'url'>,
  options: ConnectOptions = {},
): Promise<RefusedConnect> {
  const { url, protocols, headers } = await target(gateway, options);
  const socket = new WebSocket(url, [...protocols], { headers: { ...headers } });
  return await new Promise((resolve, reject) => {
    socket.once('open', () => reject(new Error('the connect was not refused')));
    socket.once('error', reject);
    socket.once('unexpected-response', (_request, response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => {
        text += part;
      });
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          retryAfter: response.headers['retry-after'],
          body: JSON.parse(text),
        }),
      );
    });
  });
}
