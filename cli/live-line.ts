import { countText } from '../foundation/index.ts';
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
const plainEveryMs = 5000;
const startOfEmptyLine = '\r\x1b[K';

/** A line that updates in place until `ending` aborts: how fast, how fresh, how large. */
export async function showLiveLine(
  io: CommandIo,
  read: () => Promise<LiveFigures>,
  ending: AbortSignal,
): Promise<void> {
  let before = { atMs: io.clock.now(), consumed: (await read()).consumedSinceStart };
  let plainAtMs = Number.NEGATIVE_INFINITY;
  try {
    while (!ending.aborted) {
      await io.clock.sleep(everyMs, ending);
      if (ending.aborted) break;
      const figures = await read();
      const nowMs = io.clock.now();
      const perSecond =
        ((figures.consumedSinceStart - before.consumed) * 1000) / Math.max(1, nowMs - before.atMs);
      before = { atMs: nowMs, consumed: figures.consumedSinceStart };
      const line = renderLiveLine(figures, perSecond);
      // One column stays free: a line that fills the last one makes some terminals go on to the next.
      if (io.outIsTerminal) io.out(`${startOfEmptyLine}${cutToWidth(line, io.outColumns() - 1)}`);
      else if (nowMs - plainAtMs >= plainEveryMs) {
        io.out(`${line}\n`);
        plainAtMs = nowMs;
      }
    }
  } finally {
    // Whatever is said next, such as why it ends, begins a line of its own.
    if (io.outIsTerminal) io.out('\n');
  }
}

/** Messages take the line's place, and it is drawn anew below them; beside it they could not be read. */
export function aboveLiveLine(io: CommandIo): CommandIo {
  if (!io.outIsTerminal || !io.errIsTerminal) return io;
  return { ...io, err: (text) => io.err(`${startOfEmptyLine}${text}`) };
}

export function renderLiveLine(figures: LiveFigures, perSecond: number): string {
  const fresh = figures.freshnessMs === null ? 'no events lately' : `fresh ${duration(figures.freshnessMs)}`;
  const parts = [
    `${countText(perSecond)} events/s`,
    fresh,
    `nodes ${countText(figures.nodes)}`,
    `edges ${countText(figures.edges)}`,
    `dead letters ${countText(figures.deadLetters)}`,
    ...figures.troubles,
  ];
  return parts.join(' · ');
}

/** At most `width` columns of a terminal, with an ellipsis where something is missing. */
function cutToWidth(text: string, width: number): string {
  const characters = [...text];
  if (characters.reduce((sum, character) => sum + columnsOf(character), 0) <= width) return text;
  let kept = '';
  let left = width - 1;
  for (const character of characters) {
    left -= columnsOf(character);
    if (left < 0) break;
    kept += character;
  }
  return width > 0 ? `${kept}…` : '';
}

/** Never too few: Korean, Chinese, Japanese and pictures take two columns, and they begin here. */
function columnsOf(character: string): number {
  return (character.codePointAt(0) ?? 0) >= 0x1100 && !isNarrowSymbol(character) ? 2 : 1;
}

/** Dashes, quotes, dots and arrows of ordinary text lie above the wide scripts' beginning. */
function isNarrowSymbol(character: string): boolean {
  return character >= '\u2000' && character < '\u2300';
}

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
const year = 365.25 * day;

/** In the largest unit of which there are two: an archive's events may be years old. */
function duration(ms: number): string {
  if (ms < second) return `${Math.round(ms)} ms`;
  if (ms < 2 * minute) return `${(ms / second).toFixed(1)} s`;
  if (ms < 2 * hour) return `${countText(ms / minute)} min`;
  if (ms < 2 * day) return `${countText(ms / hour)} h`;
  if (ms < 2 * year) return `${countText(ms / day)} days`;
  return `${countText(ms / year)} years`;
}
