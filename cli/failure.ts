import { JourneyGraphError } from '../foundation/index.ts';
import { type CommandIo, type ExitCode, exitCodes, printableLines } from './command-io.ts';

/** Says what went wrong in one sentence and gives the exit code. Only a bug prints a stack. */
export function reportFailure(error: unknown, io: CommandIo): ExitCode {
  if (error instanceof JourneyGraphError) {
    io.err(`error ${error.code}: ${printableLines(error.message)}\n`);
    return exitCodeOf(error);
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  io.err(`This is a bug in Journey Graph; please report it with what follows.\n${printableLines(stack)}\n`);
  return exitCodes.failed;
}

function exitCodeOf(error: JourneyGraphError): ExitCode {
  if (error.code === 'PORT_IN_USE') return exitCodes.portInUse;
  switch (error.reaction) {
    case 'refused':
      return exitCodes.usage;
    case 'stop':
      return exitCodes.stopped;
    default:
      return exitCodes.failed;
  }
}
