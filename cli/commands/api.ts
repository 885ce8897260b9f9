import type { Command } from 'commander';
import type { CommandIo, ExitCode } from '../command-io.ts';
import { addCheckOperationsCommand } from './api-check-operations.ts';
import { addPolicyCommand } from './api-policy.ts';
import { addApiSchemaCommands } from './api-schema.ts';

/** `jg api`: what clients of the GraphQL API build on, and what those who run it check. */
export function addApiCommand(program: Command, io: CommandIo, finish: (code: ExitCode) => void): void {
  const api = program
    .command('api')
    .description(
      'The GraphQL API: its schema, what changes break, types for TypeScript, and the files it goes by.',
    );
  addApiSchemaCommands(api, io, finish);
  addPolicyCommand(api, io, finish);
  addCheckOperationsCommand(api, io, finish);
}
