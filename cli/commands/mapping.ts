import type { Command } from 'commander';
import { normalizers } from '../../processors/index.ts';
import { type CommandIo, type ExitCode, exitCodes, printableLines } from '../command-io.ts';
import { renderTable } from '../table.ts';

const examples = `Examples:
  jg mapping functions
  jg mapping functions --json | jq '.[].name'
`;

/** `jg mapping functions`: what a mapping may name in \`apply\`. */
export function addMappingCommand(program: Command, io: CommandIo, finish: (code: ExitCode) => void): void {
  const mapping = program.command('mapping').description('What a mapping can say.');
  mapping.addHelpText('before', examples);
  mapping
    .command('functions')
    .description('Prints the functions that a mapping can name in `apply`.')
    .option('--json', 'One JSON list.')
    .addHelpText('before', examples)
    .action((options: { readonly json?: boolean }) => {
      io.out(options.json === true ? functionsJson() : functionsTable());
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

function functionsTable(): string {
  const rows = [...normalizers.values()].map(({ name, takes, gives, description, examples: given }) => {
    const example = given[0] === undefined ? '' : `${shown(given[0][0])} → ${shown(given[0][1])}`;
    return [name, takes.join(', '), gives, description, example];
  });
  return renderTable(['function', 'takes', 'gives', 'does', 'example'], rows);
}

type Example = string | number | bigint | boolean | null;

function shown(value: Example): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}

function plain(value: Example): string | number | boolean | null {
  return typeof value === 'bigint' ? String(value) : value;
}
