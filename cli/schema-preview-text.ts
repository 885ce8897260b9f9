import { type CommandIo, printable } from './command-io.ts';
import type { FieldRow, MutationRow, PreviewReport } from './schema-preview.ts';
import type { PreviewOutcome } from './schema-preview-run.ts';
import { problemText } from './schema-report.ts';
import { renderTable, tableWidth } from './table.ts';

/** More rows than a person reads: then those without a difference are left out. */
const rowsMax = 40;
const examplesMax = 20;
const lossesMax = 10;
const columnsMin = 40;

/** For people; all of it is in `--json` too, uncut. */
export function printPreview({ problems, report, ended, notes }: PreviewOutcome, io: CommandIo): void {
  for (const problem of problems) io.out(`${problemText(problem)}\n`);
  if (report === null) return;
  const { before, after, samples } = report;
  const until =
    ended === 'timeout' ? ' (the time was up: --timeout)' : ended === 'aborted' ? ' (stopped)' : '';
  io.out(`${count(samples, 'sample')}${until}\n`);
  io.out(`before  ${printable(before ?? 'no mapping: every event is filtered')}\n`);
  io.out(`after   ${printable(after)}\n`);
  for (const note of notes) io.out(`note    ${printable(note)}\n`);
  printFates(report, io);
  printMutations(report, io);
  printGraph(report, io);
  printFields(report, io);
  printLosses(report, io);
}

function printFates({ fates }: PreviewReport, io: CommandIo): void {
  const rows = fates.map(({ fate, code, before, after }) => [
    code === '' ? fate : `${fate} ${code}`,
    String(before),
    String(after),
  ]);
  io.out(`\nEvents\n${indented(renderTable(['fate', 'before', 'after'], rows, tableWidth(io) - 2))}`);
}

function printMutations({ mutations }: PreviewReport, io: CommandIo): void {
  if (mutations.length === 0) {
    io.out('\nNeither version writes anything into the graph for these samples.\n');
    return;
  }
  const different = mutations.filter(differs);
  if (different.length === 0) {
    io.out(
      `\nGraph: the same ${count(mutations.length, 'kind')} of nodes, edges, steps and properties, all equal.\n`,
    );
    return;
  }
  const shown = mutations.length > rowsMax ? different : mutations;
  const rows = shown.map(({ part, name, before, after, appears, vanishes, changesValue, changesKind }) => [
    part,
    name,
    String(before),
    String(after),
    blankZero(appears),
    blankZero(vanishes),
    blankZero(changesValue),
    changesKind === 0 ? '' : 'kind',
  ]);
  const head = ['part', 'name', 'before', 'after', 'new', 'gone', 'changed', ''];
  io.out(`\nGraph\n${indented(renderTable(head, rows, tableWidth(io) - 2))}`);
  if (shown.length < mutations.length)
    io.out(`  and ${mutations.length - shown.length} without a difference (--json shows all)\n`);
  printExamples(different, io);
}

function printExamples(rows: readonly MutationRow[], io: CommandIo): void {
  const shown = rows.flatMap(({ part, name, examples }) =>
    examples.map(({ what, at, before, after }) => {
      const sign = what === 'vanishes' ? '-' : what === 'appears' ? '+' : '~';
      const texts = what === 'changes' ? [`   ${before}`, `=> ${after}`] : [`   ${before ?? after ?? ''}`];
      return [`${sign} ${part} ${name}  (${at})`, ...texts.map((text) => `  ${text}`)];
    }),
  );
  io.out('\nExamples (+ new, - gone, ~ changed)\n');
  for (const lines of shown.slice(0, examplesMax))
    for (const line of lines) io.out(`  ${fitted(line, io)}\n`);
  if (shown.length > examplesMax) io.out(`  and ${shown.length - examplesMax} more (--json shows all)\n`);
}

function printGraph({ graph }: PreviewReport, io: CommandIo): void {
  if (graph.length === 0) return;
  const rows = graph.map(({ change, name, before, after }) => [change, name, before, after]);
  const shown = rows.slice(0, rowsMax);
  io.out(
    `\nGraph schema\n${indented(renderTable(['change', 'name', 'before', 'after'], shown, tableWidth(io) - 2))}`,
  );
  if (rows.length > rowsMax) io.out(`  and ${rows.length - rowsMax} more (--json shows all)\n`);
}

function printFields({ fields, samples }: PreviewReport, io: CommandIo): void {
  const say = ({ path, filled }: FieldRow): string =>
    filled === 0
      ? `${path} (empty in all samples)`
      : filled === samples
        ? path
        : `${path} (${percent(filled, samples)})`;
  const lists = [
    ['read', fields.filter(({ readBefore, readAfter }) => readBefore && readAfter)],
    ['newly read', fields.filter(({ readBefore, readAfter }) => !readBefore && readAfter)],
    ['no longer read', fields.filter(({ readBefore, readAfter }) => readBefore && !readAfter)],
    ['never read', fields.filter(({ readBefore, readAfter }) => !readBefore && !readAfter)],
  ] as const;
  io.out('\nFields of the event (in how many samples they are filled, where not in all)\n');
  for (const [head, rows] of lists) {
    if (rows.length > 0) io.out(wrapped(`${head}: `, rows.map(say), io));
  }
}

function printLosses({ losses }: PreviewReport, io: CommandIo): void {
  if (losses.length === 0) {
    io.out('\nNothing is lost.\n');
    return;
  }
  io.out('\nLost\n');
  for (const loss of losses.slice(0, lossesMax)) io.out(`  ${printable(loss)}\n`);
  if (losses.length > lossesMax) io.out(`  and ${losses.length - lossesMax} more (--json shows all)\n`);
}

function differs({ appears, vanishes, changesValue }: MutationRow): boolean {
  return appears + vanishes + changesValue > 0;
}

function blankZero(number: number): string {
  return number === 0 ? '' : String(number);
}

function percent(part: number, whole: number): string {
  return `${Math.max(1, Math.floor((100 * part) / whole))} %`;
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}

function indented(table: string): string {
  return table.replace(/^(?=.)/gm, '  ');
}

/** On a terminal a line of ours stays one line; in a file it stays whole. */
function fitted(text: string, io: CommandIo): string {
  const line = printable(text);
  const columns = Math.max(columnsMin, io.outColumns()) - 2;
  if (!io.outIsTerminal || [...line].length <= columns) return line;
  return `${[...line].slice(0, columns - 1).join('')}…`;
}

/** A list, broken between its items. */
function wrapped(head: string, items: readonly string[], io: CommandIo): string {
  const columns = Math.max(columnsMin, io.outIsTerminal ? io.outColumns() : 100);
  const lines = [`  ${head}`];
  for (const [index, item] of items.map(printable).entries()) {
    const part = index === items.length - 1 ? item : `${item}, `;
    const last = lines.at(-1) ?? '';
    if (last.length + part.trimEnd().length > columns && last.trim() !== '') lines.push(`    ${part}`);
    else lines[lines.length - 1] = last + part;
  }
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`;
}
