import type { FleetConstants } from './fleet-constants.ts';

/** The gateways of a rehearsal: how many sockets each holds, what it may accept, and what its core does. Each simulated device weighs `weight` devices. */
export class VirtualGateways {
  readonly count: number;
  readonly #constants: FleetConstants;
  readonly #weight: number;
  readonly #sockets: Float64Array;
  readonly #tokens: Float64Array;
  readonly #micros: Float64Array;
  readonly #busyShare: Float64Array;
  readonly #backAtMs: Float64Array;

  constructor(count: number, constants: FleetConstants, weight: number) {
    this.count = count;
    this.#constants = constants;
    this.#weight = weight;
    this.#sockets = new Float64Array(count);
    this.#tokens = new Float64Array(count).fill(constants.connectsPerSecondPerGateway);
    this.#micros = new Float64Array(count);
    this.#busyShare = new Float64Array(count);
    this.#backAtMs = new Float64Array(count);
  }

  kill(gateway: number, backAtMs: number): void {
    this.#backAtMs[gateway] = backAtMs;
    this.#sockets[gateway] = 0;
  }

  isUp(gateway: number, nowMs: number): boolean {
    return nowMs >= (this.#backAtMs[gateway] ?? 0);
  }

  /** As a balancer does it: at random among those that are up; null when none is. */
  pick(nowMs: number, drawn: number): number | null {
    const first = Math.floor(drawn * this.count);
    for (let step = 0; step < this.count; step += 1) {
      const gateway = (first + step) % this.count;
      if (this.isUp(gateway, nowMs)) return gateway;
    }
    return null;
  }

  /** False: it has no room, or connects come faster than it allows. */
  connect(gateway: number): boolean {
    const tokens = this.#tokens[gateway] ?? 0;
    const sockets = this.#sockets[gateway] ?? 0;
    const hasRoom = sockets + this.#weight <= this.#constants.socketsPerGateway;
    // A device that stands for many may take the last token, or a gateway of few tokens would never take any.
    if (!hasRoom || tokens <= 0) return false;
    this.#tokens[gateway] = tokens - this.#weight;
    this.#sockets[gateway] = sockets + this.#weight;
    this.worked(gateway, this.#constants.cpuMicrosPerConnect * this.#weight);
    return true;
  }

  disconnect(gateway: number): void {
    this.#sockets[gateway] = Math.max(0, (this.#sockets[gateway] ?? 0) - this.#weight);
  }

  worked(gateway: number, micros: number): void {
    this.#micros[gateway] = (this.#micros[gateway] ?? 0) + micros;
  }

  /** Deliveries a millisecond beside what else its core does; never less than a tenth, since writing is not starved for ever. */
  deliveriesPerMs(gateway: number): number {
    const free = Math.max(0.1, 1 - (this.#busyShare[gateway] ?? 0));
    return (this.#constants.deliveriesPerSecond * free) / 1000;
  }

  tick(tickMs: number): void {
    const { connectsPerSecondPerGateway } = this.#constants;
    const refill = (connectsPerSecondPerGateway * tickMs) / 1000;
    for (let gateway = 0; gateway < this.count; gateway += 1) {
      const tokens = (this.#tokens[gateway] ?? 0) + refill;
      this.#tokens[gateway] = Math.min(connectsPerSecondPerGateway, tokens);
    }
  }

  /** Ends a second: what the cores did in it. */
  second(): {
    readonly mean: number;
    readonly max: number;
    readonly sockets: number;
    readonly socketsMax: number;
  } {
    const { pingMs, cpuMicrosPerHeartbeat } = this.#constants;
    let sum = 0;
    let max = 0;
    let sockets = 0;
    let socketsMax = 0;
    for (let gateway = 0; gateway < this.count; gateway += 1) {
      const held = this.#sockets[gateway] ?? 0;
      const heartbeats = (held * 1000 * cpuMicrosPerHeartbeat) / pingMs;
      const busy = ((this.#micros[gateway] ?? 0) + heartbeats) / 1e6;
      this.#busyShare[gateway] = Math.min(1, busy);
      this.#micros[gateway] = 0;
      sum += Math.min(1, busy);
      max = Math.max(max, busy);
      sockets += held;
      socketsMax = Math.max(socketsMax, held);
    }
    return { mean: sum / this.count, max, sockets, socketsMax };
  }
}
