import { spawn } from 'node:child_process';

/** What `npm test` puts into the environment must not reach the command, nor settings that whoever runs the tests has exported. */
export function strangersEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(npm_(?!config_)|VITEST|NODE_ENV$|NODE_OPTIONS$|JG_|KAFKA_|SCHEMA_REGISTRY_)/.test(name),
  );
  return Object.fromEntries(kept);
}

interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A command that goes on until it is told to stop. */
export class RunningCommand {
  readonly exited: Promise<Exit>;
  readonly #child: ReturnType<typeof spawn>;
  #output = '';
  #out = '';
  #err = '';
  #hasEnded = false;
  readonly #listeners = new Set<() => void>();

  constructor(command: string, args: readonly string[], cwd: string) {
    const child = spawn(command, args, {
      cwd,
      env: strangersEnvironment(),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      this.#out += chunk;
      this.#print(chunk);
    });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      this.#err += chunk;
      this.#print(chunk);
    });
    this.exited = new Promise((resolve) => {
      child.on('error', (error) => {
        this.#output += `${command} does not start: ${error.message}\n`;
        this.#end(resolve, null, null);
      });
      child.on('close', (code, signal) => this.#end(resolve, code, signal));
    });
  }

  /** Undefined when it did not start. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Everything that it has printed, in the order it came. */
  get output(): string {
    return this.#output;
  }

  get out(): string {
    return this.#out;
  }

  get err(): string {
    return this.#err;
  }

  /** The first match in what it prints; rejects when it ends without one. */
  printed(pattern: RegExp): Promise<RegExpMatchArray> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const match = this.#output.match(pattern);
        if (match === null && !this.#hasEnded) return;
        this.#listeners.delete(look);
        if (match === null) reject(new Error(`it ended without printing ${pattern}:\n${this.#output}`));
        else resolve(match);
      };
      this.#listeners.add(look);
      look();
    });
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  #print(chunk: string): void {
    this.#output += chunk;
    for (const listener of this.#listeners) listener();
  }

  #end(resolve: (exit: Exit) => void, code: number | null, signal: NodeJS.Signals | null): void {
    this.#hasEnded = true;
    resolve({ code, signal });
    for (const listener of [...this.#listeners]) listener();
  }
}
