import { writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import type { Reporter, TestCase, TestModule } from 'vitest/node';
import type { RunSummary, SkippedSuite } from './run-summary.ts';

/** Names the file that `test/run.ts` reads the summary from; without it this reporter does nothing. */
export const summaryFileVariable = 'JOURNEY_GRAPH_TEST_SUMMARY';

/** Hands the run's counts and its skipped suites over to the process that started it. */
export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const path = process.env[summaryFileVariable];
    if (path === undefined || path === '') return;
    writeFileSync(path, JSON.stringify(summarize(modules, unhandledErrors.length)));
  }
}

function summarize(modules: readonly TestModule[], strayErrors: number): RunSummary {
  let passed = 0;
  let failed = strayErrors;
  let skipped = 0;
  const suites = new Map<string, SkippedSuite>();
  for (const module of modules) {
    let failedHere = 0;
    for (const test of module.children.allTests()) {
      const result = test.result();
      if (result.state === 'passed') passed++;
      else if (result.state === 'skipped') {
        skipped++;
        note(suites, module, test, result.note);
      } else failedHere++;
    }
    // A file that cannot be loaded, or whose hooks fail, has no failed test to show for it.
    failed += failedHere === 0 && !module.ok() ? 1 : failedHere;
  }
  return { passed, failed, skipped, skippedSuites: [...suites.values()] };
}

function note(
  suites: Map<string, SkippedSuite>,
  module: TestModule,
  test: TestCase,
  given: string | undefined,
): void {
  const file = relative(process.cwd(), module.moduleId);
  const suite = test.parent.type === 'suite' ? test.parent.fullName : test.name;
  const reason = given ?? 'switched off in its source, or not selected by the arguments of this run';
  const key = [file, suite, reason].join('\n');
  suites.set(key, { file, suite, reason, tests: (suites.get(key)?.tests ?? 0) + 1 });
}
