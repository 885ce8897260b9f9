import { spawn } from 'node:child_process';
import type { Finding } from './parsed-module.ts';

export interface StepResult {
  readonly name: string;
  readonly passed: boolean;
  readonly elapsedMs: number;
  /** What the step looked at or found, in a few words. */
  readonly summary: string;
  /** Shown when it failed. */
  readonly output: string;
}

/** A tool of its own; it passes when it exits with 0. */
export async function runTool(
  name: string,
  root: string,
  command: string,
  args: readonly string[],
): Promise<StepResult> {
  const started = performance.now();
  const { code, output } = await collect(root, command, args);
  const passed = code === 0;
  return {
    name,
    passed,
    elapsedMs: performance.now() - started,
    summary: passed ? '' : `exit code ${code ?? 'none'}`,
    output: `$ ${[command, ...args].join(' ')}\n${output.trimEnd()}`,
  };
}

/** A check of our own; it passes when it finds nothing. */
export function runCheck(
  name: string,
  check: () => { findings: readonly Finding[]; summary: string },
): StepResult {
  const started = performance.now();
  const { findings, summary } = check();
  return {
    name,
    passed: findings.length === 0,
    elapsedMs: performance.now() - started,
    summary: findings.length === 0 ? summary : `${findings.length} of ${summary}`,
    output: findings.map((finding) => `${finding.path}:${finding.line}: ${finding.message}`).join('\n'),
  };
}

/** The failures in full, then the table, so that the verdict is what a terminal shows last. */
export function renderResults(results: readonly StepResult[]): string {
  const lines: string[] = [];
  for (const result of results) {
    if (!result.passed) lines.push(`── ${result.name} ──`, result.output, '');
  }
  const width = Math.max(...results.map((result) => result.name.length));
  for (const result of results) {
    const seconds = `${(result.elapsedMs / 1000).toFixed(1)} s`.padStart(7);
    const verdict = result.passed ? 'ok    ' : 'FAILED';
    lines.push(`${result.name.padEnd(width)}  ${verdict} ${seconds}  ${result.summary}`.trimEnd());
  }
  return lines.join('\n');
}

function collect(
  root: string,
  command: string,
  args: readonly string[],
): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], timeout: 120_000 });
    let output = '';
    const take = (chunk: Buffer): void => {
      output += chunk.toString('utf8');
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.on('error', (error) => resolve({ code: null, output: `${command}: ${error.message}` }));
    child.on('close', (code) => resolve({ code, output }));
  });
}
