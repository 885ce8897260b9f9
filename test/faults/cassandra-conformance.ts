import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startCassandraCluster } from '../services/cassandra-cluster.ts';
import { readTestEnvironment } from '../services/environment.ts';
import { findJavaTools } from '../services/java-tools.ts';
import { addressVariables } from '../services/service.ts';
import { interruptible } from './interruptible.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const suites = ['graph-store/cassandra-store.int.test.ts', 'graph-store/cassandra-cluster.int.test.ts'];

export interface ConformanceSummary {
  readonly nodes: number;
  readonly replication: number;
  readonly passed: number;
  readonly skipped: number;
}

/**
 * The suites that `npm test` runs on one node, on three that hold three copies; with fewer, rows of one batch belong to different nodes.
 *
 * @throws {Error} when a test fails.
 */
export async function runCassandraConformance(
  say: (line: string) => void,
  copies: number,
): Promise<ConformanceSummary | { readonly notRun: string }> {
  const environment = readTestEnvironment(process.env);
  const java = await findJavaTools(environment);
  if (!java.found) {
    const notRun = `cassandra-conformance needs ${java.lacking}`;
    say(`Skipped: ${notRun}.`);
    return { notRun };
  }
  const { tools } = java;
  return await interruptible(async (cleanup) => {
    say('starting three Cassandra nodes');
    const { contactPoints, dispose } = await startCassandraCluster(tools, environment.cacheDirectory);
    cleanup.defer(dispose);
    const folder = await mkdtemp(join(tmpdir(), 'journey-graph-conformance-'));
    cleanup.defer(() => rm(folder, { recursive: true, force: true }));
    const report = join(folder, 'report.json');
    // The suites take as many copies as they are told nodes; the driver finds the others.
    const told = contactPoints.slice(0, copies);
    const code = await runSuites(told, report, cleanup);
    const counts: { readonly numPassedTests: number; readonly numPendingTests: number } = JSON.parse(
      await readFile(report, 'utf8'),
    );
    const { numPassedTests: passed, numPendingTests: skipped } = counts;
    if (code !== 0 || passed === 0) throw new Error(`The suites ended with ${code}; ${passed} tests passed.`);
    return { nodes: contactPoints.length, replication: told.length, passed, skipped };
  });
}

function runSuites(
  contactPoints: readonly string[],
  report: string,
  cleanup: AsyncDisposableStack,
): Promise<number | string | null> {
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const child = spawn(
    process.execPath,
    [vitest, 'run', '--project', 'integration', ...reporters, ...suites],
    {
      cwd: root,
      // Standard output is for the figures.
      stdio: ['ignore', 2, 2],
      env: { ...process.env, [addressVariables.cassandra]: contactPoints.join(',') },
    },
  );
  cleanup.defer(() => {
    child.kill('SIGKILL');
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(code ?? signal));
  });
}
