import type { Command } from 'commander';
import { normalizers } from '../../processors/index.ts';
import { type CommandIo, type ExitCode, exitCodes, printableLines } from '../command-io.ts';
import { renderTable, tableWidth } from '../table.ts';

const examples = `Examples:
  jg mapping functions
  jg mapping functions --json | jq '.[].name'
`;

/** `jg mapping functions`: what a mapping may name in \`apply\`. */
export function addMappingCommands(mapping: Command, io: CommandIo, finish: (code: ExitCode) => void): void {
  mapping.addHelpText('before', examples);
  mapping
    .command('functions')
    .description('Prints the functions that a mapping can name in `apply`.')
    .option('--json', 'One JSON list.')
    .addHelpText('before', examples)
    .action((options: { readonly json?: boolean }) => {
      io.out(options.json === true ? functionsJson() : functionsText(tableWidth(io)));
      finish(exitCodes.ok);
    });
}

function functionsJson(): string {
  const listed = [...normalizers.values()].map(({ name, takes, gives, description, examples: given }) => ({
    name,
    takes,
    gives,
    description,
    examples: given.map(([input, output]) => ({ given: plain(input), gives: plain(output) })),
  }));
  return `${printableLines(JSON.stringify(listed, null, 2))}\n`;
}

/** As a table where it fits, else as a list: a text that is cut would be of no use. */
function functionsText(width: number): string {
  const rows = [...normalizers.values()].map(({ name, takes, gives, description, examples: given }) => {
    const example = given[0] === undefined ? '' : `${shown(given[0][0])} → ${shown(given[0][1])}`;
    return [name, takes.join(', '), gives, description, example];
  });
  const table = renderTable(['function', 'takes', 'gives', 'does', 'example'], rows);
  if (table.split('\n').every((line) => line.length <= width)) return table;
  return rows
    .map(([name, takes, gives, ...more]) =>
      [`${name}: ${takes} → ${gives}`, ...more.flatMap((text) => wrapped(text ?? '', width))].join('\n'),
    )
    .map((text) => `${text}\n`)
    .join('');
}

function wrapped(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > width) lines.push(`    ${word}`);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}

type Example = string | number | bigint | boolean | null;

function shown(value: Example): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}

function plain(value: Example): string | number | boolean | null {
  return typeof value === 'bigint' ? String(value) : value;
}
