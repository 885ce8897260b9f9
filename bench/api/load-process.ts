import { must, seededRandom } from '../../foundation/index.ts';
import { Histogram } from '../histogram.ts';
import { accountId } from '../ingest/playback-events.ts';
import { HttpConnection } from './http-connection.ts';
import type { LoadOrder, LoadReport } from './load.ts';

const tickMs = 1;
const drainMs = 10_000;
/** Node's servers close a connection that was idle for five seconds: one that might be closed under a request is not used. */
const idleMsMax = 3000;
const sentKeptMax = 10_000;
const errorMark = Buffer.from('"errors":');

interface Body {
  /** With the request's head in front. */
  readonly before: string;
  readonly after: string;
}

/**
 * Open loop. Each request has a moment at which it is meant to be sent, whatever has become of those before it, and its latency counts from that moment:
 * one that waits for a free connection, or for this process, has waited. Moments are evenly spread.
 */
class Load {
  readonly #order: LoadOrder;
  readonly #random: () => number;
  readonly #bodies: readonly Body[];
  readonly #latency = new Histogram();
  readonly #late = new Histogram();
  /** The one that has been free for longest is used first, so that none is idle long enough for a server to close it. */
  readonly #free: HttpConnection[] = [];
  /** The intended moment of what each connection carries. */
  readonly #carried = new Map<HttpConnection, number>();
  /** Intended moments that wait for a connection, from `#next` on. */
  readonly #waiting: number[] = [];
  #next = 0;
  #sent = 0;
  #bytes = 0;
  #answered = 0;
  #errors = 0;
  #refused = 0;
  #firstError: string | null = null;

  constructor(order: LoadOrder) {
    this.#order = order;
    this.#random = seededRandom(order.seed);
    this.#bodies = [order.body, ...(order.more ?? [])].map(([before, after]) => {
      const length = Buffer.byteLength(before + after) + accountId(0).length;
      const head =
        `POST /graphql HTTP/1.1\r\nhost: ${order.host}:${order.port}\r\ncontent-type: application/json\r\n` +
        `accept: application/json\r\ncontent-length: ${length}\r\n\r\n`;
      return { before: head + before, after };
    });
  }

  async run(): Promise<LoadReport> {
    const { perSecond, seconds, waitingMax } = this.#order;
    const total = Math.round(perSecond * seconds);
    const cpu = process.cpuUsage();
    const beganMs = performance.now();
    let due = 0;
    let gaveUp = false;
    while (due < total && !gaveUp) {
      const nowMs = performance.now();
      const until = Math.min(total, Math.floor(((nowMs - beganMs) * perSecond) / 1000) + 1);
      for (; due < until; due++) this.#due(beganMs + (due * 1000) / perSecond, nowMs);
      gaveUp = this.#unanswered > waitingMax;
      await pause();
    }
    const deadline = performance.now() + drainMs;
    while (!gaveUp && this.#unanswered > 0 && performance.now() < deadline) await pause();
    const usage = process.cpuUsage(cpu);
    const elapsedMs = performance.now() - beganMs;
    this.#countUnanswered(gaveUp);
    for (const connection of [...this.#carried.keys(), ...this.#free]) connection.destroy();
    return {
      sent: due,
      answered: this.#answered,
      p50Ms: this.#latency.quantile(0.5),
      p99Ms: this.#latency.quantile(0.99),
      maxMs: this.#latency.max,
      errors: this.#errors,
      refused: this.#refused,
      firstError: this.#firstError,
      gaveUp,
      lateP99Ms: this.#late.quantile(0.99),
      bytesPerAnswer: this.#bytes / this.#latency.count,
      cores: (usage.user + usage.system) / 1000 / elapsedMs,
    };
  }

  get #unanswered(): number {
    return this.#carried.size + this.#waiting.length - this.#next;
  }

  #due(intendedMs: number, nowMs: number): void {
    this.#late.record(nowMs - intendedMs);
    this.#waiting.push(intendedMs);
    this.#sendWaiting();
  }

  #sendWaiting(): void {
    while (this.#next < this.#waiting.length) {
      const connection = this.#freeConnection();
      if (connection === null) break;
      const intendedMs = this.#waiting[this.#next] ?? 0;
      this.#next += 1;
      this.#send(connection, intendedMs);
    }
    if (this.#next === this.#waiting.length || this.#next > sentKeptMax) {
      this.#waiting.splice(0, this.#next);
      this.#next = 0;
    }
  }

  #freeConnection(): HttpConnection | null {
    for (let free = this.#free.shift(); free !== undefined; free = this.#free.shift()) {
      if (!free.closed && performance.now() - free.idleSinceMs < idleMsMax) return free;
      free.destroy();
    }
    const { host, port, connections } = this.#order;
    return this.#carried.size < connections ? new HttpConnection(host, port) : null;
  }

  #send(connection: HttpConnection, intendedMs: number): void {
    const { before, after } = must(this.#bodies[this.#sent % this.#bodies.length], 'there is a body');
    this.#sent += 1;
    const account = accountId(Math.floor(this.#random() * this.#order.accounts));
    this.#carried.set(connection, intendedMs);
    connection.send(`${before}${account}${after}`, (answer) => {
      this.#carried.delete(connection);
      this.#latency.record(performance.now() - intendedMs);
      if (answer === null) this.#failed('the connection was closed');
      else {
        this.#bytes += answer.body.length;
        if (answer.status === 503) this.#refused += 1;
        if (answer.status !== 200 || answer.body.includes(errorMark))
          this.#failed(`${answer.status}: ${answer.body.toString('utf8', 0, 300)}`);
        else this.#answered += 1;
        this.#free.push(connection);
      }
      this.#sendWaiting();
    });
  }

  /** One that was given up on has at least waited so long; one that had ten seconds to be answered is an error too. */
  #countUnanswered(gaveUp: boolean): void {
    const nowMs = performance.now();
    for (const intendedMs of [...this.#carried.values(), ...this.#waiting.slice(this.#next)])
      this.#latency.record(nowMs - intendedMs);
    if (!gaveUp && this.#unanswered > 0) {
      this.#errors += this.#unanswered;
      this.#firstError ??= `${this.#unanswered} requests were not answered within ${drainMs / 1000} s`;
    }
  }

  #failed(reason: string): void {
    this.#errors += 1;
    this.#firstError ??= reason;
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, tickMs));
}

process.on('message', (order: LoadOrder) => {
  void new Load(order).run().then((report) => process.send?.(report));
});
process.on('disconnect', () => process.exit());
process.send?.('ready');
