import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Admin, Kafka, logLevel } from 'kafkajs';
import { systemClock } from '../foundation/index.ts';
import { askStatus } from './main-job-answers.ts';

const main = join(import.meta.dirname, '..', 'cli', 'main.ts');
const pollMs = 200;
const logTailCharacters = 4_000;

export interface ProductSettings {
  readonly bootstrapServers: string;
  readonly registryUrl: string;
  readonly topics: readonly string[];
  readonly dataFolder: string;
  /** After kill -9 its group waits so long for the dead member. */
  readonly sessionTimeoutMs: number;
  /** Of this life alone: emptied at its start. */
  readonly logFile: string;
}

/** One life of the product: `jg up` as people start it, in a process group of its own. */
export class Product {
  readonly #child: ChildProcess;
  readonly #logFile: string;
  readonly #closed: Promise<string>;

  private constructor(child: ChildProcess, logFile: string) {
    this.#child = child;
    this.#logFile = logFile;
    this.#closed = new Promise((resolve) => {
      child.once('close', (code, signal) => resolve(signal ?? String(code)));
      child.once('error', (error) => resolve(error.message));
    });
  }

  static start(settings: ProductSettings): Product {
    const { bootstrapServers, registryUrl, topics, dataFolder, sessionTimeoutMs, logFile } = settings;
    const heartbeatMs = Math.floor(sessionTimeoutMs / 4);
    const flags = [
      ...['--port', '0', '--data', dataFolder, '--topics', topics.join(',')],
      ...['--bootstrap.servers', bootstrapServers, '--schema.registry.url', registryUrl],
      ...['--session.timeout.ms', String(sessionTimeoutMs), '--heartbeat.interval.ms', String(heartbeatMs)],
    ];
    const log = openSync(logFile, 'w');
    try {
      const child = spawn(process.execPath, [main, 'up', ...flags], {
        stdio: ['ignore', log, log],
        detached: true,
      });
      return new Product(child, logFile);
    } finally {
      closeSync(log);
    }
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Where its API listens, once it has said so. */
  async url(timeoutMs: number): Promise<string> {
    const deadline = systemClock.now() + timeoutMs;
    while (systemClock.now() < deadline && this.running) {
      const log = await readFile(this.#logFile, 'utf8');
      const url = log.match(/http:\/\/[^\s"]+/)?.[0];
      if (url !== undefined) return url;
      await systemClock.sleep(pollMs);
    }
    throw await this.failure('did not say where it listens');
  }

  /**
   * Resolves once more of the topics' partitions have been claimed than `claims`, over all lives, with the new count.
   *
   * @throws {Error} when that takes longer than the limit, or the product ends.
   */
  async claimsBeyond(claims: number, timeoutMs: number): Promise<number> {
    const url = await this.url(timeoutMs);
    const deadline = systemClock.now() + timeoutMs;
    while (systemClock.now() < deadline && this.running) {
      const now = (await askStatus(url)).reduce((sum, { epoch }) => sum + (epoch ?? 0), 0);
      if (now > claims) return now;
      await systemClock.sleep(pollMs);
    }
    throw await this.failure(`claimed no partition beyond ${claims} claims`);
  }

  async failure(what: string): Promise<Error> {
    const log = await readFile(this.#logFile, 'utf8');
    return new Error(`The product ${what}. The end of its output:\n${log.slice(-logTailCharacters)}`);
  }

  /** SIGTERM; resolves with the exit code, or the signal that it died from, as text. */
  async stop(): Promise<string> {
    this.#child.kill('SIGTERM');
    return this.#closed;
  }

  /** SIGKILL to the whole process group, as a machine that loses power would do it. */
  async kill(): Promise<void> {
    if (this.running && this.#child.pid !== undefined) process.kill(-this.#child.pid, 'SIGKILL');
    await this.#closed;
  }
}

/**
 * Waits until the lag that Kafka's own tools see is 0 in every partition of the topics: what the product reports after
 * a batch is durable.
 */
export async function untilNoLag(
  product: Product,
  settings: ProductSettings,
  timeoutMs: number,
): Promise<void> {
  const kafka = new Kafka({ brokers: settings.bootstrapServers.split(','), logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  try {
    const deadline = systemClock.now() + timeoutMs;
    for (;;) {
      const lag = await lagOf(admin, settings.topics);
      if (lag === 0n) return;
      const known = lag instanceof Error ? lag.message : `a lag of ${lag}`;
      if (!product.running) throw await product.failure(`ended with ${known}`);
      if (systemClock.now() > deadline)
        throw await product.failure(`still has ${known} after ${timeoutMs} ms`);
      await systemClock.sleep(pollMs);
    }
  } finally {
    await admin.disconnect();
  }
}

/** The error while the broker cannot tell, as it is when a group is new or the broker has just come back. */
async function lagOf(admin: Admin, topics: readonly string[]): Promise<bigint | Error> {
  let lag = 0n;
  try {
    for (const topic of topics) {
      const ends = await admin.fetchTopicOffsets(topic);
      const [committed] = await admin.fetchOffsets({ groupId: `journey-graph.${topic}`, topics: [topic] });
      for (const { partition, high } of ends) {
        const offset = committed?.partitions.find((each) => each.partition === partition)?.offset ?? '-1';
        lag += BigInt(high) - (offset === '-1' ? 0n : BigInt(offset));
      }
    }
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
  return lag;
}
