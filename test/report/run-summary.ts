/** What one suite that did not run lacks. */
export interface SkippedSuite {
  readonly file: string;
  readonly suite: string;
  readonly reason: string;
  readonly tests: number;
}

/** What a run comes down to; handed over by the reporter as JSON. */
export interface RunSummary {
  readonly passed: number;
  /** Tests that failed, and files, hooks or stray errors that failed without a test to blame. */
  readonly failed: number;
  readonly skipped: number;
  readonly skippedSuites: readonly SkippedSuite[];
}

export const emptySummary: RunSummary = { passed: 0, failed: 0, skipped: 0, skippedSuites: [] };

export interface Verdict {
  readonly exitCode: number;
  readonly lines: readonly string[];
}

export interface RunCircumstances {
  readonly exitCode: number;
  /** True where everything a suite may need is there, so that a skipped suite is a fault of the machine's set-up. */
  readonly nothingMayBeSkipped: boolean;
}

/** The end of a run's output. Its last line is always `N passed, N failed, N skipped`. */
export function judgeRun(summary: RunSummary, circumstances: RunCircumstances): Verdict {
  const lines = summary.skippedSuites.map(
    ({ file, suite, reason, tests }) =>
      `skipped: ${file} > ${suite}: ${reason}${tests > 1 ? ` (${tests} tests)` : ''}`,
  );
  const refused = circumstances.nothingMayBeSkipped && summary.skipped > 0;
  if (refused)
    lines.push('This machine has all that the suites need, so nothing may be skipped: the run has failed.');
  lines.push(`${summary.passed} passed, ${summary.failed} failed, ${summary.skipped} skipped`);
  const failed = refused || summary.failed > 0;
  return { exitCode: circumstances.exitCode === 0 && failed ? 1 : circumstances.exitCode, lines };
}

/** Reads the reporter's hand-over; null when it is not one, as when the run was killed before its end. */
export function parseSummary(text: string): RunSummary | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  return isSummary(value) ? value : null;
}

function isSummary(value: unknown): value is RunSummary {
  if (typeof value !== 'object' || value === null) return false;
  const counts = ['passed', 'failed', 'skipped'].every((key) => typeof Reflect.get(value, key) === 'number');
  return counts && Array.isArray(Reflect.get(value, 'skippedSuites'));
}
