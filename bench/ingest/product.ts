import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { must } from '../../foundation/index.ts';
import { type ProcessMemory, processMemory } from '../process-meter.ts';
import { type ThreadSeconds, threadSeconds } from './thread-meter.ts';

const main = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));
const startTimeoutMs = 60_000;
const pollMs = 50;

export interface ProductStatus {
  /** Partitions that were ever claimed. */
  readonly partitions: number;
  readonly consumed: number;
  readonly applied: number;
  readonly freshnessP50Ms: number | null;
  readonly freshnessP99Ms: number | null;
}

/** The product as its users run it, `jg up` in a process of its own, measured from outside. */
export class Product {
  readonly #child: ChildProcess;
  readonly #url: string;
  readonly #readyMs: number;
  #peak: ProcessMemory = { residentMiB: 0, anonymousMiB: 0 };

  private constructor(child: ChildProcess, url: string) {
    this.#child = child;
    this.#url = url;
    this.#readyMs = performance.now();
  }

  static async start(flags: readonly string[]): Promise<Product> {
    const child = spawn(
      process.execPath,
      [
        '--max-semi-space-size=8',
        main,
        'up',
        '--port',
        '0',
        '--demo',
        'off',
        '--log.level',
        'warn',
        ...flags,
      ],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    const output = must(child.stdout, 'its output is a pipe');
    const url = await new Promise<string>((resolve, reject) => {
      let text = '';
      const timer = setTimeout(
        () => reject(new Error('the product did not say where it listens')),
        startTimeoutMs,
      );
      output.on('data', (chunk: Buffer) => {
        text += chunk.toString();
        const found = /http:\/\/[^\s/]+/.exec(text)?.[0];
        if (found === undefined) return;
        clearTimeout(timer);
        resolve(found);
      });
      child.once('exit', (code) => reject(new Error(`the product ended with ${code} before it listened`)));
    });
    return new Product(child, url);
  }

  /** Polls until so many records are consumed and durable; gives seconds since it was ready. `onPoll` is told of every look, and waited for. */
  async untilConsumed(
    count: number,
    timeoutMs: number,
    onPoll: (consumed: number, seconds: number) => Promise<void> = async () => undefined,
  ): Promise<{ readonly seconds: number; readonly status: ProductStatus }> {
    const deadline = performance.now() + timeoutMs;
    let sampledMs = 0;
    for (;;) {
      const status = await this.status();
      const nowMs = performance.now();
      if (nowMs - sampledMs > 250) {
        this.sampleMemory();
        sampledMs = nowMs;
      }
      await onPoll(status.consumed, (nowMs - this.#readyMs) / 1000);
      if (status.consumed >= count) return { seconds: (nowMs - this.#readyMs) / 1000, status };
      if (nowMs > deadline)
        throw new Error(`only ${status.consumed} of ${count} records were consumed in time`);
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
  }

  /** Polls until the group has given so many partitions to the product: before that, waiting is Kafka's and not ours. */
  async untilClaimed(partitions: number, timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while ((await this.status()).partitions < partitions) {
      if (performance.now() > deadline) throw new Error('the product was not given its partitions in time');
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
  }

  async status(): Promise<ProductStatus> {
    const query = '{ status { freshnessP50Ms freshnessP99Ms topics { partition consumed applied } } }';
    const response = await fetch(`${this.#url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query }),
    });
    const answer: StatusAnswer = JSON.parse(await response.text());
    const { topics, ...freshness } = answer.data.status;
    const sum = (pick: (topic: TopicCounts) => number): number =>
      topics.reduce((total, topic) => total + pick(topic), 0);
    return {
      ...freshness,
      partitions: topics.filter((topic) => topic.partition !== null).length,
      consumed: sum((topic) => topic.consumed),
      applied: sum((topic) => topic.applied),
    };
  }

  /** Such as `http://127.0.0.1:4000`. */
  get url(): string {
    return this.#url;
  }

  /** Of the whole process, threads included: each at its highest sample. */
  get peakMemory(): ProcessMemory {
    return this.#peak;
  }

  /** CPU of its threads so far; null where the system does not tell. */
  threadSeconds(): ThreadSeconds | null {
    const { pid } = this.#child;
    return pid === undefined ? null : threadSeconds(pid);
  }

  /** As nothing can be caught: kill -9. */
  async kill(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGKILL');
    await ended;
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGTERM');
    await ended;
  }

  sampleMemory(): void {
    const now = processMemory(must(this.#child.pid, 'it runs'));
    this.#peak = {
      residentMiB: Math.max(this.#peak.residentMiB, now.residentMiB),
      anonymousMiB: Math.max(this.#peak.anonymousMiB, now.anonymousMiB),
    };
  }
}

interface TopicCounts {
  readonly partition: number | null;
  readonly consumed: number;
  readonly applied: number;
}

interface StatusAnswer {
  readonly data: {
    readonly status: {
      readonly freshnessP50Ms: number | null;
      readonly freshnessP99Ms: number | null;
      readonly topics: readonly TopicCounts[];
    };
  };
}
