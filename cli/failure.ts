import { JourneyGraphError } from '../foundation/index.ts';
import { type CommandIo, type ExitCode, exitCodes, printable, printableLines } from './command-io.ts';

/** Says what went wrong in one sentence, and what it ended if that is known; gives the exit code. Only a bug prints a stack. */
export function reportFailure(error: unknown, io: CommandIo, ended?: string): ExitCode {
  if (error instanceof JourneyGraphError) {
    io.err(`error ${error.code}: ${printableLines(error.message)}\n`);
    return exitCodeOf(error);
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const where = ended === undefined ? '' : `${printable(ended)} failed. `;
  const what = `${where}This is a bug in Journey Graph; please report it with what follows.`;
  io.err(`${what}\n${printableLines(stack)}\n`);
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
