import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { strangersEnvironment } from './running-command.ts';

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
