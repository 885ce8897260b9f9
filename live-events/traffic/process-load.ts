import { availableParallelism } from 'node:os';
import { performance } from 'node:perf_hooks';
import type { LoadMeter } from './load-window.ts';

/** Of this process. Its CPU is compared with all cores: a store's threads may use those that the event loop cannot. */
export function processLoad(nowMs: () => number): LoadMeter {
  const cores = availableParallelism();
  let loop = performance.eventLoopUtilization();
  let cpu = process.cpuUsage();
  let atMs = nowMs();
  return {
    utilisation: () => {
      const loopNow = performance.eventLoopUtilization();
      const cpuNow = process.cpuUsage();
      const elapsedMicros = Math.max(1, (nowMs() - atMs) * 1000);
      const busyMicros = cpuNow.user - cpu.user + cpuNow.system - cpu.system;
      const share = performance.eventLoopUtilization(loopNow, loop).utilization;
      [loop, cpu, atMs] = [loopNow, cpuNow, nowMs()];
      return Math.max(0, Math.min(1, Math.max(share, busyMicros / elapsedMicros / cores)));
    },
  };
}
