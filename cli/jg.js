#!/usr/bin/env -S node --max-semi-space-size=8
// The published command. Journey Graph runs on Node 24; a host with an older one runs it on the `node` package that
// comes with it. The flag keeps the young generations of both threads small: 250 MiB less resident, no slower (measured,
// docs/decisions/0006-memory.md).
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const nodeMajor = 24;

async function runHere() {
  // A checkout has the sources beside this file, and perhaps a build that is older than they are; the package has the build alone.
  const source = new URL('./main.ts', import.meta.url);
  await import((existsSync(source) ? source : new URL('../dist/cli/main.js', import.meta.url)).href);
}

function runOnBundledNode() {
  const manifest = createRequire(import.meta.url).resolve('node/package.json');
  const binary = join(dirname(manifest), 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  const script = fileURLToPath(import.meta.url);
  const child = spawn(binary, [...process.execArgv, script, ...process.argv.slice(2)], { stdio: 'inherit' });
  // A terminal sends Ctrl-C to both; a supervisor signals only this one. The command takes the same signal twice well.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    process.stderr.write(
      `error NODE_MISSING: Journey Graph needs Node ${nodeMajor}; its own copy did not start (${error.message}).\n`,
    );
    process.exitCode = 1;
  });
  child.on('exit', (code, signal) => {
    // As a shell says it: 128 and the signal's number.
    process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0);
  });
}

if (Number(process.versions.node.split('.')[0]) >= nodeMajor) await runHere();
else runOnBundledNode();
