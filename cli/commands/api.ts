import type { Command } from 'commander';
import type { CommandIo, ExitCode } from '../command-io.ts';
import { addCheckOperationsCommand } from './api-check-operations.ts';
import { addPolicyCommand } from './api-policy.ts';
import { addApiSchemaCommands } from './api-schema.ts';
import { addServeCommand } from './api-serve.ts';

/** `jg api`: the API as a process of its own, what its clients build on, and what those who run it check. */
export function addApiCommands(api: Command, io: CommandIo, finish: (code: ExitCode) => void): void {
  addServeCommand(api, io, finish);
  addApiSchemaCommands(api, io, finish);
  addPolicyCommand(api, io, finish);
  addCheckOperationsCommand(api, io, finish);
}
