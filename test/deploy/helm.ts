import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { readTestEnvironment } from '../services/environment.ts';
import { findExecutable } from '../services/java-tools.ts';

const run = promisify(execFile);
/** What is built where no helm is installed. */
const helmVersion = 'v3.22.0';
/** Some two hundred packages are compiled, once. */
const buildTimeoutMs = 900_000;

export type FoundHelm =
  | { readonly found: true; readonly helm: string }
  | { readonly found: false; readonly lacking: string };

/** The one on the PATH, or one that Go makes from its module, kept in the cache folder. */
export async function findHelm(): Promise<FoundHelm> {
  const { cacheDirectory, searchPath } = readTestEnvironment(process.env);
  const folders = searchPath.split(delimiter);
  const installed = findExecutable('helm', folders);
  if (installed !== null) return { found: true, helm: installed };
  const folder = join(cacheDirectory, `helm-${helmVersion}`);
  const helm = join(folder, 'helm');
  if (existsSync(helm)) return { found: true, helm };
  const go = findExecutable('go', folders);
  if (go === null) return { found: false, lacking: 'neither helm nor go is on the PATH' };
  await mkdir(folder, { recursive: true });
  try {
    await run(go, ['install', '-ldflags=-s -w', `helm.sh/helm/v3/cmd/helm@${helmVersion}`], {
      env: { ...process.env, GOBIN: folder, GOFLAGS: '' },
      timeout: buildTimeoutMs,
    });
    return { found: true, helm };
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    return { found: false, lacking: `helm is not on the PATH and Go could not build it (${reason})` };
  }
}

/** Throws what helm says when it refuses. */
export async function helmOutput(helm: string, args: readonly string[]): Promise<string> {
  const { stdout } = await run(helm, [...args], { maxBuffer: 2 ** 24 });
  return stdout;
}
