import type { Command } from 'commander';
import type { CommandIo, ExitCode } from '../command-io.ts';
import { addCheckOperationsCommand } from './api-check-operations.ts';

/** `jg api`: what clients of the API need of it. */
export function addApiCommand(program: Command, io: CommandIo, finish: (code: ExitCode) => void): void {
  const api = program.command('api').description('What clients of the API need of it.');
  addCheckOperationsCommand(api, io, finish);
}
