import type { Command } from 'commander';
import type { CommandIo, ExitCode } from '../command-io.ts';
import { addCheckOperationsCommand } from './api-check-operations.ts';
import { addPolicyCommand } from './api-policy.ts';

/** `jg api`: what clients of the API, and those who run it, need beside a running one. */
export function addApiCommand(program: Command, io: CommandIo, finish: (code: ExitCode) => void): void {
  const api = program
    .command('api')
    .description('What clients of the API, and those who run it, need of it.');
  addPolicyCommand(api, io, finish);
  addCheckOperationsCommand(api, io, finish);
}
