import { describe, expect, it } from 'vitest';
import { emptySummary, judgeRun, parseSummary, type RunSummary } from './run-summary.ts';

const skippedRun: RunSummary = {
  passed: 3,
  failed: 0,
  skipped: 2,
  skippedSuites: [
    { file: 'ingest/kafka.int.test.ts', suite: 'a broker', reason: 'kafka needs Java 17', tests: 2 },
  ],
};

describe('the end of a test run', () => {
  it('names each skipped suite with what it lacks, and ends with the counts alone on a line', () => {
    const verdict = judgeRun(skippedRun, { exitCode: 0, nothingMayBeSkipped: false });
    expect(verdict.exitCode).toBe(0);
    expect(verdict.lines).toEqual([
      'skipped: ingest/kafka.int.test.ts > a broker: kafka needs Java 17 (2 tests)',
      '3 passed, 0 failed, 2 skipped',
    ]);
  });

  it('fails where nothing may be skipped', () => {
    const verdict = judgeRun(skippedRun, { exitCode: 0, nothingMayBeSkipped: true });
    expect(verdict.exitCode).toBe(1);
    expect(verdict.lines.at(-1)).toBe('3 passed, 0 failed, 2 skipped');
  });

  it('fails when something failed although the runner ended with 0', () => {
    const verdict = judgeRun({ ...emptySummary, failed: 1 }, { exitCode: 0, nothingMayBeSkipped: false });
    expect(verdict.exitCode).toBe(1);
  });

  it('keeps the exit code of a runner that failed', () => {
    expect(judgeRun(emptySummary, { exitCode: 130, nothingMayBeSkipped: false }).exitCode).toBe(130);
  });

  it.each([
    ['nothing', ''],
    ['half a file', '{"passed": 1, "fai'],
    ['another object', '{"passed": "1"}'],
  ])('takes %s for no summary', (_name, text) => {
    expect(parseSummary(text)).toBeNull();
  });

  it('reads back what was handed over', () => {
    expect(parseSummary(JSON.stringify(skippedRun))).toEqual(skippedRun);
  });
});
