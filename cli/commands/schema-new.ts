import type { Command } from 'commander';
import { RefusedError } from '../../foundation/index.ts';
import { AvroSchema } from '../../schemas/index.ts';
import { type CommandIo, type ExitCode, exitCodes, printableLines } from '../command-io.ts';
import { readText } from '../schema-files.ts';
import { proposeMapping } from '../schema-proposal.ts';

/** `jg schema new`: a first mapping for a schema that has none. */
export function addSchemaNewCommand(schema: Command, io: CommandIo, finish: (code: ExitCode) => void): void {
  schema
    .command('new')
    .description(
      'Prints the schema with a proposed `graph`, made from its ids, its time and its nested records.',
    )
    .argument('<file>', 'An Avro schema.')
    .option('--domain <name>', 'The part of the business that it belongs to (default: from its namespace).')
    .option('--json', 'The same: the output is JSON.')
    .addHelpText(
      'before',
      'Examples:\n  jg schema new rides.avsc > rides.graph.avsc\n  jg schema new rides.avsc --domain mobility\n',
    )
    .action(async (file: string, options: { readonly domain?: string }) => {
      const avro = new AvroSchema(await readText(file));
      if (avro.graph !== undefined)
        throw new RefusedError(
          'UNEXPECTED_ARGUMENT',
          `${file} carries a \`graph\` already: \`jg schema check ${file}\` says whether it is right.`,
        );
      const { json, notes } = proposeMapping(avro, options.domain ?? null);
      io.out(`${printableLines(JSON.stringify(json, null, 2))}\n`);
      for (const note of notes) io.err(`${printableLines(note)}\n`);
      finish(exitCodes.ok);
    });
}
