import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { must } from '../../foundation/index.ts';
import { RunningCommand } from '../pack/running-command.ts';

const main = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));

/** `jg` with these words as a process of its own, which can be killed with -9 and started again. */
export class KilledCommand {
  kills = 0;
  readonly #words: readonly string[];
  readonly #ready: RegExp;
  #running: RunningCommand | null = null;

  /** @param ready What it prints when it serves. */
  constructor(words: readonly string[], ready: RegExp) {
    this.#words = words;
    this.#ready = ready;
  }

  /** Resolves, with what it said, when it serves. */
  async start(): Promise<RegExpMatchArray> {
    const running = new RunningCommand(process.execPath, [main, ...this.#words], tmpdir());
    this.#running = running;
    return await running.printed(this.#ready);
  }

  /** @throws when it had ended by itself. */
  async kill(): Promise<void> {
    const running = must(this.#running, 'it was started');
    this.#running = null;
    running.kill('SIGKILL');
    const { code, signal } = await running.exited;
    if (signal !== 'SIGKILL')
      throw new Error(`jg ${this.#words[0]} ended by itself (${code ?? signal}):\n${running.output}`);
    this.kills += 1;
  }

  /** As an operator stops it; its exit code. */
  async stop(): Promise<number | null> {
    const running = must(this.#running, 'it was started');
    this.#running = null;
    running.kill('SIGTERM');
    return (await running.exited).code;
  }

  /** Nothing of it is left, whatever state it is in. */
  end(): void {
    this.#running?.kill('SIGKILL');
    this.#running = null;
  }
}

/** Producer, journal and router. @param port 0: a free one. */
export function jgUp(data: string, port: number): KilledCommand {
  const words = ['up', '--port', String(port), '--demo', 'off', '--data', data];
  return new KilledCommand(words, /http:\/\/127\.0\.0\.1:\d+/);
}

/** @param url Of `jg up`, such as `http://127.0.0.1:4000`. */
export function jgGateway(data: string, url: string, id: string, port: number): KilledCommand {
  const router = `${url.replace('http', 'ws')}/live/gateway`;
  const words = ['gateway', '--router', router, '--listen', `127.0.0.1:${port}`, '--id', id];
  return new KilledCommand([...words, '--data', data, '--json', '--live.drain.ms', '0'], /"port":(\d+)/);
}
