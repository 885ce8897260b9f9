import { printable } from './command-io.ts';

/** Rows under a head, padded into columns; numbers to the right. */
export function renderTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [head, ...rows.map((row) => row.map(printable))];
  const widths = head.map((_, column) => Math.max(...cells.map((row) => [...(row[column] ?? '')].length)));
  const numeric = head.map((_, column) => rows.every((row) => /^[\d.,-]*$/.test(row[column] ?? '')));
  return cells
    .map((row) =>
      row
        .map((cell, column) => pad(cell, widths[column] ?? 0, numeric[column] === true))
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('');
}

function pad(cell: string, width: number, right: boolean): string {
  const blank = ' '.repeat(Math.max(0, width - [...cell].length));
  return right ? blank + cell : cell + blank;
}
