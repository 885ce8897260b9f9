import { readFileSync } from 'node:fs';

/** Of `/proc/PID/stat`: USER_HZ is 100 on every Linux that Node runs on. */
const tickMs = 10;
const pageBytes = 4096;

/** User and system time of all threads of a process so far. */
export function processCpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name in brackets may hold spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * tickMs;
}

export function residentBytes(pid: number): number {
  const statm = readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ');
  return Number(statm[1]) * pageBytes;
}

/** What the kernel's caches of objects hold, all processes together; null where only root may read it. */
export function slabBytes(): number | null {
  try {
    const lines = readFileSync('/proc/slabinfo', 'utf8').split('\n').slice(2);
    return lines.reduce((sum, line) => {
      const [, active, , size] = line.split(/\s+/);
      return sum + (Number(active) || 0) * (Number(size) || 0);
    }, 0);
  } catch {
    return null;
  }
}

/** Sockets that one process may open here, with some files to spare. */
export function socketsMax(): number {
  const limits = readFileSync('/proc/self/limits', 'utf8');
  const hard = /^Max open files\s+\d+\s+(\d+)/m.exec(limits)?.[1];
  return hard === undefined ? Number.POSITIVE_INFINITY : Number(hard) - filesToSpare;
}
const filesToSpare = 500;
