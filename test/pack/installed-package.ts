import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..', '..');

/** Packs this checkout as `npm publish` would, and returns the tarball's path. */
export function packInto(folder: string): string {
  run('npm', ['pack', '--pack-destination', folder], root);
  const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'));
  if (tarball === undefined) throw new Error(`npm pack left no tarball in ${folder}`);
  return join(folder, tarball);
}

/** Installs a tarball into an empty folder, as a stranger would, from npm's cache where it can. */
export function installInto(folder: string, tarball: string): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ name: 'stranger', private: true, type: 'module' }),
  );
  run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', '--no-progress', tarball], folder);
}

/** @returns the standard output of a command that ended with 0. Throws with everything it said otherwise. */
export function run(command: string, args: readonly string[], cwd: string): string {
  const result = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    env: strangersEnvironment(),
    timeout: 300_000,
  });
  if (result.status === 0) return result.stdout;
  const how = result.error?.message ?? `exit code ${result.status}`;
  throw new Error(`${command} ${args.join(' ')}: ${how}\n${result.stdout}${result.stderr}`);
}

/** What `npm test` puts into the environment must not reach the installed package. */
function strangersEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(npm_(?!config_)|VITEST|NODE_ENV$|NODE_OPTIONS$)/.test(name),
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
  #hasEnded = false;
  readonly #listeners = new Set<() => void>();

  constructor(command: string, args: readonly string[], cwd: string) {
    const child = spawn(command, args, {
      cwd,
      env: strangersEnvironment(),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (chunk: string) => {
        this.#output += chunk;
        for (const listener of this.#listeners) listener();
      });
    }
    this.exited = new Promise((resolve) => {
      child.on('error', (error) => {
        this.#output += `${command} does not start: ${error.message}\n`;
        this.#end(resolve, null, null);
      });
      child.on('close', (code, signal) => this.#end(resolve, code, signal));
    });
  }

  get output(): string {
    return this.#output;
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

  #end(resolve: (exit: Exit) => void, code: number | null, signal: NodeJS.Signals | null): void {
    this.#hasEnded = true;
    resolve({ code, signal });
    for (const listener of [...this.#listeners]) listener();
  }
}
