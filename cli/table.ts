import { type CommandIo, printable } from './command-io.ts';

const columnMin = 12;
const gap = 2;

/** How wide a table may be: as wide as the terminal, and as wide as it gets where it goes to a file or a pipe. */
export function tableWidth(io: Pick<CommandIo, 'outIsTerminal' | 'outColumns'>): number {
  return io.outIsTerminal ? io.outColumns() : Number.POSITIVE_INFINITY;
}

/** Rows under a head, padded into columns; numbers to the right. Where `width` is too small, the widest columns are cut. */
export function renderTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  width = Number.POSITIVE_INFINITY,
): string {
  const cells = [head, ...rows.map((row) => row.map(printable))];
  const widths = fitted(
    head.map((_, column) => Math.max(...cells.map((row) => [...(row[column] ?? '')].length))),
    width,
  );
  const numeric = head.map((_, column) => rows.every((row) => /^[\d.,-]*$/.test(row[column] ?? '')));
  return cells
    .map((row) =>
      row
        .map((cell, column) =>
          pad(cut(cell, widths[column] ?? 0), widths[column] ?? 0, numeric[column] === true),
        )
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('');
}

/** The widest give way first, a character at a time, as far as they remain readable. */
function fitted(widths: readonly number[], width: number): readonly number[] {
  const shrunk = [...widths];
  let excess = shrunk.reduce((sum, one) => sum + one + gap, -gap) - width;
  for (; excess > 0; excess -= 1) {
    const widest = Math.max(...shrunk);
    if (widest <= columnMin) break;
    shrunk[shrunk.indexOf(widest)] = widest - 1;
  }
  return shrunk;
}

function cut(cell: string, width: number): string {
  const characters = [...cell];
  return characters.length <= width ? cell : `${characters.slice(0, width - 1).join('')}…`;
}

function pad(cell: string, width: number, right: boolean): string {
  const blank = ' '.repeat(Math.max(0, width - [...cell].length));
  return right ? blank + cell : cell + blank;
}
