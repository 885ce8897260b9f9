import { type ChildProcess, spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { findExecutable } from '../../test/services/java-tools.ts';
import { systemFolders } from './rival-programs.ts';

/** A core of its own for the server and for the clients; null where the system decides. */
export type Core = number | null;

/** The command that runs `command` on this core alone, where there are several and `taskset` is installed. */
export function pinned(core: Core, command: readonly string[]): readonly string[] {
  const taskset =
    core === null || availableParallelism() < 2 ? null : findExecutable('taskset', systemFolders());
  return taskset === null ? command : [taskset, '-c', String(core), ...command];
}

/** One of the benchmark's own processes; it ends with us, however we end. */
export class OwnProcess<Order, Note extends { readonly kind: string }> {
  readonly #child: ChildProcess;
  readonly #ended: Promise<string>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#ended = new Promise((resolve) => {
      child.once('exit', (code, signal) => resolve(String(signal ?? code)));
      // Told something after its end: that it has ended is what whoever waits for a note gets to know.
      child.on('error', (error) => resolve(error.message));
    });
  }

  static start<Order, Note extends { readonly kind: string }>(
    program: './gateway-process.ts' | './raw-process.ts' | './socketio-process.ts' | './swarm-process.ts',
    argument: string,
    core: Core,
    flags: readonly string[] = [],
  ): OwnProcess<Order, Note> {
    const file = fileURLToPath(new URL(program, import.meta.url));
    const [first = '', ...rest] = pinned(core, [process.execPath, '--expose-gc', ...flags, file, argument]);
    const child = spawn(first, rest, {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      serialization: 'advanced',
      env: { ...process.env, NODE_ENV: 'production' },
    });
    return new OwnProcess(child);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  tell(order: Order & object): void {
    this.#child.send(order);
  }

  /** The next note of one of these kinds. Throws when the process ends before. */
  async note<Kind extends Note['kind']>(
    ...kinds: readonly Kind[]
  ): Promise<Extract<Note, { readonly kind: Kind }>> {
    const isWanted = (note: Note): note is Extract<Note, { readonly kind: Kind }> =>
      kinds.some((kind) => kind === note.kind);
    return await new Promise((resolve, reject) => {
      const listen = (note: Note): void => {
        if (!isWanted(note)) return;
        this.#child.off('message', listen);
        resolve(note);
      };
      this.#child.on('message', listen);
      void this.#ended.then((how) => reject(new Error(`a process of the benchmark ended with ${how}`)));
    });
  }

  async stop(): Promise<void> {
    if (this.#child.connected) this.#child.disconnect();
    await this.#ended;
  }
}
