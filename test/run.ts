import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { emptySummary, judgeRun, parseSummary } from './report/run-summary.ts';
import { summaryFileVariable } from './report/summary-reporter.ts';

const root = join(import.meta.dirname, '..');
/** What the run is to stay under on the machine of CI; longer ones say so. */
const runGoalMs = 15 * 60_000;
/**
 * After the limit the run is told to stop, and after the grace period it is killed: the command always comes back. Well above the goal, for a shared
 * machine is at times half as fast, and that is no fault of what is tested.
 */
const runLimitMs = 30 * 60_000;
const graceMs = 20_000;

/**
 * Of the services that tests start. Brokers and databases live for a minute here, of which half goes into compiling code that is hardly run; benchmarks
 * start theirs without it.
 */
const shortLivedJava = '-XX:TieredStopAtLevel=1 -XX:+UseSerialGC';

/** `npm test [-- FILTER…]`: every argument goes to vitest, which leaves the long tests out unless a project is named. */
async function main(args: readonly string[]): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'journey-graph-test-'));
  const startedAt = performance.now();
  try {
    const summaryPath = join(folder, 'summary.json');
    const exitCode = await runVitest(args, summaryPath, join(folder, 'compiled'));
    const summary = existsSync(summaryPath) ? parseSummary(readFileSync(summaryPath, 'utf8')) : null;
    if (summary === null) console.error('The test run ended without a summary: see the error above.');
    const verdict = judgeRun(summary ?? { ...emptySummary, failed: 1 }, {
      exitCode,
      nothingMayBeSkipped: process.env.CI === 'true' && isInstalled('java') && isInstalled('mvn'),
    });
    console.log(verdict.lines.join('\n'));
    const tookMs = performance.now() - startedAt;
    if (tookMs > runGoalMs) {
      const minutes = (tookMs / 60_000).toFixed(1);
      console.warn(`The run took ${minutes} minutes, and is to stay under ${runGoalMs / 60_000}.`);
    }
    return verdict.exitCode;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function runVitest(args: readonly string[], summaryPath: string, compiledPath: string): Promise<number> {
  const reporters = ['--reporter=default', `--reporter=${join(root, 'test/report/summary-reporter.ts')}`];
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const projects = args.some((word) => word.startsWith('--project')) ? [] : ['--project=!long'];
  const child = spawn(process.execPath, [vitest, 'run', ...reporters, ...projects, ...args], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: {
      JDK_JAVA_OPTIONS: shortLivedJava,
      ...process.env,
      [summaryFileVariable]: summaryPath,
      // The suites start hundreds of processes of ours, and thousands of threads: each would strip and compile what it loads.
      NODE_COMPILE_CACHE: compiledPath,
    },
  });
  const limit = setTimeout(() => {
    console.error(`The test run took longer than ${runLimitMs / 60_000} minutes and is stopped.`);
    child.kill('SIGTERM');
    setTimeout(() => child.kill('SIGKILL'), graceMs).unref();
  }, runLimitMs);
  // The terminal sends Ctrl-C to the child as well; this process stays to print what was found until then.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  return new Promise((resolve) => {
    child.on('error', (error) => {
      console.error(`vitest does not start: ${error.message}`);
      clearTimeout(limit);
      resolve(1);
    });
    child.on('close', (code, signal) => {
      clearTimeout(limit);
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}

function isInstalled(command: string): boolean {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return folders.some((folder) => folder !== '' && existsSync(join(folder, command)));
}

process.exitCode = await main(process.argv.slice(2));
