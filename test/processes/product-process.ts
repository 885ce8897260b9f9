import { join } from 'node:path';
import { systemClock } from '../../foundation/index.ts';
import { RunningCommand } from '../pack/running-command.ts';

const main = join(import.meta.dirname, '..', '..', 'cli', 'main.ts');
const pollMs = 200;

/** One process of the product, on a free port. */
export class ProductProcess {
  readonly #command: RunningCommand;
  readonly #folder: string;

  constructor(command: string, folder: string, words: readonly string[]) {
    this.#folder = folder;
    const args = [main, command, '--port', '0', ...words];
    this.#command = new RunningCommand(process.execPath, args, this.#folder);
  }

  get output(): string {
    return this.#command.output;
  }

  async url(): Promise<string> {
    const [, url = ''] = await this.#command.printed(/(http:\/\/127\.0\.0\.1:\d+)\//);
    return url;
  }

  async get(path: string): Promise<{ readonly status: number; readonly text: string }> {
    const response = await fetch(`${await this.url()}${path}`);
    return { status: response.status, text: await response.text() };
  }

  /** By name and labels as they are written. */
  async metrics(): Promise<ReadonlyMap<string, number>> {
    const { text } = await this.get('/metrics');
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return new Map(
      lines.map((line) => {
        const at = line.lastIndexOf(' ');
        return [line.slice(0, at), Number(line.slice(at + 1))] as const;
      }),
    );
  }

  printed(pattern: RegExp): Promise<RegExpMatchArray> {
    return this.#command.printed(pattern);
  }

  async query<T>(query: string): Promise<T> {
    const { data, errors } = await this.answer<T>(query);
    if (data === undefined || errors !== undefined) throw new Error(JSON.stringify(errors));
    return data;
  }

  async answer<T>(query: string): Promise<{ readonly data?: T; readonly errors?: unknown }> {
    const response = await fetch(`${await this.url()}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query }),
    });
    const answer: { data?: T; errors?: unknown } = JSON.parse(await response.text());
    return answer;
  }

  kill(signal: NodeJS.Signals): void {
    this.#command.kill(signal);
  }

  get exited(): RunningCommand['exited'] {
    return this.#command.exited;
  }
}

/** Asks again and again; rejects after the limit with what was asked for, and what the processes said. */
export async function until(
  what: string,
  processes: readonly ProductProcess[],
  holds: () => Promise<boolean>,
  withinMs = 60_000,
): Promise<void> {
  const deadline = systemClock.now() + withinMs;
  while (!(await holds())) {
    if (systemClock.now() > deadline) {
      const outputs = processes.map(({ output }) => output.slice(-3000)).join('\n----\n');
      throw new Error(`${what}: not within ${withinMs} ms. The processes said:\n${outputs}`);
    }
    await systemClock.sleep(pollMs);
  }
}
