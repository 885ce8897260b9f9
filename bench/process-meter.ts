import { readFileSync } from 'node:fs';
import type { Measured } from './benchmark.ts';

const sampleEveryMs = 50;
const mebibyte = 1024 * 1024;

/** Samples resident memory every 50 ms: a peak shorter than that can be missed. Children are read from `/proc`. */
export async function measure<T>(
  work: () => Promise<T>,
  childPids: () => readonly number[] = () => [],
): Promise<Measured<T>> {
  let peakBytes = 0;
  const sample = (): void => {
    const children = childPids().reduce((sum, pid) => sum + residentBytes(pid), 0);
    peakBytes = Math.max(peakBytes, process.memoryUsage.rss() + children);
  };
  const timer = setInterval(sample, sampleEveryMs);
  const cpuBefore = process.cpuUsage();
  const began = performance.now();
  try {
    sample();
    const result = await work();
    sample();
    const cpu = process.cpuUsage(cpuBefore);
    return {
      result,
      elapsedMs: performance.now() - began,
      cpuMs: (cpu.user + cpu.system) / 1000,
      peakRssMiB: peakBytes / mebibyte,
    };
  } finally {
    clearInterval(timer);
  }
}

/** Zero for a process that has ended, and where there is no `/proc`. */
function residentBytes(pid: number): number {
  try {
    const match = readFileSync(`/proc/${pid}/status`, 'utf8').match(/^VmRSS:\s+(\d+) kB/m);
    return Number(match?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}
