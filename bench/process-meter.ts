import { readFileSync } from 'node:fs';
import type { Measured } from './benchmark.ts';

const sampleEveryMs = 50;
const mebibyte = 1024 * 1024;

/** Samples resident memory every 50 ms: a peak shorter than that can be missed. Children are read from `/proc`. */
export async function measure<T>(
  work: () => Promise<T>,
  childPids: () => readonly number[] = () => [],
): Promise<Measured<T>> {
  let peakMiB = 0;
  const sample = (): void => {
    const children = childPids().reduce((sum, pid) => sum + processMemory(pid).residentMiB, 0);
    peakMiB = Math.max(peakMiB, process.memoryUsage.rss() / mebibyte + children);
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
      peakRssMiB: peakMiB,
    };
  } finally {
    clearInterval(timer);
  }
}

export interface ProcessMemory {
  /** All that is in memory, pages of files that it maps included, which the system may take back at any time. */
  readonly residentMiB: number;
  /** Heaps, stacks and buffers alone: what the process cannot do without. */
  readonly anonymousMiB: number;
}

/** Read from `/proc`; zero for a process that has ended, and where there is no `/proc`. */
export function processMemory(pid: number): ProcessMemory {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const kibibytes = (name: string): number =>
      Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0);
    return { residentMiB: kibibytes('VmRSS') / 1024, anonymousMiB: kibibytes('RssAnon') / 1024 };
  } catch {
    return { residentMiB: 0, anonymousMiB: 0 };
  }
}
