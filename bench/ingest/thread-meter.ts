import { readdirSync, readFileSync } from 'node:fs';

/** Seconds of CPU, by what the threads of the product do. */
export interface ThreadSeconds {
  readonly main: number;
  /** The store's own thread: merges, and builds rows. */
  readonly store: number;
  /** LevelDB's: taking rows in, and merging files in the background. */
  readonly level: number;
  /** V8's helpers: garbage collection and compilation. */
  readonly collector: number;
}

/** Of Linux's clock, in which it accounts. */
const ticksPerSecond = 100;

/** Null where the system has no such account of threads. */
export function threadSeconds(pid: number): ThreadSeconds | null {
  const seconds = { main: 0, store: 0, level: 0, collector: 0 };
  try {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'latin1');
      const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      seconds[groupOf(name)] += (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
    }
    return seconds;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}

/** LevelDB's background thread has the name of the one that started it. */
function groupOf(name: string): keyof ThreadSeconds {
  if (name === 'graph-store') return 'store';
  if (name.startsWith('libuv')) return 'level';
  return name.startsWith('V8') ? 'collector' : 'main';
}

/** Microseconds an event between two readings; no figures where one of them is missing. */
export function microsecondsAnEvent(
  from: ThreadSeconds | null,
  to: ThreadSeconds | null,
  events: number,
): Readonly<Record<string, number>> {
  if (from === null || to === null) return {};
  const names = ['main', 'store', 'level', 'collector'] as const;
  return Object.fromEntries(names.map((name) => [name, ((to[name] - from[name]) / events) * 1e6]));
}
