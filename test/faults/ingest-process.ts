import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { must } from '../../foundation/index.ts';
import { GuardedProcess } from '../services/guarded-process.ts';

const main = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));
const logTailCharacters = 4_000;

/** One of several `jg ingest`, which is killed, stopped and started again, and which does not outlive this process. */
export class IngestProcess {
  readonly name: string;
  kills = 0;
  readonly #words: readonly string[];
  readonly #folder: string;
  #process: GuardedProcess | null = null;

  private constructor(name: string, words: readonly string[], folder: string) {
    this.name = name;
    this.#words = words;
    this.#folder = folder;
  }

  /** Not started yet. @param words Its settings, as flags. */
  static async create(name: string, words: readonly string[]): Promise<IngestProcess> {
    return new IngestProcess(name, words, await mkdtemp(join(tmpdir(), 'journey-graph-ingest-')));
  }

  get #log(): string {
    return join(this.#folder, 'ingest.log');
  }

  start(): void {
    this.#process = GuardedProcess.start({
      title: this.name,
      file: process.execPath,
      args: [main, 'ingest', '--port', '0', ...this.#words],
      temporaryDirectory: this.#folder,
      logFile: this.#log,
    });
  }

  /** @throws when it has ended by itself. */
  async check(): Promise<void> {
    const running = this.#process;
    if (running === null || running.running) return;
    const log = await readFile(this.#log, 'utf8');
    throw new Error(
      `${this.name} ended by itself (${await running.exit}). Its last words:\n${log.slice(-logTailCharacters)}`,
    );
  }

  /** SIGKILL. @throws when it had ended by itself. */
  async kill(): Promise<void> {
    await this.check();
    await must(this.#process, 'it was started').kill();
    this.#process = null;
    this.kills += 1;
  }

  /** SIGSTOP. @throws when it had ended by itself. */
  async freeze(): Promise<void> {
    await this.check();
    process.kill(must(this.#process, 'it was started').pid, 'SIGSTOP');
  }

  /** SIGCONT. */
  thaw(): void {
    process.kill(must(this.#process, 'it was started').pid, 'SIGCONT');
  }

  /** As an operator stops it. @throws when that does not end with exit code 0. */
  async stop(): Promise<void> {
    await this.check();
    const running = must(this.#process, 'it was started');
    await running.stop(30_000);
    const how = await running.exit;
    if (how !== 'exit code 0') throw new Error(`${this.name} was to stop and ended with ${how}.`);
    this.#process = null;
  }

  /** How many of its batches were refused, in all its lives, because somebody had claimed the partition since. */
  async fencedBatches(): Promise<number> {
    const log = await readFile(this.#log, 'utf8');
    return log.split('A newer claim fenced a batch.').length - 1;
  }

  /** Nothing of it is left, whatever state it is in. */
  async dispose(): Promise<void> {
    await this.#process?.kill();
    this.#process = null;
    await rm(this.#folder, { recursive: true, force: true });
  }
}
