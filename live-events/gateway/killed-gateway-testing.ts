import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { must } from '../../foundation/index.ts';
import type { GatewayLimits } from './gateway-limits.ts';
import type { GatewayMetrics } from './gateway-metrics.ts';

/** A gateway that can be killed with -9 and started again on the same port. */
export class KilledGateway {
  readonly id: string;
  readonly port: number;
  readonly #routers: readonly string[];
  readonly #limits: Partial<GatewayLimits>;
  #process: ChildProcess | null = null;

  constructor(id: string, port: number, routers: readonly string[], limits: Partial<GatewayLimits> = {}) {
    this.#limits = limits;
    this.id = id;
    this.port = port;
    this.#routers = routers;
  }

  get alive(): boolean {
    return this.#process !== null;
  }

  /** Resolves when it takes connections. */
  async start(): Promise<void> {
    const file = fileURLToPath(new URL('./gateway-process-testing.ts', import.meta.url));
    const started = fork(file, [this.id, String(this.port), JSON.stringify(this.#limits), ...this.#routers], {
      execArgv: [],
    });
    this.#process = started;
    await once(started, 'message');
  }

  async kill(): Promise<void> {
    const killed = must(this.#process, 'it was started');
    this.#process = null;
    const gone = once(killed, 'exit');
    killed.kill('SIGKILL');
    await gone;
  }

  /** How many sockets it closed with which code. */
  async closes(): Promise<GatewayMetrics['closed']> {
    const asked = must(this.#process, 'it was started');
    asked.send('closes');
    const [closed] = await once(asked, 'message');
    return closed;
  }
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}
