import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

export interface SuiteCounts {
  readonly passed: number;
  readonly skipped: number;
}

/** What of vitest's report is read here. */
interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly assertionResults: readonly { readonly status: string }[];
  }[];
}

/**
 * Runs test files with variables of their own, and tells by file what came of them; a file that is missing in the answer had no test.
 *
 * @throws {Error} when a test fails, or none was run.
 */
export async function runSuites(
  files: readonly string[],
  variables: NodeJS.ProcessEnv,
  cleanup: AsyncDisposableStack,
): Promise<ReadonlyMap<string, SuiteCounts>> {
  const folder = await mkdtemp(join(tmpdir(), 'journey-graph-conformance-'));
  cleanup.defer(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'report.json');
  const code = await runVitest(files, variables, path, cleanup);
  const report: Report = JSON.parse(await readFile(path, 'utf8'));
  const counts = new Map(
    report.testResults.map(({ name, assertionResults }) => [
      relative(root, name),
      {
        passed: assertionResults.filter(({ status }) => status === 'passed').length,
        skipped: assertionResults.filter(({ status }) => status === 'pending' || status === 'skipped').length,
      },
    ]),
  );
  const passed = totalOf(counts).passed;
  if (code !== 0 || passed === 0) throw new Error(`The suites ended with ${code}; ${passed} tests passed.`);
  return counts;
}

export function totalOf(counts: ReadonlyMap<string, SuiteCounts>): SuiteCounts {
  const all = [...counts.values()];
  return {
    passed: all.reduce((sum, one) => sum + one.passed, 0),
    skipped: all.reduce((sum, one) => sum + one.skipped, 0),
  };
}

function runVitest(
  files: readonly string[],
  variables: NodeJS.ProcessEnv,
  report: string,
  cleanup: AsyncDisposableStack,
): Promise<number | string | null> {
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const child = spawn(process.execPath, [vitest, 'run', ...reporters, ...files], {
    cwd: root,
    // Standard output is for the figures.
    stdio: ['ignore', 2, 2],
    env: { ...process.env, ...variables },
  });
  cleanup.defer(() => {
    child.kill('SIGKILL');
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(code ?? signal));
  });
}
