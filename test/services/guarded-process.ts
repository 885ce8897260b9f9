import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { systemClock } from '../../foundation/index.ts';
import { ServiceError } from './service-error.ts';

const pollMs = 50;
const logTailLines = 12;

export interface GuardedCommand {
  /** For messages, such as `Kafka`. */
  readonly title: string;
  readonly file: string;
  readonly args: readonly string[];
  /** Its working directory and data; removed as well when we die without having stopped it. */
  readonly temporaryDirectory: string;
  readonly logFile: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Whom it runs as; absent: as we do. Only root may name another. */
  readonly user?: { readonly uid: number; readonly gid: number };
}

/**
 * A service's process that does not outlive us, however we end.
 *
 * The service gets a session of its own, so Ctrl-C in a terminal reaches us alone and services are stopped in order. Beside
 * it runs a guard, a shell that blocks on reading a pipe whose only writer is this process: when we die without a word,
 * `kill -9` included, the read fails and the guard kills the service and removes its data. After a regular end we write a line, and the guard
 * leaves without touching an id that may belong to somebody else by then.
 */
export class GuardedProcess {
  readonly #command: GuardedCommand;
  readonly #child: ChildProcess;
  readonly #exit: Promise<string>;
  #exited: string | null = null;

  private constructor(command: GuardedCommand, child: ChildProcess) {
    this.#command = command;
    this.#child = child;
    this.#exit = new Promise((resolve) => {
      const end = (how: string): void => {
        this.#exited = how;
        resolve(how);
      };
      child.once('exit', (code, signal) => end(signal === null ? `exit code ${code}` : `signal ${signal}`));
      child.once('error', (error) => end(error.message));
    });
  }

  static start(command: GuardedCommand): GuardedProcess {
    const log = openSync(command.logFile, 'a');
    try {
      const child = spawn(command.file, command.args, {
        cwd: command.temporaryDirectory,
        env: { ...process.env, ...command.env },
        stdio: ['ignore', log, log],
        detached: true,
        ...command.user,
      });
      const guarded = new GuardedProcess(command, child);
      if (child.pid !== undefined) guarded.#guard(child.pid);
      return guarded;
    } finally {
      closeSync(log);
    }
  }

  #guard(pid: number): void {
    const script = 'read -r _ || { kill -KILL "$1"; rm -rf "$2"; }';
    const guard = spawn('/bin/sh', ['-c', script, 'guard', String(pid), this.#command.temporaryDirectory], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    });
    guard.unref();
    this.#child.once('exit', () => guard.stdin.end('done\n'));
  }

  get pid(): number {
    if (this.#child.pid === undefined)
      throw new ServiceError(`${this.#command.title} has no process: ${this.#exited}.`);
    return this.#child.pid;
  }

  get running(): boolean {
    return this.#exited === null;
  }

  /** `exit code 0` or `signal SIGKILL`, once it is gone. */
  get exit(): Promise<string> {
    return this.#exit;
  }

  /**
   * Waits until `check` answers true; a check that throws counts as "not yet".
   *
   * @throws {ServiceError} when the process ends first or the time is over; the message carries the end of its log.
   */
  async ready(check: () => Promise<boolean>, timeoutMs: number): Promise<void> {
    const deadline = systemClock.now() + timeoutMs;
    let last: unknown = null;
    while (systemClock.now() < deadline) {
      if (this.#exited !== null)
        throw await this.#failure(`ended (${this.#exited}) before it was ready`, last);
      try {
        if (await check()) return;
      } catch (error) {
        last = error;
      }
      await systemClock.sleep(pollMs);
    }
    throw await this.#failure(`was not ready within ${timeoutMs / 1000} s`, last);
  }

  async #failure(what: string, cause: unknown): Promise<ServiceError> {
    const log = await readFile(this.#command.logFile, 'utf8');
    const tail = log.trimEnd().split('\n').slice(-logTailLines).join('\n');
    return new ServiceError(`${this.#command.title} ${what}. The end of its log:\n${tail}`, { cause });
  }

  /** SIGTERM, and SIGKILL when that takes longer than `graceMs`. Resolves when the process is gone. */
  async stop(graceMs = 15_000): Promise<void> {
    if (this.#exited !== null) return;
    this.#child.kill('SIGTERM');
    const grace = new AbortController();
    await Promise.race([this.#exit, systemClock.sleep(graceMs, grace.signal)]);
    grace.abort();
    await this.kill();
  }

  /** SIGKILL. Resolves when the process is gone. */
  async kill(): Promise<void> {
    if (this.#exited === null) this.#child.kill('SIGKILL');
    await this.#exit;
  }
}
