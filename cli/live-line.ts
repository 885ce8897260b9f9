import type { CommandIo } from './command-io.ts';

/** What the line shows; counts of all time come from the store. */
export interface LiveFigures {
  /** Records consumed since this process started. */
  readonly consumedSinceStart: number;
  readonly freshnessMs: number | null;
  readonly nodes: number;
  readonly edges: number;
  readonly deadLetters: number;
  /** Topics whose pipeline is paused or stopped, with why. */
  readonly troubles: readonly string[];
}

const everyMs = 1000;
/** Where the line can't be updated in place (a file, a service's log) it is written this often. */
const plainEveryMs = 30_000;

/** A line that updates in place until the signal aborts: how fast, how fresh, how large. */
export async function showLiveLine(io: CommandIo, read: () => Promise<LiveFigures>): Promise<void> {
  let before = { atMs: io.clock.now(), consumed: (await read()).consumedSinceStart };
  let plainAtMs = 0;
  while (!io.signal.aborted) {
    await io.clock.sleep(everyMs, io.signal);
    const figures = await read();
    const nowMs = io.clock.now();
    const perSecond =
      ((figures.consumedSinceStart - before.consumed) * 1000) / Math.max(1, nowMs - before.atMs);
    before = { atMs: nowMs, consumed: figures.consumedSinceStart };
    const line = renderLiveLine(figures, perSecond);
    if (io.outIsTerminal) io.out(`\r\x1b[K${line}`);
    else if (nowMs - plainAtMs >= plainEveryMs) {
      io.out(`${line}\n`);
      plainAtMs = nowMs;
    }
  }
  if (io.outIsTerminal) io.out('\n');
}

export function renderLiveLine(figures: LiveFigures, perSecond: number): string {
  const fresh = figures.freshnessMs === null ? 'no events lately' : `fresh ${duration(figures.freshnessMs)}`;
  const parts = [
    `${whole(perSecond)} events/s`,
    fresh,
    `nodes ${whole(figures.nodes)}`,
    `edges ${whole(figures.edges)}`,
    `dead letters ${whole(figures.deadLetters)}`,
    ...figures.troubles,
  ];
  return parts.join(' · ');
}

function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 120_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${whole(ms / 60_000)} min`;
}

function whole(count: number): string {
  return Math.round(count).toLocaleString('en-US');
}
